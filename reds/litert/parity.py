"""Whether a `.tflite` file computes what the bundle it was made from does, by LiteRT's own kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reds import reference
from reds.bundle import Bundle
from reds.image.records import dequantise, quantise
from reds.litert.encoding import INPUT, OUTPUT, schema
from reds.parity import TOLERANCES
from reds.subnets import Subnet

MOST_INPUTS = 64


def outputs(content: bytes, name: str, inputs: np.ndarray, *, xnnpack: bool = False) -> np.ndarray:
    """Real outputs (n, elements), float32, of one signature for real inputs (n, ...), float32, quantised as the file has it.

    Args:
        content: the file.
        name: of the signature.
        inputs: in the shape of the signature's input but for the number of examples.
        xnnpack: whether XNNPACK computes what it can.

    Raises:
        MissingError: LiteRT is not installed.
    """
    schema()  # says what is missing
    from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415 - part of the extra `litert`

    resolver = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=resolver)
    runner = interpreter.get_signature_runner(name)
    before, after = runner.get_input_details()[INPUT], runner.get_output_details()[OUTPUT]
    given = np.asarray(inputs, np.float32)
    if before["dtype"] is np.int8:
        given = quantise(given, *before["quantization"])
    found = runner(**{INPUT: given})[OUTPUT].reshape(len(inputs), -1)
    return dequantise(found, *after["quantization"]) if after["dtype"] is np.int8 else found


def check_parity(bundle: Bundle, precision: str, content: bytes, subnets: Sequence[Subnet], inputs: np.ndarray) -> None:
    """Compare every signature with its subnetwork on a few of the inputs (n, input elements), float32.

    Raises:
        ParityError: outputs are off by more than `reds.parity.TOLERANCES` says.
    """
    tolerance = TOLERANCES[precision]
    inputs = inputs[:MOST_INPUTS]
    shaped = inputs.reshape(len(inputs), *bundle.architecture.input_shape)
    for subnet in subnets:
        expected = reference.logits(bundle, subnet, inputs)
        off = tolerance.deviation(outputs(content, subnet.name, shaped), expected)
        tolerance.check(f"the {precision} .tflite file", subnet.name, off)
