"""Ridge regression from sums over blocks of rows: memory doesn't grow with the rows.

The sums of squares and products (Gram matrix) are all that a penalized least-squares fit needs of
the training rows. Leave-one-out errors need the rows once more: in the basis of the Gram matrix's
eigenvectors a row's leverage is a sum for each penalty (Golub, Heath and Wahba 1979).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Inputs, targets and weights (None: all alike) of some rows: (rows, features), (rows,), (rows,).
Block = tuple[Array, Array, Array | None]


@dataclass(frozen=True)
class Linear:
    """A fitted linear model, with scikit-learn's names: (features,) and a number."""

    coef_: Array
    intercept_: float

    def predict(self, x: Array) -> Array:
        """Predictions, shape (rows,)."""
        return np.asarray(x @ self.coef_ + self.intercept_)


@dataclass(frozen=True)
class Moments:
    """Sums of weights, and weighted sums of inputs, targets and products of two of them.

    Least squares of any penalty, and errors on these rows, follow from them.
    """

    weight: float
    x: Array
    y: float
    xx: Array
    xy: Array
    yy: float

    @classmethod
    def of(cls, blocks: Iterable[Block], features: int) -> Self:
        """The sums over all blocks."""
        total = cls(
            0.0, np.zeros(features), 0.0, np.zeros((features,) * 2), np.zeros(features), 0.0
        )
        for x, y, weight in blocks:
            root = np.ones(len(y)) if weight is None else np.sqrt(weight)
            own = x if weight is None else x * root[:, None]
            target = root * y
            total.xx.__iadd__(own.T @ own)
            total = cls(
                total.weight + float(root @ root),
                total.x + root @ own,
                total.y + float(root @ target),
                total.xx,
                total.xy + target @ own,
                total.yy + float(target @ target),
            )
        return total

    @property
    def mean(self) -> Array:
        """The means of the inputs, shape (features,)."""
        return self.x / self.weight

    @property
    def level(self) -> float:
        """The mean of the target."""
        return self.y / self.weight

    def turned(self) -> "Turned":
        """The centred sums in the basis of their eigenvectors."""
        mean = self.mean
        values, vectors = np.linalg.eigh(self.xx - self.weight * np.outer(mean, mean))
        cross = self.xy - self.weight * mean * self.level
        return Turned(np.maximum(values, 0.0), vectors, vectors.T @ cross, mean, self.level)

    def error(self, model: Linear) -> float:
        """The mean squared error of a model on these rows."""
        by, shift = model.coef_, model.intercept_
        own = by @ self.xx @ by + 2 * shift * (by @ self.x) + shift**2 * self.weight
        return float((self.yy - 2 * (by @ self.xy + shift * self.y) + own) / self.weight)


@dataclass(frozen=True)
class Turned:
    """Eigenvalues (features,), eigenvectors, and the targets' products in their basis."""

    values: Array
    vectors: Array
    cross: Array
    mean: Array
    level: float

    def fit(self, alpha: float) -> Linear:
        """Ridge regression with this penalty; the intercept has none."""
        by = self.vectors @ (self.cross / (self.values + alpha))
        return Linear(by, float(self.level - self.mean @ by))

    def left_out(self, blocks: Iterable[Block], alphas: Sequence[float], weight: float) -> Array:
        """The mean squared leave-one-out error of each penalty; ``weight`` is the rows' sum."""
        shrunk = 1.0 / (self.values[:, None] + np.asarray(alphas))
        by, squares, count = self.cross[:, None] * shrunk, np.zeros(len(alphas)), 0
        for x, y, own in blocks:
            turned = (x - self.mean) @ self.vectors
            weights = np.ones(len(y)) if own is None else own
            missed = y[:, None] - self.level - turned @ by
            leverage = weights[:, None] * (turned**2 @ shrunk + 1.0 / weight)
            squares += (weights[:, None] * (missed / (1.0 - leverage)) ** 2).sum(axis=0)
            count += len(y)
        return squares / count
