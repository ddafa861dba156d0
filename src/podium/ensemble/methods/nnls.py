"""Methods ``nnls`` and ``class_weights``: non-negative weights by least squares (Breiman 1996).

Weights of at least 0 that sum to 1 minimise the squared error on the model scale, of classes that
of the probabilities. By ``class_weights`` each class has weights of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from podium.ensemble.methods.base import FitMixer, Problem, Weighted
from podium.metrics import Array


def ways(problem: Problem) -> Sequence[FitMixer]:
    """One weight a model."""

    def fit(predictions: Array, y: Array) -> Weighted:
        errors = predictions - problem.coded(y)
        return Weighted(least_squares(errors.reshape(len(errors), -1)))

    return [fit]


def ways_of_classes(problem: Problem) -> Sequence[FitMixer]:
    """One weight for each model and class."""

    def fit(predictions: Array, y: Array) -> ClassWeighted:
        errors = predictions - problem.coded(y)
        of_classes = [least_squares(errors[:, :, code]) for code in range(errors.shape[2])]
        return ClassWeighted(np.stack(of_classes, axis=1))

    return [fit]


@dataclass(frozen=True)
class ClassWeighted:
    """A weighted mean of each class's probability, by weights of shape (models, classes)."""

    of_classes: Array

    @property
    def weights(self) -> Array:
        """The mean over classes."""
        return np.asarray(self.of_classes.mean(axis=1))

    def mix(self, predictions: Array) -> Array:
        """As of every mixer; probabilities sum to 1 again."""
        mixed = np.einsum("mk,mnk->nk", self.of_classes, predictions)
        return np.asarray(mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-15))


def least_squares(errors: Array) -> Array:
    """Weights, shape (models,), of the least squared sum of errors, shape (models, rows).

    Beside the errors, whose sum shall be 0, stands one row of ones, whose sum shall be 1. That the
    weights sum to something else costs the same whatever their shares are, so that these are the
    best ones of all that sum to 1.
    """
    # Of many rows only their triangle counts: models by models.
    triangle = np.asarray(np.linalg.qr(errors.T, mode="r"))
    size = np.abs(triangle).max(initial=0.0)
    wanted = np.append(np.zeros(len(triangle)), 1.0)
    weights, _ = nnls(np.vstack([triangle / (size or 1.0), np.ones(len(errors))]), wanted)
    return np.asarray(weights / weights.sum())
