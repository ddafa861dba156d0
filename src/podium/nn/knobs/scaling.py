"""Layers that scale, squeeze and clip numbers, and weigh features, before the first matrix."""

from collections.abc import Mapping

import torch
from torch import Tensor

from podium.io.errors import PodiumError
from podium.nn.layers import Step, Traced
from podium.nn.parameters import FREE, RUNNING, SCALE, Parameter, ones, zeros

# Most rows from which quantiles are computed.
QUANTILE_ROWS = 100_000
# Numbers that differ by less, as a share of the largest of their column, count as one: two units in
# the last place of float32.
SAME = 2 * torch.finfo(torch.float32).eps
# From this many times its bound on, a squeezed number is the bound in float32.
FAR = 1e6
# A range of quantiles that is never zero.
LEAST_RANGE = 1e-30


class InputMargin(Traced):
    """Numbers beyond the range of the member's training rows are squeezed smoothly.

    They go beyond it by at most ``margin`` times its width, so that one wild number doesn't decide
    a prediction. Numbers within the range, and so all training rows, are left as they are; a column
    that is constant in the training rows stays at its constant.
    """

    learns_from_rows = True

    def __init__(self, name: str, width: int, margin: float) -> None:
        self.name, self.width, self.margin = name, width, margin

    def parameters(self) -> list[Parameter]:
        """Each member's smallest and largest numbers."""
        return [
            Parameter(f"{self.name}.{end}", (1, self.width), RUNNING, zeros(1, self.width))
            for end in ("low", "high")
        ]

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Find the range of a member's training rows (of positive weight).

        Raises:
            PodiumError: it isn't finite.
        """
        used = weight > 0
        low, high = torch.aminmax(rows if used.all() else rows[used], dim=0)
        finite = torch.isfinite(low) & torch.isfinite(high)
        if not finite.all():
            what = f"column {int((~finite).nonzero()[0])} of the networks' inputs"
            raise PodiumError(f"{what} has numbers that are missing or too large for float32")
        self.values[f"{self.name}.low"][member] = low
        self.values[f"{self.name}.high"][member] = high

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Squeeze what is beyond the range; training rows are within it."""
        if step.training:
            return x
        low, high = values[f"{self.name}.low"], values[f"{self.name}.high"]
        most = (self.margin * high - self.margin * low).clamp(max=torch.finfo(x.dtype).max)
        inside = torch.clamp(x, low, high)
        return inside + squeezed(x - inside, most)


def squeezed(x: Tensor, bound: Tensor) -> Tensor:
    """``x / sqrt(1 + (x / bound)^2)``: near the identity inside, within ``bound`` outside."""
    share = (x / bound.clamp(min=torch.finfo(x.dtype).tiny)).clamp(-FAR, FAR)
    return bound * share * torch.rsqrt(1.0 + share.square())


class Standardize(Traced):
    """Numbers to mean 0 and standard deviation 1 over the member's own training rows.

    So all folds can share one table, and no fold uses another fold's rows. A column that is
    constant in the training rows becomes 0 everywhere.
    """

    learns_from_rows = True

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width

    def parameters(self) -> list[Parameter]:
        """Each member's means and inverse standard deviations."""
        return [
            Parameter(f"{self.name}.mean", (1, self.width), RUNNING, zeros(1, self.width)),
            Parameter(f"{self.name}.scale", (1, self.width), RUNNING, ones(1, self.width)),
        ]

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Compute the (weighted) mean and standard deviation of a member's training rows."""
        # In units of the column's largest number, as a power of two, which is exact: so that
        # squares are finite and above zero. Relative to the first row: for a constant column of a
        # large number, rounding error would otherwise give a standard deviation above 0.
        largest = rows.abs().amax(0).clamp(min=torch.finfo(rows.dtype).tiny)
        unit = largest / (2.0 * torch.frexp(largest).mantissa)
        first = rows[0] / unit
        rows = rows / unit - first
        mean = (weight[:, None] * rows).mean(0)
        std = (weight[:, None] * (rows - mean).square()).mean(0).sqrt()
        varies = (rows.abs().amax(0) > SAME) & (std > 0)
        scale = torch.where(varies, 1 / std / unit, 0.0)
        self.values[f"{self.name}.mean"][member] = (first + mean) * unit
        self.values[f"{self.name}.scale"][member] = torch.nan_to_num(scale, posinf=0.0)

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Centre and scale."""
        return (x - values[f"{self.name}.mean"]) * values[f"{self.name}.scale"]


class RobustScale(Traced):
    """Numbers minus their median, over their interquartile range, by the member's training rows.

    Where the quartiles are equal: over half of the range, so that a rare number doesn't become
    huge; a constant column becomes 0 (Holzmüller et al. 2024, RealMLP).
    """

    learns_from_rows = True

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width

    def parameters(self) -> list[Parameter]:
        """Each member's medians and inverse ranges."""
        return [
            Parameter(f"{self.name}.median", (1, self.width), RUNNING, zeros(1, self.width)),
            Parameter(f"{self.name}.scale", (1, self.width), RUNNING, ones(1, self.width)),
        ]

    def fit(self, member: int, rows: Tensor, weight: Tensor) -> None:
        """Find the quantiles of a member's training rows (of positive weight)."""
        shares = torch.linspace(0, 1, 5, device=rows.device)
        low, below, median, above, high = torch.quantile(few_rows(rows, weight), shares, dim=0)
        between = torch.where(above > below, above - below, (high - low) / 2)
        inverse = torch.where(between > LEAST_RANGE, 1.0 / between, 0.0)
        self.values[f"{self.name}.median"][member] = median
        self.values[f"{self.name}.scale"][member] = inverse

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Centre and scale."""
        return (x - values[f"{self.name}.median"]) * values[f"{self.name}.scale"]


def few_rows(rows: Tensor, weight: Tensor) -> Tensor:
    """The rows of positive weight, of very many an even choice, for quantiles."""
    rows = rows[weight > 0]
    return rows[:: max(1, -(-len(rows) // QUANTILE_ROWS))]


class SmoothClip(Traced):
    """``x / sqrt(1 + (x / bound)^2)``: near the identity inside, within ``bound`` outside
    (Holzmüller et al. 2024, RealMLP, with bound 3).
    """

    def __init__(self, bound: float) -> None:
        self.bound = bound

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Clip smoothly."""
        x = x.clamp(-FAR * self.bound, FAR * self.bound)
        return x * torch.rsqrt(1.0 + (x / self.bound).square())


class InputScale(Traced):
    """A learnable factor per feature (RealMLP's scaling layer): soft feature selection."""

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width

    def parameters(self) -> list[Parameter]:
        """The factors, which start at 1."""
        return [Parameter(self.name, (1, self.width), FREE, ones(1, self.width), SCALE)]

    def compute(self, x: Tensor, values: Mapping[str, Tensor], step: Step) -> Tensor:
        """Scale."""
        return x * values[self.name]
