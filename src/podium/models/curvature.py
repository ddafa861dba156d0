"""The second-order model of a log loss, and the step to its penalized minimum.

This is proximal Newton (Lee, Sun and Saunders 2014), as in glmnet (Friedman, Hastie and Tibshirani
2010): few costly steps, where a proximal gradient takes hundreds on columns that are alike. It is
for few columns; ``logistic.py`` chooses them by the strong rules.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
# Added to the diagonal, as a share of its largest: softmax is the same if all outputs are shifted.
DAMPING = 1e-6
# Changes of the coefficients' signs in a step, at most.
MOST_CHANGES = 1000


class Curvature:
    """The Hessian of the mean log loss at a point, for some centred columns and the intercepts.

    Intercepts have no penalty, and are eliminated.
    """

    def __init__(
        self, columns: Floats, probabilities: Array, row_weight: Array | float = 1.0
    ) -> None:
        """Of ``with_ones``, shape (rows, columns + 1), and probabilities (outputs, rows)."""
        outputs, count = len(probabilities), columns.shape[1] - 1
        self.shape = outputs, count
        hessian = np.empty((outputs, count, outputs, count))
        cross, corner = np.empty((outputs, count, outputs)), np.empty((outputs, outputs))
        for one in range(outputs):
            for other in range(one, outputs):
                share = (one == other) - probabilities[other]
                weights = probabilities[one] * share * row_weight / len(columns)
                block = columns.T @ (columns * weights.astype(np.float32)[:, None])
                hessian[one, :, other], hessian[other, :, one] = block[:-1, :-1], block[:-1, :-1]
                cross[one, :, other], cross[other, :, one] = block[:-1, -1], block[:-1, -1]
                corner[one, other] = corner[other, one] = block[-1, -1]
        size = outputs * count
        corner[np.diag_indices(outputs)] += DAMPING * corner.max()
        self.cross, self.inverse = cross.reshape(size, outputs), np.linalg.inv(corner)
        left = hessian.reshape(size, size) - self.cross @ self.inverse @ self.cross.T
        left[np.diag_indices(size)] += DAMPING * max(np.diag(left).max(initial=0.0), 1e-300)
        self.hessian = left

    def step(
        self, weight: Array, slope: Array, bias_slope: Array, alpha: float, l1_ratio: float
    ) -> tuple[Array, Array]:
        """The model's minimum: the weights there (outputs, columns), and the intercepts' change."""
        flat = weight.ravel()
        wanted = self.hessian @ flat - (slope.ravel() - self.cross @ (self.inverse @ bias_slope))
        hessian = self.hessian
        if l1_ratio < 1:
            hessian = hessian + alpha * (1 - l1_ratio) * np.eye(len(flat))
        new = _sparse_minimum(hessian, wanted, alpha * l1_ratio, flat)
        bias = -self.inverse @ (bias_slope + self.cross.T @ (new - flat))
        return new.reshape(self.shape), bias


def _sparse_minimum(hessian: Array, wanted: Array, penalty: float, start: Array) -> Array:
    """The least of ``u H u / 2 - wanted u + penalty |u|``, shape (n,).

    By feature-sign search (Lee et al. 2007): with known signs it is a system of equations. Columns
    that are alike, on which coordinate descent crawls, take no longer.
    """
    now, signs = start.copy(), np.sign(start)
    for _ in range(MOST_CHANGES if len(now) else 0):
        slope = hessian @ now - wanted
        used = signs != 0
        at_rest = np.abs(slope[used] + penalty * signs[used]) <= 1e-6 * penalty
        if at_rest.all():
            outside = np.where(used, 0.0, np.abs(slope))
            first = int(outside.argmax())
            if outside[first] <= penalty * (1 + 1e-6):
                break
            signs[first] = -np.sign(slope[first])
        used = np.flatnonzero(signs)
        inner = hessian[np.ix_(used, used)]
        by = np.linalg.solve(inner, wanted[used] - penalty * signs[used]) - now[used]
        now[used] = _best_on_the_way(now[used], by, slope[used], inner, penalty)
        signs[used] = np.sign(now[used])
    return now


def _best_on_the_way(
    start: Array, by: Array, slope: Array, hessian: Array, penalty: float
) -> Array:
    """The least point between ``start`` and ``start + by``: at its end, or where a sign changes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        zeros = -start / by
    zeros = np.where((zeros > 0) & (zeros < 1), zeros, np.inf)
    places = np.append(zeros[np.isfinite(zeros)], 1.0)
    rise, bend = float(slope @ by), float(by @ hessian @ by)
    sizes = np.abs(start + places[:, None] * by).sum(axis=1)
    place = places[int((rise * places + bend / 2 * places**2 + penalty * sizes).argmin())]
    # Exactly 0 where the sign changes.
    return np.where(zeros == place, 0.0, start + place * by)


def with_ones(x: Any, mean: Array) -> Floats:
    """The columns of ``x``, dense or sparse, centred, and one of ones for intercepts.

    In float32: a slightly wrong curvature makes steps slightly longer or shorter, no more.
    """
    table = np.ones((x.shape[0], x.shape[1] + 1), dtype=np.float32)
    table[:, :-1] = x if isinstance(x, np.ndarray) else x.toarray()
    table[:, :-1] -= mean.astype(np.float32)
    return table
