"""Monotone transforms that learn something of the target, each from a fold's training rows.

What is decoded is never beyond the targets that were learnt from.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Interpolation needs no more points.
MOST_KNOTS = 1000


class Scale(Protocol):
    """A fitted transform; shapes are kept."""

    def encode(self, values: Array) -> Array:
        """To the scale that models are trained on."""

    def decode(self, values: Array) -> Array:
        """Back to the target's own."""

    def to_json(self) -> dict[str, Any]:
        """What was learnt."""


@dataclass(frozen=True, eq=False)
class YeoJohnson:
    """The power that makes values most normal (Yeo and Johnson 2000), then mean 0 and std 1.

    ``low`` and ``high`` are the least and the largest value that were learnt from.
    """

    power: float
    mean: float
    std: float
    low: float
    high: float

    @classmethod
    def fit(cls, y: Array) -> "YeoJohnson":
        """By maximum likelihood; nothing but the mean is learnt of equal values."""
        from scipy.stats import yeojohnson_normmax

        power = float(yeojohnson_normmax(y)) if np.ptp(y) > 0 else 1.0
        raw = _power(y, power)
        return cls(power, float(raw.mean()), float(raw.std()) or 1.0, float(y.min()),
                   float(y.max()))  # fmt: skip

    def encode(self, values: Array) -> Array:
        """As of every scale."""
        return (_power(values, self.power) - self.mean) / self.std

    def decode(self, values: Array) -> Array:
        """As of every scale."""
        from scipy.special import inv_boxcox1p

        low, high = _power(np.array([self.low, self.high]), self.power)
        raw = np.clip(values * self.std + self.mean, low, high)
        above = inv_boxcox1p(np.maximum(raw, 0.0), self.power)
        below = -inv_boxcox1p(np.maximum(-raw, 0.0), 2.0 - self.power)
        return np.clip(np.where(raw >= 0, above, below), self.low, self.high)

    def to_json(self) -> dict[str, Any]:
        """As of every scale."""
        return vars(self)


def _power(values: Array, power: float) -> Array:
    from scipy.special import boxcox1p

    above = boxcox1p(np.maximum(values, 0.0), power)
    return np.where(values >= 0, above, -boxcox1p(np.maximum(-values, 0.0), 2.0 - power))


@dataclass(frozen=True, eq=False)
class Ranks:
    """Shares of rows below a value, linear between the targets that were learnt from.

    scikit-learn's ``QuantileTransformer`` puts the least and the largest target at -5.2 and 5.2
    whatever the number of rows; here they are as far out as normal values would be.
    """

    targets: Array
    shares: Array

    @classmethod
    def fit(cls, y: Array) -> "Ranks":
        """Equal targets share their mean rank."""
        targets, counts = np.unique_counts(y)
        shares = (np.cumsum(counts) - counts / 2) / len(y)
        places = np.linspace(0, len(y) - 1, MOST_KNOTS)
        kept = np.unique(np.searchsorted(np.cumsum(counts) - 1, places.astype(np.int64)))
        kept = kept if len(targets) > MOST_KNOTS else np.arange(len(targets))
        return cls(targets[kept], shares[kept])

    def encode(self, values: Array) -> Array:
        """As of every scale."""
        return np.interp(values, self.targets, self.shares)

    def decode(self, values: Array) -> Array:
        """As of every scale."""
        return np.interp(values, self.shares, self.targets)

    def to_json(self) -> dict[str, Any]:
        """As of every scale."""
        return {"targets": self.targets.tolist(), "shares": self.shares.tolist()}


@dataclass(frozen=True, eq=False)
class NormalScores(Ranks):
    """Shares of rows as the quantiles of a normal distribution (van der Waerden 1952)."""

    def encode(self, values: Array) -> Array:
        """As of every scale."""
        from scipy.special import ndtri

        return np.interp(values, self.targets, ndtri(self.shares))

    def decode(self, values: Array) -> Array:
        """As of every scale."""
        from scipy.special import ndtri

        return np.interp(values, ndtri(self.shares), self.targets)


SCALES: dict[str, Any] = {"yeo_johnson": YeoJohnson, "quantile": NormalScores, "rank": Ranks}


def fit_scale(transform: str, y: Array) -> Scale:
    """The scale of a ``target_transform``, learnt from targets ``y``, shape (n,)."""
    scale: Scale = SCALES[transform].fit(y)
    return scale
