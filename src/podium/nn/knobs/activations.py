"""Activations (knob ``activation``): a name, a function and its derivative."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from podium.nn.layers import Layer, Step, Traced
from podium.nn.parameters import ACTIVATION, FREE, Parameter, ones

# Klambauer et al. 2017, "Self-normalizing neural networks": alpha and scale.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
LEAK = 0.01

_ops: Any = torch.ops.aten
# Forward writes activation(x) into out; Backward computes x's gradient from the output's.
Forward = Callable[[Tensor, Tensor], Tensor]
Backward = Callable[[Tensor, Tensor, Tensor], Tensor]
FUNCTIONS: dict[str, tuple[Forward, Backward]] = {
    # Nair and Hinton 2010.
    "relu": (
        lambda x, out: torch.clamp_min(x, 0.0, out=out),
        lambda grad, x, out: _ops.threshold_backward.grad_input(grad, x, 0, grad_input=out),
    ),
    # Maas et al. 2013.
    "leaky_relu": (
        lambda x, out: _ops.leaky_relu.out(x, LEAK, out=out),
        lambda grad, x, out: _ops.leaky_relu_backward.grad_input(
            grad, x, LEAK, False, grad_input=out
        ),
    ),
    # Hendrycks and Gimpel 2016.
    "gelu": (
        lambda x, out: _ops.gelu.out(x, out=out),
        lambda grad, x, out: _ops.gelu_backward.grad_input(grad, x, grad_input=out),
    ),
    # Elfwing et al. 2017; Ramachandran et al. 2017 call it swish.
    "silu": (
        lambda x, out: _ops.silu.out(x, out=out),
        lambda grad, x, out: _ops.silu_backward.grad_input(grad, x, grad_input=out),
    ),
    # Klambauer et al. 2017; needs initialization lecun.
    "selu": (
        lambda x, out: _ops.elu.out(x, SELU_ALPHA, SELU_SCALE, 1.0, out=out),
        lambda grad, x, out: _ops.elu_backward.grad_input(
            grad, SELU_ALPHA, SELU_SCALE, 1.0, False, x, grad_input=out
        ),
    ),
    "tanh": (
        lambda x, out: torch.tanh(x, out=out),
        lambda grad, x, out: _ops.tanh_backward.grad_input(grad, x.tanh(), grad_input=out),
    ),
    "sigmoid": (
        lambda x, out: torch.sigmoid(x, out=out),
        lambda grad, x, out: _ops.sigmoid_backward.grad_input(grad, x.sigmoid(), grad_input=out),
    ),
    # Misra 2019.
    "mish": (
        lambda x, out: _ops.mish.out(x, out=out),
        lambda grad, x, out: out.copy_(_ops.mish_backward(grad, x)),
    ),
}


def activation(kind: str, name: str, width: int, parametric: bool = False) -> Layer:
    """The layer of an activation; ``name`` of its parameters, ``width`` in features."""
    if kind == "prelu":
        return PReLU(f"{name}.slope", width)
    return Parametric(kind, f"{name}.share", width) if parametric else Activation(kind, width)


class Activation(Layer):
    """An elementwise function."""

    def __init__(self, kind: str, width: int) -> None:
        self.width = width
        self.function, self.derivative = FUNCTIONS[kind]

    @property
    def row_size(self) -> int:
        """The width of the input."""
        return self.width

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """The function of ``x``."""
        self.x = x
        return self.function(x, step.memory(self, "out", x.shape, x.device))

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The chain rule."""
        return self.derivative(grad, self.x, step.memory(self, "grad", grad.shape, grad.device))


class Parametric(Activation):
    """A learnt mean, per unit, of the unit itself and of its activation.

    ``(1 - share) x + share f(x)`` (Holzmüller et al. 2024, RealMLP).
    """

    def __init__(self, kind: str, name: str, width: int) -> None:
        super().__init__(kind, width)
        self.name = name

    def parameters(self) -> list[Parameter]:
        """The shares, which start at 1, the plain activation."""
        shape = (1, self.width)
        return [Parameter(self.name, shape, FREE, ones(*shape), ACTIVATION)]

    def bind(self, values: Mapping[str, Tensor], grads: Mapping[str, Tensor]) -> None:
        """Store the views of the shares."""
        self.share, self.share_grad = values[self.name], grads.get(self.name)

    def forward(self, x: Tensor, step: Step) -> Tensor:
        """The mean of ``x`` and its activation."""
        self.active = super().forward(x, step)
        out = step.memory(self, "mean", x.shape, x.device)
        return torch.lerp(x, self.active, self.share, out=out)

    def backward(self, grad: Tensor, step: Step) -> Tensor:
        """The gradients of shares and input."""
        assert self.share_grad is not None
        apart = torch.sub(self.active, self.x).mul_(grad)
        torch.sum(apart, 1, keepdim=True, out=self.share_grad)
        below = super().backward(grad * self.share, step)
        return below.addcmul_(grad, 1.0 - self.share)


class PReLU(Traced):
    """A ReLU with a learnt slope below zero, one per unit (He et al. 2015)."""

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width

    def parameters(self) -> list[Parameter]:
        """The slopes, which start at 0.25 as in the paper."""
        return [
            Parameter(
                self.name,
                (1, self.width),
                FREE,
                lambda _: torch.full((1, self.width), 0.25),
                ACTIVATION,
            )
        ]

    @property
    def row_size(self) -> int:
        """The width of the input."""
        return self.width

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """``max(x, 0) + slope min(x, 0)``."""
        return functional.relu(x) - values[self.name] * functional.relu(-x)
