"""The colours of charts: told apart by everybody, and the same for the same thing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from harness.report.style import PALETTE, PAPER, Colours, colour_of_device


def linear(colour: str) -> np.ndarray:
    """Linear RGB of a colour."""
    channels = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """Contrast of two colours (WCAG 2.2)."""
    dark, light = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) + 0.05 for c in (a, b))
    return light / dark


# G. M. Machado et al., "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "no green cones": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]),
    "no red cones": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
}
# B. Ottosson, "A perceptual color space for image processing" (OKLab), 2020.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
LAB = np.array(
    [
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766],
    ]
)


@pytest.mark.parametrize("vision", VISIONS)
def test_colours_are_told_apart(vision: str) -> None:
    seen = [LAB @ np.cbrt(np.clip(CONES @ np.clip(VISIONS[vision] @ linear(c), 0, 1), 0, None)) for c in PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 0.1


def test_a_chart_gives_no_colour_twice_and_devices_always_the_same() -> None:
    colours = Colours(["host", "pico"])

    def shown(*names: str) -> dict[str, str]:
        scale = colours.scale([{"name": name} for name in names], "name").to_dict()
        return dict(zip(scale["domain"], scale["range"], strict=True))

    first = shown("host", *(f"published {i}" for i in range(6)))
    second = shown("pico", "published 2", *(f"more {i}" for i in range(5)))
    assert len(set(first.values())) == len(set(second.values())) == len(PALETTE)
    assert shown("pico", "host") == {"host": PALETTE[0], "pico": PALETTE[1]}
    assert len(shown(*(f"many {i}" for i in range(20)))) == 20


@pytest.mark.parametrize("paper", PAPER)
def test_colours_stand_out_from_the_paper(paper: str) -> None:
    assert min(contrast(colour, PAPER[paper]) for colour in PALETTE) >= 3


def test_a_device_has_its_colour_whatever_else_is_measured() -> None:
    shipped = [colour_of_device(name) for name in ("host", "nano33ble-emu", "pico-emu", "nano33ble", "pico")]
    assert len({*shipped, PALETTE[0]}) == len(shipped) + 1
    assert colour_of_device("a board of mine") == colour_of_device("a board of mine") != PALETTE[0]
