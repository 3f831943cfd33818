"""The program that runs on a device: its C sources (`src/`) and how they are built."""

from targets.firmware.builder import Firmware, build

__all__ = ["Firmware", "build"]
