"""Post-training quantisation to int8, by TensorFlow Lite's int8 specification.

Weights are stored once, so their scales (one for each output channel) serve every subnetwork. Everything else belongs to a
subnetwork: the scales of its activations, its biases, and the factors into which its batch norm goes.
"""

from reds.quantisation.affine import Quantisation, affine
from reds.quantisation.network import QuantisedNetwork, quantise_network
from reds.quantisation.steps import QuantisedStep

__all__ = ["Quantisation", "QuantisedNetwork", "QuantisedStep", "affine", "quantise_network"]
