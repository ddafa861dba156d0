"""Layers: forward and backward passes for all members at once.

Common layers have a hand-written backward pass and write results into buffers that the next step
reuses: on the small networks that most tables need, autograd and allocation would take most of the
time. Rarely used layers inherit from ``Traced`` and leave the backward pass to torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from podium.nn.own import Rates
from podium.nn.parameters import BIAS, FREE, RUNNING, WEIGHT, Initial, Parameter, zeros
from podium.nn.rng import Rng

# On a CPU, matrices with fewer numbers stay in float32: converting them takes what bfloat16 saves.
SHORT_FROM = 2**17


@dataclass
class Step:
    """The context of one pass over the network.

    ``rng`` is for dropout and noise: None at prediction, except for Monte-Carlo dropout. ``views``
    is the RNG of random input changes (augmentation), None for unchanged inputs. ``training``:
    a backward pass follows and running statistics are updated. ``real`` has shape
    (members, rows, 1) and is 0 on padding rows; None if there are none.
    """

    training: bool = False
    rng: Rng | None = None
    views: Rng | None = None
    number: int = 0
    real: Tensor | None = None
    dropout_factor: Rates = 1.0
    compute: torch.dtype = torch.float32
    buffers: dict[tuple[object, str, tuple[int, ...]], Tensor] = field(default_factory=dict)
    inner: "Step | None" = None

    def memory(
        self,
        owner: object,
        name: str,
        shape: Sequence[int],
        device: torch.device,
        dtype: torch.dtype | None = None,
    ) -> Tensor:
        """A buffer to write into: reused at every training step, new at prediction."""
        if not self.training:
            return torch.empty(tuple(shape), device=device, dtype=dtype)
        key = (owner, name, tuple(shape))
        if key not in self.buffers:
            self.buffers[key] = torch.empty(key[2], device=device, dtype=dtype)
        return self.buffers[key]

    def of_each(self, copies: int) -> "Step":
        """The same step for layers that see ``copies`` implicit members as members."""
        if self.inner is None:
            rng = None if self.rng is None else self.rng.spread(copies)
            self.inner = replace(self, rng=rng, views=None, buffers={})
        inner, factor = self.inner, self.dropout_factor
        inner.number = self.number
        inner.dropout_factor = factor.repeat(copies) if isinstance(factor, np.ndarray) else factor
        inner.real = None if self.real is None else self.real.repeat_interleave(copies, 0)
        return inner


class Layer:
    """One step of a network; inputs and outputs have shape (members, rows, features)."""

    # Whether the gradient of the input is needed: not if no layer before this one is trained.
    wants_input_grad = True
    # Whether ``fit`` computes something from the training rows.
    learns_from_rows = False
    # Whether one member already keeps a core busy, so that batching members there gains nothing.
    fills_a_core = False
    # The fewest rows of a training step.
    least_rows = 1
    # How many rows it has for each row of the table: one for each implicit member.
    copies = 1

    def first(self) -> None:
        """Mark the layer as the first trained one: its input needs no gradient."""
        self.wants_input_grad = False

    def parameters(self) -> list[Parameter]:
        """The tensors of this layer, one set per member."""
        return []

    @property
    def is_trained(self) -> bool:
        """Whether any of its tensors is trained."""
        return any(parameter.kind != RUNNING for parameter in self.parameters())

    @property
    def row_size(self) -> int:
        """Activations that the layer keeps per row and member, roughly.

        A layer whose backward pass is about as large as its input counts its input; small ones
        (dropout, normalization) leave it to the one below.
        """
        return 0

    @property
    def row_work(self) -> int:
        """Multiply-adds of one row's forward pass, roughly: each parameter is used once."""
        return sum(parameter.size for parameter in self.parameters())

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of this layer's parameters."""

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Compute untrained values (e.g. a mean) from a member's training rows, (rows, features).

        ``weight`` has shape (rows,) and mean 1.
        """

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """The layer's output."""
        raise NotImplementedError

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The input's gradient from the output's; writes the parameters' gradients."""
        raise NotImplementedError


