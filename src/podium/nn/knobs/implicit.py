"""Implicit members (``implicit_members``): many networks in one (Gorishniy et al. 2025, "TabM").

Behind the fan-out a row of the table is ``copies`` rows, one for each implicit member. Activations
have the shape (members, copies * rows, features): the rows of the first implicit member, then those
of the second, and so on.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace

import torch
from torch import Tensor

from podium.nn.knobs.losses import Loss
from podium.nn.layers import Chain, Layer, Linear, Step
from podium.nn.parameters import BIAS, FREE, Initial, Parameter, ones, zeros


class Implicit:
    """The parts of a network with implicit members, by ``implicit_variant``.

    ``full``: they share matrices; each has a factor for each input and output of a matrix (rank-one
    adapters, as in BatchEnsemble, Wen et al. 2020) and biases of its own. ``mini``: each has
    factors of the first inputs only. ``packed``: each has matrices of its own. In all three each
    has an output layer, normalization, noise and slopes of activations of its own.
    """

    def __init__(self, count: int, variant: str) -> None:
        self.count, self.variant = count, variant

    @property
    def is_on(self) -> bool:
        """Whether there is more than one."""
        return self.count > 1

    def fan_out(self, name: str, inputs: Sequence[int], normal: bool) -> Layer:
        """From a row to one for each implicit member.

        ``inputs``: the feature that each input stands for; their factors start alike, at 1 or -1,
        or, with ``normal``, at normal numbers.
        """
        if self.variant == "packed":
            return Spread(self.count)
        initial = first_factors(self.count, inputs, normal)
        return Adapter(f"{name}.input_adapter", self.count, len(inputs), initial, spreads=True)

    def block(self, matrix: Linear, rest: list[Layer], first: bool) -> Layer:
        """A hidden layer: its matrix and what follows; the ``first`` has the fan-out's factors."""
        if not self.is_on:
            return Chain([matrix, *rest])
        if self.variant == "packed":
            return self.own(Chain([matrix, *rest]))
        if self.variant == "mini":
            return Chain([matrix, self.own(Chain(rest))])
        layers: list[Layer] = []
        if not first:
            initial = ones(self.count, 1, matrix.inputs)
            name = f"{matrix.name}.input_adapter"
            layers.append(Adapter(name, self.count, matrix.inputs, initial))
        if matrix.biased:
            shared = copy(matrix)
            shared.biased = False
            layers += [shared, OutputAdapter(matrix.name, self.count, matrix.outputs)]
        else:
            # Batch normalization cancels a factor as it does a bias, and has its own of both.
            layers.append(matrix)
        return Chain([*layers, self.own(Chain(rest))])

    def projection(self, matrix: Linear) -> Layer:
        """What a skip connection goes through: shared where matrices are."""
        return self.own(matrix) if self.variant == "packed" else matrix

    def own(self, layer: Layer) -> Layer:
        """A layer that each implicit member has of its own."""
        return ForEach(self.count, layer) if self.is_on else layer


def first_factors(copies: int, inputs: Sequence[int], normal: bool) -> Initial:
    """The first factors, (copies, 1, inputs): one random number for each feature."""

    def draw(generator: torch.Generator) -> Tensor:
        features = torch.tensor(inputs)
        drawn = torch.randn(copies, 1, max(inputs, default=-1) + 1, generator=generator)
        return (drawn if normal else torch.where(drawn < 0, -1.0, 1.0))[:, :, features]

    return draw


class Spread(Layer):
    """Each row once for each implicit member."""

    def __init__(self, copies: int) -> None:
        self.count = copies

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Copies of ``x``, (members, copies * rows, features)."""
        return x.repeat(1, self.count, 1)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The sum over the copies."""
        return grad.unflatten(1, (self.count, -1)).sum(1) if self.wants_input_grad else grad


