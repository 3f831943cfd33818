"""The arithmetic of networks and images in NumPy: what devices must compute, bit by bit in int8, to rounding in float32."""

from reds.reference.image import infer, layer_values
from reds.reference.network import layer_outputs, logits

__all__ = ["infer", "layer_outputs", "layer_values", "logits"]
