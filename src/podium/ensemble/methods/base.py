"""What a method of blending is: a function that fits a mixer on predictions and the target.

Predictions are on the model scale and have shape (models, rows, outputs).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from podium.config import Ensemble
from podium.data.targets import Target
from podium.metrics import METRICS, Array, Metric

LOG_LOSS, RMSE = METRICS["logloss"], METRICS["rmse"]


class Mixer(Protocol):
    """A fitted method.

    ``weights``, shape (models,), sum to 1 and say how much each model counts.
    """

    @property
    def weights(self) -> Array:
        """How much each model counts."""

    def mix(self, predictions: Array) -> Array:
        """One prediction, shape (rows, outputs), of the models'."""


@dataclass(frozen=True)
class Weighted:
    """A weighted mean."""

    weights: Array

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        return np.einsum("m,mnk->nk", self.weights, predictions)


# Fits a mixer on predictions and the rows' target, shape (rows,), as it is in the table.
FitMixer = Callable[[Array, Array], Mixer]


@dataclass(frozen=True)
class Problem:
    """What a method is fitted for."""

    spec: Ensemble
    target: Target
    metric: Metric

    def coded(self, y: Array) -> Array:
        """The target on the model scale, shape (rows, outputs): of classes 1 for the true one."""
        if self.target.is_regression:
            return np.asarray(self.target.encode(y)[:, None])
        return np.asarray(np.eye(self.target.outputs)[y.astype(np.int64)])

    def decoded(self, mixed: Array) -> Array:
        """A mixed prediction as metrics take it."""
        return self.target.scorable(self.target.decode(mixed))


def equal(predictions: Array) -> Weighted:
    """The same weight for every model."""
    return Weighted(np.full(len(predictions), 1.0 / len(predictions)))


def guide(target: Target) -> Metric:
    """The smooth loss beside a metric of steps."""
    return RMSE if target.is_regression else LOG_LOSS
