"""Methods without weights to fit: ``mean``, all models alike, and ``best``, the best one alone."""

from collections.abc import Sequence

import numpy as np

from podium.ensemble.methods.base import FitMixer, Problem, Weighted, equal, guide
from podium.metrics import Array
from podium.metrics.greedy import ordered


def ways(problem: Problem) -> Sequence[FitMixer]:
    """Nothing is fitted."""
    return [lambda predictions, y: equal(predictions)]


def ways_of_best(problem: Problem) -> Sequence[FitMixer]:
    """The model with the best score on the fitted rows; where several have it, by a smooth loss."""

    def fit(predictions: Array, y: Array) -> Weighted:
        def losses(one: Array) -> tuple[float, float]:
            decoded = problem.decoded(one)
            smooth = guide(problem.target).loss(y, decoded)
            return ordered(problem.metric.loss(y, decoded)), ordered(smooth)

        found = [losses(one) for one in predictions]
        return Weighted(np.eye(len(predictions))[found.index(min(found))])

    return [fit]
