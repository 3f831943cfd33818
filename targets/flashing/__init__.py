"""Giving a board another firmware: its steps, each with a time limit and an error of its own, and the ways up for each kind."""

from targets.flashing.machine import Flasher
from targets.flashing.steps import Limits

__all__ = ["Flasher", "Limits"]
