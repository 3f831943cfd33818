"""A subnetwork alone as an ordinary int8 `.tflite` with the scales of an image, and what LiteRT's reference kernels make of it.

Dense layers are written as CONV_2D on a 1x1 map: FULLY_CONNECTED requantises in floating point. A channel whose factor is
negative, which the file format does not have, gets its weights and bias negated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from reds.image import Layer
from reds.quantisation import Quantisation, QuantisedNetwork, QuantisedStep
from reds.reference.windows import active_weights

Operator = schema.BuiltinOperator
VALID, SAME = schema.Padding.VALID, schema.Padding.SAME
FUSED = {
    "none": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
    "leaky_relu": schema.ActivationFunctionType.NONE,
}
# The oldest version of each operator that knows int8 (and, of convolutions, a scale for each channel).
VERSIONS = {
    Operator.CONV_2D: 3,
    Operator.DEPTHWISE_CONV_2D: 3,
    Operator.AVERAGE_POOL_2D: 2,
    Operator.MAX_POOL_2D: 2,
    Operator.LEAKY_RELU: 2,
    Operator.PAD: 2,
    Operator.RESHAPE: 1,
    Operator.FULLY_CONNECTED: 5,
}
TYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32}


@dataclass
class Model:
    """A `.tflite` in the making: tensors with their data, and operators in the order in which they run."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])  # the first is empty by convention
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def constant(self, values: np.ndarray, scales: Sequence[float] | np.ndarray = (), axis: int = 0) -> int:
        """Index of a tensor that holds values, symmetric with these scales along an axis."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)  # pyright: ignore[reportAttributeAccessIssue]
        self.buffers.append(buffer)
        index = self._tensor(values.shape, str(values.dtype), len(self.buffers) - 1)
        self._quantise(index, list(scales), [0] * len(scales), axis)
        return index

    def activation(self, shape: tuple[int, ...], quantisation: Quantisation) -> int:
        """Index of a tensor that an operator writes, or the input."""
        index = self._tensor(shape, "int8", 0)
        self._quantise(index, [quantisation.scale], [quantisation.zero_point], 0)
        return index

    def _tensor(self, shape: tuple[int, ...], kind: str, buffer: int) -> int:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = list(shape), TYPES[kind], buffer, f"tensor{len(self.tensors)}"
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _quantise(self, index: int, scales: list[float], zero_points: list[int], axis: int) -> None:
        quantisation = schema.QuantizationParametersT()
        quantisation.scale, quantisation.zeroPoint, quantisation.quantizedDimension = scales, zero_points, axis
        self.tensors[index].quantization = quantisation

    def add(self, code: int, inputs: list[int], output: int, options: Any) -> None:
        """An operator; the type of its options has the name of their class."""
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self.codes.index(code), inputs, [output]
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.operators.append(operator)

    def content(self, source: int, outputs: list[int]) -> bytes:
        """The file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = self.tensors, self.operators, [source], outputs
        model = schema.ModelT()
        model.version, model.subgraphs, model.buffers = 3, [graph], self.buffers
        model.operatorCodes = []
        for code in self.codes:
            operator_code = schema.OperatorCodeT()
            operator_code.builtinCode = operator_code.deprecatedBuiltinCode = code
            operator_code.version = VERSIONS[code]
            model.operatorCodes.append(operator_code)
        builder = flatbuffers.Builder(0)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def same_before(size: int, kernel: int, stride: int) -> int:
    """TensorFlow's padding before the input for "same"."""
    return max((-(-size // stride) - 1) * stride + kernel - size, 0) // 2


def padding_of(layer: Layer) -> int | None:
    """VALID or SAME; None where it is neither."""
    sides = list(zip(layer.input_size, layer.kernel_size, layer.strides, layer.output_size, layer.before, strict=True))
    if all(before == 0 and (size - kernel) // stride + 1 == count for size, kernel, stride, count, before in sides):
        return VALID
    if all(
        before == same_before(size, kernel, stride) and -(-size // stride) == count
        for size, kernel, stride, count, before in sides
    ):
        return SAME
    return None


def padded(model: Model, layer: Layer, source: int, quantisation: Quantisation) -> int:
    """The input with explicit padding."""
    samples, _, _, channels = model.tensors[source].shape
    after = [
        max(0, (count - 1) * stride + kernel - size - before)
        for size, kernel, stride, count, before in zip(
            layer.input_size, layer.kernel_size, layer.strides, layer.output_size, layer.before, strict=True
        )
    ]
    sides = np.array([[0, 0], *zip(layer.before, after, strict=True), [0, 0]], np.int32)
    height, width = (size + sum(side) for size, side in zip(layer.input_size, sides[1:3].tolist(), strict=True))
    output = model.activation((samples, height, width, channels), quantisation)
    model.add(Operator.PAD, [source, model.constant(sides)], output, schema.PadOptionsT())
    return output


def windowed(options: Any, layer: Layer, padding: int) -> Any:
    """The options with strides, padding and fused activation."""
    options.strideH, options.strideW = layer.strides
    options.padding, options.fusedActivationFunction = padding, FUSED[layer.activation]
    return options


def add_products(model: Model, layer: Layer, step: QuantisedStep, source: int) -> int:
    """A dense, convolution or depthwise layer without leaky ReLU; the index of its output."""
    table = step.table
    weights = active_weights(layer, table.input_channels, table.output_channels)
    depthwise = layer.kind == "depthwise"
    signs = np.where(step.scales < 0, -1, 1) * (step.scales != 0)
    axis = 3 if depthwise else 0
    shaped = weights[None] if depthwise else weights
    sums = shaped.astype(np.int64).sum(axis=tuple(d for d in range(4) if d != axis))
    bias = (table.channels["bias"] + table.input_zero_point * sums) * signs
    shaped = shaped * (signs if depthwise else signs[:, None, None, None])
    scales = np.where(signs == 0, np.float32(1), np.abs(step.scales))
    samples = model.tensors[source].shape[0]
    if layer.kind == "dense":
        flat = model.activation((samples, 1, 1, weights[0].size), step.source)
        options = schema.ReshapeOptionsT()
        options.newShape = list(model.tensors[flat].shape)
        model.add(Operator.RESHAPE, [source, model.constant(np.array(options.newShape, np.int32))], flat, options)
        source, shaped = flat, shaped.reshape(len(shaped), 1, 1, -1)
    padding = VALID if layer.kind == "dense" else padding_of(layer)
    if padding is None:
        source, padding = padded(model, layer, source, step.source), VALID
    output = model.activation((samples, *layer.output_size, table.output_channels), step.linear)
    inputs = [
        source,
        model.constant(shaped.astype(np.int8), scales, axis),
        model.constant(bias.astype(np.int32), np.float32(step.source.scale) * scales),
    ]
    if depthwise:
        options = windowed(schema.DepthwiseConv2DOptionsT(), layer, padding)
        options.depthMultiplier = 1
        model.add(Operator.DEPTHWISE_CONV_2D, inputs, output, options)
    else:
        model.add(Operator.CONV_2D, inputs, output, windowed(schema.Conv2DOptionsT(), layer, padding))
    return output


def add_pool(model: Model, layer: Layer, step: QuantisedStep, source: int) -> int:
    """A pooling layer; the index of its output."""
    padding = padding_of(layer)
    assert padding is not None, "TensorFlow Lite does not pool with explicit padding"
    options = windowed(schema.Pool2DOptionsT(), layer, padding)
    options.filterHeight, options.filterWidth = layer.kernel_size
    code = Operator.AVERAGE_POOL_2D if layer.kind == "average_pool" else Operator.MAX_POOL_2D
    shape = (model.tensors[source].shape[0], *layer.output_size, step.table.output_channels)
    output = model.activation(shape, step.output)
    model.add(code, [source], output, options)
    return output


def tflite(network: QuantisedNetwork, level: int, samples: int) -> bytes:
    """The `.tflite` of one subnetwork for so many inputs at once; its outputs are those of every layer of the image."""
    model = Model()
    steps, first = network.levels[level], network.layers[0]
    source = model.activation((samples, *first.input_size, steps[0].table.input_channels), network.source)
    current, outputs = source, []
    for layer, step in zip(network.layers, steps, strict=True):
        if layer.kind in ("average_pool", "max_pool"):
            current = add_pool(model, layer, step, current)
        else:
            current = add_products(model, layer, step, current)
        if layer.activation == "leaky_relu":
            options = schema.LeakyReluOptionsT()
            options.alpha = layer.negative_slope
            activated = model.activation(tuple(model.tensors[current].shape), step.output)
            model.add(Operator.LEAKY_RELU, [current], activated, options)
            current = activated
        outputs.append(current)
    return model.content(source, outputs)


def fully_connected(network: QuantisedNetwork, samples: int) -> bytes:
    """The first subnetwork of a single dense layer, as FULLY_CONNECTED."""
    (layer,), (step,) = network.layers, network.levels[0]
    weights = layer.weights.reshape(len(layer.weights), -1)
    bias = step.table.channels["bias"] + step.table.input_zero_point * weights.astype(np.int64).sum(axis=1)
    model = Model()
    source = model.activation((samples, weights.shape[1]), step.source)
    output = model.activation((samples, weights.shape[0]), step.output)
    scales = np.float32(step.source.scale) * step.scales
    inputs = [source, model.constant(weights, step.scales), model.constant(bias.astype(np.int32), scales)]
    model.add(Operator.FULLY_CONNECTED, inputs, output, schema.FullyConnectedOptionsT())
    return model.content(source, [output])


def run(content: bytes, inputs: np.ndarray) -> list[np.ndarray]:
    """What LiteRT's reference kernels put out: one flat int8 array (n, elements) for each output."""
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    assert math.prod(source["shape"]) == inputs.size
    interpreter.set_tensor(source["index"], inputs.reshape(source["shape"]))
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]).reshape(len(inputs), -1) for detail in interpreter.get_output_details()]
