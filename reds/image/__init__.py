"""The `.reds` image: one file that holds a network with all its subnetworks and is read in place (docs/image-format.md)."""

from reds.image.buffers import place
from reds.image.layouts import CHOICES, Layout, Layouts
from reds.image.reader import read_image
from reds.image.records import Image, Layer, Level, Step, StepTable
from reds.image.sections import truncate
from reds.image.writer import write_image

__all__ = [
    "CHOICES",
    "Image",
    "Layer",
    "Layout",
    "Layouts",
    "Level",
    "Step",
    "StepTable",
    "place",
    "read_image",
    "truncate",
    "write_image",
]