class Linear(Layer):
    """A matrix product and a bias, batched over all members.

    ``gain``: what the product is multiplied by; the matrix starts so that the result is as without.
    """

    # How many inputs, from the first on, need a gradient where not all do.
    wanted_inputs: int | None = None

    def __init__(
        self,
        name: str,
        inputs: int,
        outputs: int,
        initial: Initial,
        biased: bool = True,
        gain: float = 1.0,
    ) -> None:
        self.name, self.inputs, self.outputs, self.initial = name, inputs, outputs, initial
        self.biased, self.gain = biased, gain

    def parameters(self) -> list[Parameter]:
        """A matrix (inputs, outputs) and a bias (1, outputs)."""
        outputs, initial = self.outputs, divided(self.initial, self.gain)
        weight = Parameter(f"{self.name}.weight", (self.inputs, outputs), WEIGHT, initial)
        bias = Parameter(f"{self.name}.bias", (1, outputs), FREE, zeros(1, outputs), BIAS)
        return [weight, bias] if self.biased else [weight]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of the matrix and the bias."""
        bias = f"{self.name}.bias"
        self.weight = values[f"{self.name}.weight"]
        self.bias = values[bias] if self.biased else None
        if grads:
            self.weight_grad = grads[f"{self.name}.weight"]
            self.bias_grad = grads[bias] if self.biased else None

    @property
    def row_size(self) -> int:
        """The width of the input."""
        return self.inputs

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``gain * x @ weight + bias``."""
        self.x = self._short("x", x, step)
        self.factor = self._short("weight", self.weight, step)
        shape = (len(x), x.shape[1], self.outputs)
        out = product(self.x, self.factor, step.memory(self, "out", shape, x.device), self.gain)
        return out if self.bias is None else out.add_(self.bias)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradients of matrix, bias and, if needed, input."""
        if self.bias_grad is not None:
            torch.sum(grad, 1, keepdim=True, out=self.bias_grad)
        short = self._short("grad", grad, step)
        product(self.x.transpose(1, 2), short, self.weight_grad, self.gain)
        if not self.wants_input_grad:
            return grad
        weight = self.factor[:, : self.wanted_inputs]
        out = step.memory(self, "grad", (*self.x.shape[:2], weight.shape[1]), grad.device)
        return product(short, weight.transpose(1, 2), out, self.gain)

    def _short(self, name: str, value: Tensor, step: Step) -> Tensor:
        """A factor in the type that products are computed in, converted once a step."""
        small = value.device.type == "cpu" and self.inputs * self.outputs < SHORT_FROM
        if small or step.compute == torch.float32:
            return value
        name = f"{name} in {step.compute}"
        memory = step.memory(self, name, value.shape, value.device, step.compute)
        return memory.copy_(value)


def product(a: Tensor, b: Tensor, out: Tensor, gain: float = 1.0) -> Tensor:
    """``gain`` times the batched matrix product, into ``out``; computed in the factors' type."""
    if a.dtype != out.dtype:
        out.copy_(torch.bmm(a, b))
        return out if gain == 1.0 else out.mul_(gain)
    if gain == 1.0:
        return torch.bmm(a, b, out=out)
    # What is in ``out`` before is not looked at.
    return out.baddbmm_(a, b, beta=0, alpha=gain)


def divided(initial: Initial, gain: float) -> Initial:
    """Initial values divided by ``gain``."""
    return initial if gain == 1.0 else lambda generator: initial(generator) / gain


