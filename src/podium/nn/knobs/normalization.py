"""Batch and layer normalization (``normalization``), between a matrix and its activation."""

from collections.abc import Mapping

import torch
from torch import Tensor

from podium.nn.layers import Layer, Step, Traced
from podium.nn.parameters import FREE, RUNNING, Parameter, ones, zeros

EPSILON = 1e-5
# The share of a new batch in the running statistics (as in D2L 8.5 and PyTorch).
MOMENTUM = 0.1


def normalization(kind: str, name: str, width: int) -> list[Layer]:
    """The normalization as a list of no or one layer."""
    if kind == "none":
        return []
    return [BatchNorm(name, width) if kind == "batch" else LayerNorm(name, width)]


class LayerNorm(Traced):
    """Each row to mean 0, variance 1 over its features (Ba et al. 2016), then scale and shift."""

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width

    def parameters(self) -> list[Parameter]:
        """The learnt scale and shift."""
        return [
            Parameter(f"{self.name}.scale", (1, self.width), FREE, ones(1, self.width)),
            Parameter(f"{self.name}.shift", (1, self.width), FREE, zeros(1, self.width)),
        ]

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Normalize over features."""
        mean = x.mean(2, keepdim=True)
        variance = (x - mean).square().mean(2, keepdim=True)
        return self._scaled(x, mean, variance, values)

    def _scaled(
        self, x: Tensor, mean: Tensor, variance: Tensor, values: Mapping[str, Tensor]
    ) -> Tensor:
        normal = (x - mean) * torch.rsqrt(variance + EPSILON)
        return normal * values[f"{self.name}.scale"] + values[f"{self.name}.shift"]


class BatchNorm(LayerNorm):
    """Each feature to mean 0 and variance 1 over the batch (Ioffe and Szegedy 2015; D2L 8.5).

    Training uses the batch's own statistics (without padding rows), prediction the running ones.
    The running variance is unbiased: that of m rows times m / (m - 1), as in the paper and PyTorch.
    """

    # A single row has no variance.
    least_rows = 2

    def parameters(self) -> list[Parameter]:
        """The learnt scale and shift, the running mean and variance."""
        return [
            *super().parameters(),
            Parameter(f"{self.name}.mean", (1, self.width), RUNNING, zeros(1, self.width)),
            Parameter(f"{self.name}.variance", (1, self.width), RUNNING, ones(1, self.width)),
        ]

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Normalize over rows."""
        if not step.training:
            return self._scaled(
                x, values[f"{self.name}.mean"], values[f"{self.name}.variance"], values
            )
        if len(x) == 1 and step.real is None:
            return self._alone(x, values)
        real = torch.ones_like(x[:, :, :1]) if step.real is None else step.real
        count = real.sum(1, keepdim=True)
        mean = (x * real).sum(1, keepdim=True) / count
        variance = ((x - mean).square() * real).sum(1, keepdim=True) / count
        unbiased = variance.detach() * (count / (count - 1))
        self._follow(mean.detach(), unbiased, values)
        return self._scaled(x, mean, variance, values)

    def _alone(self, x: Tensor, values: Mapping[str, Tensor]) -> Tensor:
        """The same for one member without padding rows, four times as fast."""
        scale, shift = (values[f"{self.name}.{part}"].flatten() for part in ("scale", "shift"))
        out, mean, rate = torch.native_batch_norm(
            x[0], scale, shift, None, None, True, MOMENTUM, EPSILON
        )
        variance = rate.detach().square().reciprocal() - EPSILON
        unbiased = variance.mul_(x.shape[1] / (x.shape[1] - 1)).view(1, 1, -1)
        self._follow(mean.detach().view(1, 1, -1), unbiased, values)
        return out[None]

    def _follow(self, mean: Tensor, variance: Tensor, values: Mapping[str, Tensor]) -> None:
        values[f"{self.name}.mean"].lerp_(mean, MOMENTUM)
        values[f"{self.name}.variance"].lerp_(variance, MOMENTUM)
