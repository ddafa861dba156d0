"""From hyperparameters to layers: one architecture for all members, each with its own weights."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from podium.config import CNNParams, LayeredParams, MLPParams, NetworkParams
from podium.io.errors import PodiumError
from podium.nn.convolution import ConvNet
from podium.nn.knobs.activations import activation
from podium.nn.knobs.implicit import Implicit
from podium.nn.knobs.initialization import INITIALIZATIONS, he, last_layer
from podium.nn.knobs.inputs import (
    CategoryEmbedding,
    Columns,
    NumericEmbedding,
    Parts,
    Periodic,
    PeriodicBias,
    PiecewiseLinear,
)
from podium.nn.knobs.noise import Dropout, GaussianNoise
from podium.nn.knobs.normalization import normalization
from podium.nn.knobs.scaling import InputMargin, InputScale, RobustScale, SmoothClip, Standardize
from podium.nn.layers import Chain, Layer, Linear, Skip, Traced
from podium.nn.own import rates
from podium.nn.parameters import Parameter

# RNG purposes: the inputs, and the hidden layers from ``HIDDEN`` on.
INPUT_DROPOUT, INPUT_NOISE, HIDDEN = 1, 2, 16
CATEGORIES = "categories"


def build_network(
    params: NetworkParams,
    columns: Columns,
    outputs: int,
    members: Sequence[NetworkParams] = (),
) -> Chain:
    """The layers that ``params`` describe; what is off adds no layer.

    Without ``hidden`` layers (``linear``) it is a linear model. ``members``: the hyperparameters of
    each member, where they have rates and scales of their own in layers of the same shape.
    """
    each = _Each(members or [params])
    layers, width = _inputs(params, columns, each)
    if isinstance(params, CNNParams):
        convolutions = ConvNet("cnn", params, _image(columns))
        layers.append(convolutions)
        width = convolutions.outputs
        layers += each.dropout(lambda own: own.dropout, HIDDEN)
    layers += _hidden(params, columns, width, outputs, each)
    network = Chain(layers)
    network.first()
    _leave_out_gradients(network)
    return network


def _leave_out_gradients(network: Chain) -> None:
    """Below the first matrix only the numbers' embedding is trained: flags and levels need none."""
    parts, *rest = [layer for layer in network.layers if not isinstance(layer, GaussianNoise)]
    first = rest[0].layers[0] if rest and isinstance(rest[0], Chain) else parts
    if isinstance(parts, Parts) and parts.only_numbers is not None and isinstance(first, Linear):
        first.wanted_inputs = parts.only_numbers


class _Each:
    """The layers of rates and scales that each member may have of its own.

    A layer is there if it does something for one of them.
    """

    def __init__(self, members: Sequence[NetworkParams]) -> None:
        self.members = members

    def dropout(self, rate: Callable[[Any], float], purpose: int, copies: int = 1) -> list[Layer]:
        """Dropout by each member's rate, which all its ``copies`` implicit members have."""
        values = [rate(own) for own in self.members for _ in range(copies)]
        return [Dropout(rates(values), purpose)] if any(values) else []

    def noise(self, knob: str, purpose: int, copies: int = 1) -> list[Layer]:
        """Gaussian noise by each member's scale, as ``dropout``."""
        values = [getattr(own, knob) for own in self.members for _ in range(copies)]
        return [GaussianNoise(rates(values), purpose)] if any(values) else []


def padded_parameters(
    params: NetworkParams, own: Columns, columns: Columns, outputs: int
) -> list[Parameter]:
    """The network's parameters, with the initial values that ``own`` columns alone would have.

    Weights of the columns that a table lacks start at 0. Their inputs are 0, so they stay there.
    """
    padded = build_network(params, columns, outputs).parameters()
    if own == columns:
        return padded
    exact = build_network(params, own, outputs).parameters()
    embedding = params.category_embedding if isinstance(params, MLPParams) else None
    return [
        few if few.shape == many.shape else _padded(few, many, own, columns, embedding)
        for few, many in zip(exact, padded, strict=True)
    ]


def _padded(
    few: Parameter, many: Parameter, own: Columns, columns: Columns, embedding: int | None
) -> Parameter:
    """A parameter of ``many``'s shape, drawn as ``few`` and zero where only ``many`` has values."""
    axis = next(axis for axis, size in enumerate(many.shape) if few.shape[axis] != size)
    starts = [sum(columns.categories[:index]) for index in range(len(columns.categories))]
    levels = [
        start + level
        for start, count in zip(starts, own.categories, strict=True)
        for level in range(count)
    ]
    places = levels
    if not few.name.startswith(CATEGORIES):
        after = levels if embedding is None else list(range(embedding * len(starts)))
        before = few.shape[axis] - len(after)
        lacking = columns.plain - own.plain
        places = [*range(before), *(before + lacking + place for place in after)]

    def initial(generator: torch.Generator) -> torch.Tensor:
        values = torch.zeros(many.shape)
        return values.index_copy_(axis, torch.tensor(places), few.initial(generator))

    return replace(many, initial=initial)