class Chain(Layer):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)

    def parameters(self) -> list[Parameter]:
        """The parameters of all its layers."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Bind all its layers."""
        for layer in self.layers:
            layer.bind(values, grads)

    @property
    def learns_from_rows(self) -> bool:  # type: ignore[override]
        """Whether any of its layers does."""
        return any(layer.learns_from_rows for layer in self.layers)

    @property
    def fills_a_core(self) -> bool:  # type: ignore[override]
        """Whether any of its layers does."""
        return any(layer.fills_a_core for layer in self.layers)

    @property
    def least_rows(self) -> int:  # type: ignore[override]
        """What the layer that needs most rows needs."""
        return max(layer.least_rows for layer in self.layers)

    @property
    def row_size(self) -> int:
        """The sum over its layers."""
        return sum(layer.copies * layer.row_size for layer in self.layers)

    @property
    def row_work(self) -> int:
        """The sum over its layers."""
        return sum(layer.copies * layer.row_work for layer in self.layers)

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Fit the layers that learn from rows; only input layers do."""
        for layer in self.layers:
            if layer.learns_from_rows:
                layer.fit(member, rows, weight)

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """Through all layers."""
        for layer in self.layers:
            x = layer.forward(x, step)
        return x

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """Back through the layers, down to the first trained one."""
        for layer in reversed(self.layers):
            grad = layer.backward(grad, step)
            if not layer.wants_input_grad:
                break
        return grad

    def first(self) -> None:
        """No gradient is needed below the first layer that has something to train."""
        super().first()
        for layer in self.layers:
            layer.first()
            if layer.is_trained:
                return


class Skip(Layer):
    """``x + inner(x)`` (He et al. 2016); where the widths differ, ``x`` goes through a matrix."""

    def __init__(self, inner: Layer, projection: Layer | None) -> None:
        self.inner, self.projection = inner, projection

    def parameters(self) -> list[Parameter]:
        """The inner layers' and the projection's."""
        return self.inner.parameters() + (self.projection.parameters() if self.projection else [])

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Bind both paths."""
        self.inner.bind(values, grads)
        if self.projection:
            self.projection.bind(values, grads)

    @property
    def least_rows(self) -> int:  # type: ignore[override]
        """The inner layers'."""
        return self.inner.least_rows

    @property
    def row_size(self) -> int:
        """The inner layers'; the projection has the same input."""
        return self.inner.row_size

    @property
    def row_work(self) -> int:
        """The sum of both paths."""
        return self.inner.row_work + (self.projection.row_work if self.projection else 0)

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """The sum of both paths."""
        straight = self.projection.forward(x, step) if self.projection else x
        return straight + self.inner.forward(x, step)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The sum of both paths' gradients."""
        inner = self.inner.backward(grad, step)
        straight = self.projection.backward(grad, step) if self.projection else grad
        return inner + straight if self.wants_input_grad else grad

    def first(self) -> None:
        """Both paths are first."""
        super().first()
        self.inner.first()
        if self.projection:
            self.projection.first()


class Traced(Layer):
    """A layer whose backward pass comes from autograd; subclasses define only ``compute``."""

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """The output as a function of the input and of the layer's values, by parameter name."""
        raise NotImplementedError

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of this layer's parameters."""
        names = [parameter.name for parameter in self.parameters()]
        self.values = {name: values[name] for name in names}
        self.trained = {name: grads[name] for name in names if name in grads}

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """``compute``, recorded for the backward pass while training."""
        if not (step.training and (self.trained or self.wants_input_grad)):
            return self.compute(x, self.values, step)
        with torch.enable_grad():
            leaves = {name: self.values[name].detach().requires_grad_() for name in self.trained}
            self.inputs = [x.detach().requires_grad_(self.wants_input_grad), *leaves.values()]
            self.out = self.compute(self.inputs[0], self.values | leaves, step)
        return self.out.detach()

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradients from autograd."""
        wanted = self.inputs if self.wants_input_grad else self.inputs[1:]
        grads = list(torch.autograd.grad(self.out, wanted, grad))
        below = grads.pop(0) if self.wants_input_grad else grad
        for target, own in zip(self.trained.values(), grads, strict=True):
            target.copy_(own)
        del self.out
        return below
