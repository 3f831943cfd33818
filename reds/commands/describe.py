"""Say what a network, a bundle, an image or a .tflite file is: its groups or layers, and what each subnetwork costs.

The peak is what activations take in int8; in float32 they take four times that.

examples:
  python -m reds describe mlp3
  python -m reds describe build/finished --json
  python -m reds describe build/net.reds
  python -m reds describe build/net.tflite
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from reds.architecture import Architecture
from reds.bundle import Bundle
from reds.commands.describe_tflite import describe_tflite
from reds.commands.shared import add_json, cost_rows, print_subnets, subnet_rows
from reds.commands.tables import print_rows, print_wrapped
from reds.errors import ConfigError
from reds.image import read_image
from reds.image.format import MAGIC
from reds.litert.reading import is_tflite
from reds.subnets import whole_network
from reds.zoo import NAMES, architecture

NAME = "describe"
SUMMARY = "say what a network, a bundle, an image or a .tflite file is and what its subnetworks cost"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "network",
        metavar="NAME|BUNDLE|FILE",
        help=f"a network ({', '.join(NAMES)}), a bundle folder, a .reds or .tflite file",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the description."""
    path = Path(arguments.network)
    if path.is_file():
        content = path.read_bytes()
        describe_file = describe_tflite if is_tflite(content) else _describe_image
        describe_file(path, content, arguments.json)
        return
    if path.is_dir():
        bundle = Bundle.load(path)
        network, rows, provenance = bundle.architecture, subnet_rows(bundle), dict(bundle.provenance)
    else:
        network = architecture(arguments.network)
        rows, provenance = cost_rows(network, whole_network(network), {}), {}
    facts = _facts(network)
    if arguments.json:
        print(json.dumps({**facts, "subnets": rows, "provenance": provenance}, indent=1))
        return
    print(f"{facts['name']}: input {facts['input_shape']}, {facts['classes']} classes")
    groups = (f"{g['name']} {g['size']}{' (whole)' if g['whole'] else ''}" for g in facts["groups"])
    print_wrapped("channel groups: " + ", ".join(groups))
    print_subnets(rows, as_json=False)


def _describe_image(path: Path, data: bytes, as_json: bool) -> None:
    """Print what a `.reds` file holds; other files are refused."""
    if not data.startswith(MAGIC):
        do = f"a network of another program becomes a bundle first: python -m reds import {path} --architecture NAME -o BUNDLE"
        raise ConfigError(f"{path} is neither a bundle nor an image", do=do)
    image = read_image(data)
    facts = {
        "bytes": len(data),
        "precision": image.precision,
        "inputs": image.input_elements,
        "outputs": image.output_elements,
        "layers": [{"kind": layer.kind, "outputs": layer.output_channels, "layout": layer.layout.name} for layer in image.layers],
    }
    rows = [
        {
            "subnet": level.name,
            "channels": [image.layers[0].input_channels, *(step.table.output_channels for step in level.steps)],
            "macs": level.macs,
            "arena_bytes": level.activation_bytes,
        }
        for level in image.levels
    ]
    if as_json:
        print(json.dumps({**facts, "subnets": rows}, indent=1))
        return
    size = f"{len(data):,} bytes, {image.precision}, {image.input_elements} inputs, {image.output_elements} outputs"
    print(f"{path}: an image for devices, {size}")
    print_wrapped("layers: " + ", ".join(layer.kind for layer in image.layers))
    print_rows(rows, as_json=False)


def _facts(network: Architecture) -> dict:
    groups = [{"name": group.name, "size": group.size, "whole": group.whole} for group in network.groups]
    return {"name": network.name, "input_shape": list(network.input_shape), "classes": network.classes, "groups": groups}