def _hidden(
    params: NetworkParams, columns: Columns, width: int, outputs: int, each: _Each
) -> list[Layer]:
    """The hidden layers and the output layer; of implicit members behind a fan-out."""
    layers: list[Layer] = []
    implicit = Implicit(params.implicit, getattr(params, "implicit_variant", "full"))
    if isinstance(params, MLPParams) and implicit.is_on:
        features = embedded_features(columns, params)
        embedded = params.numeric_embedding != "none"
        layers.append(implicit.fan_out("hidden0", features, normal=embedded))
    if isinstance(params, LayeredParams):
        for index, size in enumerate(params.hidden):
            layers.append(_block(params, index, width, size, each, implicit))
            width = size
    zero_last = isinstance(params, LayeredParams) and params.zero_last
    initial = last_layer(width, outputs, zero_last)
    output = Linear("output", width, outputs, initial, gain=_gain(params, width))
    layers.append(implicit.own(output))
    for layer in layers:
        layer.copies = implicit.count
    return layers


def _image(columns: Columns) -> tuple[int, int, int]:
    """The shape of the images.

    Raises:
        PodiumError: the columns are a table's.
    """
    if columns.image is None:
        raise PodiumError("cnn reads images, and these are columns of a table")
    return columns.image


def _inputs(params: NetworkParams, columns: Columns, each: _Each) -> tuple[list[Layer], int]:
    """The input layers, and how many features they return."""
    layers: list[Layer] = []
    width = columns.total
    if isinstance(params, MLPParams):
        layers, width = _embedded(params, columns)
        if params.input_scale:
            layers.append(InputScale("input.scale", width))
    layers += each.dropout(lambda own: own.input_dropout, INPUT_DROPOUT)
    layers += each.noise("input_noise", INPUT_NOISE)
    return layers, width


def _embedded(params: MLPParams, columns: Columns) -> tuple[list[Layer], int]:
    """The layers of numbers (range, scale, clip, embedding) and of categories, as configured."""
    numbers: list[Traced] = []
    width = columns.numeric
    if width and params.input_margin is not None:
        numbers.append(InputMargin("range", width, params.input_margin))
    if width and params.standardize_inputs:
        numbers.append(Standardize("numbers", width))
    if width and params.robust_scale:
        numbers.append(RobustScale("robust", width))
    if width and params.smooth_clip is not None:
        numbers.append(SmoothClip(params.smooth_clip))
    if width and params.numeric_embedding != "none":
        embedding = _numeric_embedding(params, width)
        numbers.append(embedding)
        width = embedding.out_width
    categories, levels = None, sum(columns.categories)
    if columns.categories and params.category_embedding is not None:
        categories = CategoryEmbedding(CATEGORIES, columns.categories, params.category_embedding)
        levels = categories.outputs
    total = width + columns.plain + levels
    return ([Parts(columns, numbers, categories)] if numbers or categories else []), total


def embedded_features(columns: Columns, params: MLPParams) -> list[int]:
    """The feature that each input of the first matrix stands for, numbered from 0."""
    size = params.embedding_size if params.numeric_embedding != "none" else 0
    numbers = range(columns.numeric)
    plain = range(columns.numeric, columns.numeric + columns.plain)
    after = columns.numeric + columns.plain
    of_each = [params.category_embedding or levels for levels in columns.categories]
    return [
        *numbers,
        *(number for number in numbers for _ in range(size)),
        *plain,
        *(after + place for place, count in enumerate(of_each) for _ in range(count)),
    ]


def _numeric_embedding(params: MLPParams, width: int) -> NumericEmbedding:
    size = params.embedding_size
    if params.numeric_embedding == "periodic":
        return Periodic("periodic", width, size, params.frequency_scale)
    if params.numeric_embedding == "periodic_bias":
        return PeriodicBias("periodic", width, size, params.frequency_scale)
    return PiecewiseLinear("piecewise", width, size, params.bins)


def _block(
    params: LayeredParams, index: int, inputs: int, outputs: int, each: _Each, implicit: Implicit
) -> Layer:
    """A hidden layer: matrix, normalization, activation, noise, dropout; optionally with a skip."""
    name = f"hidden{index}"
    initial = INITIALIZATIONS[params.initialization](inputs, outputs)
    # Batch normalization cancels a bias: its gradient would be pure rounding error, which Adam
    # would scale up to full steps.
    matrix = Linear(
        name, inputs, outputs, initial, params.normalization != "batch", _gain(params, inputs)
    )
    rest = normalization(params.normalization, f"{name}.norm", outputs)
    rest.append(
        activation(params.activation, f"{name}.activation", outputs, params.parametric_activation)
    )
    rest += each.noise("activation_noise", HIDDEN + 2 * index, implicit.count)
    rest += each.dropout(lambda own: own.dropouts[index], HIDDEN + 2 * index + 1, implicit.count)
    inner = implicit.block(matrix, rest, first=index == 0)
    if not params.skip:
        return inner
    projection: Layer | None = None
    if inputs != outputs:
        projection = implicit.projection(
            Linear(f"{name}.skip", inputs, outputs, he(inputs, outputs), gain=_gain(params, inputs))
        )
    return Skip(inner, projection)


def _gain(params: NetworkParams, inputs: int) -> float:
    """What a matrix product of so many inputs is multiplied by (``parametrization``)."""
    scaled = isinstance(params, MLPParams) and params.parametrization == "ntk"
    return float(inputs) ** -0.5 if scaled else 1.0
