"""The `.reds` image: one file that holds a network with all its subnetworks and is read in place (docs/image-format.md)."""

from reds.image.reader import read_image
from reds.image.records import Image, Layer, Level, Step, StepTable, chain
from reds.image.writer import write_image

__all__ = ["Image", "Layer", "Level", "Step", "StepTable", "chain", "read_image", "write_image"]
