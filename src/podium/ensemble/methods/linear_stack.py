"""Method ``linear_stack``: ridge or logistic regression on the models' predictions (Wolpert 1992).

Weights sum to 1, and may be below 0. They are shrunk towards equal ones, not towards 0: without
rows the stack is the mean of the models. A constant is added, of classes one for each. Classes have
the logarithms of their probabilities mixed, by weights that they have in common, and the mixture
multiplied by a power: models that are too sure, or not sure enough (after label smoothing), are put
right by it (temperature scaling, Guo et al. 2017), not by the other models.
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
# Of logistic regression, of all rows together; of the power's logarithm far more, because on a few
# hundred rows the power that is best on some of them is a wrong one for the others.
LOGISTIC_PENALTY, POWER_PENALTY = 10.0, 1000.0
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
    """The same of the logarithms of probabilities, times ``power``; a constant for each class."""

    weights: Array
    power: float
    constants: Array

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        return np.asarray(softmax(_logits(self, _logs(predictions)), axis=1))


def _logs(predictions: Array) -> Array:
    return np.log(np.maximum(predictions, LEAST_PROBABILITY))


def _logits(mixer: LogMix, logs: Array) -> Array:
    return np.asarray(mixer.power * np.einsum("m,mnk->nk", mixer.weights, logs) + mixer.constants)


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
        more = values[1 : 1 + models]
        weights = 1 / models + more - more.mean()
        return LogMix(weights, float(np.exp(values[0])), values[1 + models :])

    def loss(values: Array) -> tuple[float, Array]:
        own = mixer(values)
        found = log_softmax(_logits(own, logs), axis=1)
        lost = np.exp(found) - truth
        by_weight = own.power * np.einsum("nk,mnk->m", lost, logs)
        # The power's logarithm is the first of the values.
        slopes = np.concatenate(
            [[own.weights @ by_weight], by_weight - by_weight.mean(), lost.sum(axis=0)]
        )
        total = -found[np.arange(rows), codes].sum() + penalties @ values**2 / 2
        return total / rows, (slopes + penalties * values) / rows

    penalties = np.full(1 + models + classes, LOGISTIC_PENALTY)
    penalties[0] = POWER_PENALTY
    start = np.zeros(len(penalties))
    return mixer(minimize(loss, start, jac=True, method="L-BFGS-B").x)
