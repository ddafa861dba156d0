"""Members' weights side by side: one tensor a layer, with a leading member dimension."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

# The output layer starts near zero, so that a member starts at its bias: the target's mean where
# the target is standardized (D2L 3.4 draws its linear model's weights with the same 0.01).
OUTPUT_SCALE = 0.01

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": functional.relu,
    "gelu": functional.gelu,
    "silu": functional.silu,
}


class MemberNetworks(nn.Module):
    """Multilayer perceptrons of one shape, one a member, evaluated by batched matrix products.

    With ``hidden`` empty it is a linear model per member. Input shape (members, rows, inputs),
    output shape (members, rows, outputs). Each member's weights are drawn from a generator of its
    own seed.
    """

    def __init__(
        self,
        seeds: Sequence[int],
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        activation: str,
        dropout: float,
        input_dropout: float,
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden, outputs]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        shapes = list(pairwise(sizes))
        scales = [_he_scale(shape[0]) for shape in shapes[:-1]] + [OUTPUT_SCALE]
        self.weights = nn.ParameterList(
            [_drawn(generators, *shape, scale) for shape, scale in zip(shapes, scales, strict=True)]
        )
        self.biases = nn.ParameterList(
            [nn.Parameter(torch.zeros(len(seeds), 1, size)) for size in sizes[1:]]
        )
        self.activation = ACTIVATIONS[activation]
        self.dropout, self.input_dropout = dropout, input_dropout

    def forward(self, x: Tensor) -> Tensor:
        """Outputs (logits for classes), shape (members, rows, outputs)."""
        x = functional.dropout(x, self.input_dropout, self.training)
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = torch.baddbmm(bias, x, weight)
            if layer < last:
                x = functional.dropout(self.activation(x), self.dropout, self.training)
        return x


def _he_scale(inputs: int) -> float:
    """The standard deviation that keeps a ReLU layer's variance (He et al. 2015)."""
    return float((2.0 / inputs) ** 0.5)


def _drawn(
    generators: Sequence[torch.Generator], inputs: int, outputs: int, scale: float
) -> nn.Parameter:
    """Normal weights of standard deviation ``scale``, shape (members, inputs, outputs)."""
    drawn = [torch.randn(inputs, outputs, generator=generator) for generator in generators]
    return nn.Parameter(torch.stack(drawn) * scale)
