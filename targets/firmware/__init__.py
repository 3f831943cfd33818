"""The program that runs on a device: its C sources (`src/`), how it is built, and what makes one build differ from another."""

from targets.firmware.builder import Firmware, build

__all__ = ["Firmware", "build"]
