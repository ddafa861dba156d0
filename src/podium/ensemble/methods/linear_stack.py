"""Method ``linear_stack``: ridge or logistic regression on the models' predictions (Wolpert 1992).

Both are shrunk towards the mean of the models, not towards 0: without rows they are the mean. What
is learnt beyond it is by how much each model counts more or less, and a constant. Of numbers the
penalty is chosen by the leave-one-out error; classes have the logarithms of their probabilities
mixed, by weights that they have in common, and a constant each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from podium.ensemble.methods.base import FitMixer, Problem
from podium.metrics import Array

# Penalties of ridge regression by row, where differences between models have size 1.
PENALTIES = np.logspace(-4, 2, 13)
# Of logistic regression, of all rows together: that of the log loss of about as many rows.
PENALTY = 10.0
LEAST_PROBABILITY = 1e-6


def ways(problem: Problem) -> Sequence[FitMixer]:
    """Of numbers, or of classes."""
    return [_ridge(problem) if problem.target.is_regression else _logistic]


@dataclass(frozen=True)
class LinearMix:
    """A sum of predictions, each by a weight, and a constant."""

    weights: Array
    constant: float

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        return np.asarray(np.einsum("m,mnk->nk", self.weights, predictions) + self.constant)


@dataclass(frozen=True)
class LogMix:
    """The same of the logarithms of probabilities; a constant for each class."""

    weights: Array
    constants: Array

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        return np.asarray(softmax(_logits(self, _logs(predictions)), axis=1))


def _logs(predictions: Array) -> Array:
    return np.log(np.maximum(predictions, LEAST_PROBABILITY))


def _logits(mixer: LogMix, logs: Array) -> Array:
    return np.asarray(np.einsum("m,mnk->nk", mixer.weights, logs) + mixer.constants)


def _ridge(problem: Problem) -> FitMixer:
    def fit(predictions: Array, y: Array) -> LinearMix:
        from sklearn.linear_model import RidgeCV

        own = predictions[:, :, 0]
        mean = own.mean(axis=0)
        differences = (own - mean).T
        size = np.sqrt(np.mean(differences**2)) or 1.0
        spread = np.std(mean) or 1.0
        beyond = np.column_stack([differences / size, (mean - mean.mean()) / spread])
        model = RidgeCV(PENALTIES * len(y)).fit(beyond, problem.coded(y)[:, 0] - mean)
        more, slope = model.coef_[:-1] / size, model.coef_[-1] / spread
        weights = (1 + slope - more.sum()) / len(own) + more
        return LinearMix(weights, float(model.intercept_ - slope * mean.mean()))

    return fit


def _logistic(predictions: Array, y: Array) -> LogMix:
    logs, codes = _logs(predictions), y.astype(np.int64)
    models, rows, classes = logs.shape
    truth = np.eye(classes)[codes]
    start = np.append(np.full(models, 1.0 / models), np.zeros(classes))

    def loss(values: Array) -> tuple[float, Array]:
        logits = _logits(LogMix(values[:models], values[models:]), logs)
        found = log_softmax(logits, axis=1)
        lost = np.exp(found) - truth
        slopes = np.append(np.einsum("nk,mnk->m", lost, logs), lost.sum(axis=0))
        away = values - start
        own = -found[np.arange(rows), codes].sum() + PENALTY / 2 * (away @ away)
        return own / rows, (slopes + PENALTY * away) / rows

    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return LogMix(found[:models], found[models:])
