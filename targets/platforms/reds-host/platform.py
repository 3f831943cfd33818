"""This computer as a PlatformIO platform that needs no registry."""

from platformio.public import PlatformBase


class RedshostPlatform(PlatformBase):
    """Needs no package and has nothing to upload to."""

    def is_embedded(self) -> bool:
        return False
