"""Method ``linear_stack``: ridge or logistic regression on the models' predictions (Wolpert 1992).

Weights sum to 1, and may be below 0. They are shrunk towards equal ones, not towards 0: without
rows the stack is the mean of the models. Classes have the logarithms of their probabilities mixed,
by weights that they have in common. A constant is added, of classes one for each.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from podium.ensemble.methods.base import FitMixer, Problem
from podium.metrics import Array

# Of ridge regression by row, where differences between models have size 1. Models' predictions are
# so alike that the leave-one-out error, by which a penalty may be chosen, finds some that are far
# too small.
RIDGE_PENALTY = 0.1
# Of logistic regression, of all rows together.
LOGISTIC_PENALTY = 10.0
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
        from sklearn.linear_model import Ridge

        own = predictions[:, :, 0]
        mean = own.mean(axis=0)
        differences = (own - mean).T
        size = np.sqrt(np.mean(differences**2)) or 1.0
        model = Ridge(RIDGE_PENALTY * len(y)).fit(differences / size, problem.coded(y)[:, 0] - mean)
        more = model.coef_ / size
        return LinearMix(1 / len(own) + more - more.mean(), float(model.intercept_))

    return fit


def _logistic(predictions: Array, y: Array) -> LogMix:
    logs, codes = _logs(predictions), y.astype(np.int64)
    models, rows, classes = logs.shape
    truth = np.eye(classes)[codes]

    def mixer(values: Array) -> LogMix:
        more = values[:models]
        return LogMix(1 / models + more - more.mean(), values[models:])

    def loss(values: Array) -> tuple[float, Array]:
        found = log_softmax(_logits(mixer(values), logs), axis=1)
        lost = np.exp(found) - truth
        by_weight = np.einsum("nk,mnk->m", lost, logs)
        slopes = np.append(by_weight - by_weight.mean(), lost.sum(axis=0))
        penalty = LOGISTIC_PENALTY / 2 * (values @ values)
        own = -found[np.arange(rows), codes].sum() + penalty
        return own / rows, (slopes + LOGISTIC_PENALTY * values) / rows

    start = np.zeros(models + classes)
    return mixer(minimize(loss, start, jac=True, method="L-BFGS-B").x)