class Adapter(Layer):
    """A factor for each input and implicit member.

    ``spreads``: its input has one row for all of them.
    """

    def __init__(
        self, name: str, copies: int, width: int, initial: Initial, spreads: bool = False
    ) -> None:
        self.name, self.count, self.width, self.initial = name, copies, width, initial
        self.spreads = spreads

    def parameters(self) -> list[Parameter]:
        """The factors, (copies, 1, width)."""
        return [Parameter(self.name, (self.count, 1, self.width), FREE, self.initial)]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of the factors."""
        self.factor, self.factor_grad = values[self.name], grads.get(self.name)

    @property
    def row_size(self) -> int:
        """The width of the input."""
        return self.width

    @property
    def row_work(self) -> int:
        """One factor for each input."""
        return self.width

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``x`` times the factors."""
        self.x = x[:, None] if self.spreads else x.unflatten(1, (self.count, -1))
        shape = (len(x), self.count, *self.x.shape[2:])
        out = step.memory(self, "out", shape, x.device)
        return torch.mul(self.x, self.factor, out=out).flatten(1, 2)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradients of the factors and, if needed, of the input."""
        apart = grad.unflatten(1, (self.count, -1))
        out = step.memory(self, "grad", apart.shape, grad.device)
        assert self.factor_grad is not None
        torch.sum(torch.mul(apart, self.x, out=out), 2, keepdim=True, out=self.factor_grad)
        if not self.wants_input_grad:
            return grad
        torch.mul(apart, self.factor, out=out)
        return out.sum(1) if self.spreads else out.flatten(1, 2)


class OutputAdapter(Layer):
    """A factor and a bias for each output and implicit member."""

    def __init__(self, name: str, copies: int, width: int) -> None:
        self.name, self.count, self.width = name, copies, width

    def parameters(self) -> list[Parameter]:
        """The factors, which start at 1, and the biases, (copies, 1, width)."""
        shape = (self.count, 1, self.width)
        return [
            Parameter(f"{self.name}.output_adapter", shape, FREE, ones(*shape)),
            Parameter(f"{self.name}.bias", shape, FREE, zeros(*shape), BIAS),
        ]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of factors and biases."""
        factor, bias = (parameter.name for parameter in self.parameters())
        self.factor, self.bias = values[factor], values[bias]
        self.factor_grad, self.bias_grad = grads.get(factor), grads.get(bias)

    @property
    def row_size(self) -> int:
        """The width of the input."""
        return self.width

    @property
    def row_work(self) -> int:
        """One factor for each output."""
        return self.width

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``x`` times the factors, plus the biases."""
        self.x = x.unflatten(1, (self.count, -1))
        out = step.memory(self, "out", self.x.shape, x.device)
        return torch.addcmul(self.bias, self.x, self.factor, out=out).flatten(1, 2)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradients of factors, biases and input."""
        apart = grad.unflatten(1, (self.count, -1))
        out = step.memory(self, "grad", apart.shape, grad.device)
        assert self.factor_grad is not None
        assert self.bias_grad is not None
        torch.sum(torch.mul(apart, self.x, out=out), 2, keepdim=True, out=self.factor_grad)
        torch.sum(apart, 2, keepdim=True, out=self.bias_grad)
        return torch.mul(apart, self.factor, out=out).flatten(1, 2)


class ForEach(Layer):
    """A layer that sees implicit members as members.

    Each has parameters, statistics of its rows and random numbers of its own.
    """

    def __init__(self, copies: int, layer: Layer) -> None:
        self.count, self.layer = copies, layer

    def parameters(self) -> list[Parameter]:
        """The layer's, (copies, *shape)."""
        return [
            replace(
                parameter,
                shape=(self.count, *parameter.shape),
                initial=self._of_each(parameter.initial),
            )
            for parameter in self.layer.parameters()
        ]

    def _of_each(self, initial: Initial) -> Initial:
        """Draws the values of all implicit members, one after the other."""
        return lambda generator: torch.stack([initial(generator) for _ in range(self.count)])

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Bind the layer to values without the dimension of implicit members."""
        names = [parameter.name for parameter in self.layer.parameters()]
        self.layer.bind(
            {name: values[name].flatten(0, 1) for name in names},
            {name: grads[name].flatten(0, 1) for name in names if name in grads},
        )

    @property
    def least_rows(self) -> int:  # type: ignore[override]
        """The layer's."""
        return self.layer.least_rows

    @property
    def row_size(self) -> int:
        """The layer's."""
        return self.layer.row_size

    @property
    def row_work(self) -> int:
        """The layer's, whose parameters are those of one implicit member."""
        return self.layer.row_work

    def first(self) -> None:
        """The layer is first."""
        super().first()
        self.layer.first()

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Through the layer."""
        apart = x.unflatten(1, (self.count, -1)).flatten(0, 1)
        return self._joined(self.layer.forward(apart, step.of_each(self.count)))

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """Back through the layer."""
        apart = grad.unflatten(1, (self.count, -1)).flatten(0, 1)
        below = self.layer.backward(apart, step.of_each(self.count))
        return self._joined(below) if self.wants_input_grad else grad

    def _joined(self, apart: Tensor) -> Tensor:
        """(members * copies, rows, features) to (members, copies * rows, features)."""
        return apart.unflatten(0, (-1, self.count)).flatten(1, 2)


def mean_of_losses(loss: Loss, copies: int) -> Loss:
    """The mean of the implicit members' losses, not the loss of their mean.

    Outputs have the shape (members, copies * rows, outputs), targets and values one row for all
    implicit members.
    """
    if copies == 1:
        return loss

    def mean(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        value, grad = loss(out, y.repeat(1, copies, 1))
        return value.unflatten(1, (copies, -1)).mean(1), grad.div_(copies)

    return mean
