"""Emulated boards as a PlatformIO platform that needs no registry."""

from platformio.public import PlatformBase


class RedsemulatedPlatform(PlatformBase):
    """Cross-compiles; PlatformIO would otherwise infer a native platform from the lack of an uploader package."""

    def is_embedded(self) -> bool:
        return True
