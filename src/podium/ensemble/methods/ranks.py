"""Method ``rank_mean``: the mean of ranks, for metrics that see nothing else.

A model whose probabilities are off, but in the right order, counts as much as one that is
calibrated. A rank is the share of the fitted rows that are predicted lower, ties counted half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.ensemble.methods.base import FitMixer, Problem, equal
from podium.metrics import Array


def ways(problem: Problem) -> Sequence[FitMixer]:
    """The order of the fitted rows is all that is learnt."""

    def fit(predictions: Array, y: Array) -> RankMean:
        return RankMean(np.sort(predictions[:, :, 1], axis=1))

    return [fit]


@dataclass(frozen=True)
class RankMean:
    """The mean rank among the fitted rows' probabilities of the second class, (models, rows)."""

    ordered: Array

    @property
    def weights(self) -> Array:
        """All models count alike."""
        return equal(self.ordered).weights

    def mix(self, predictions: Array) -> Array:
        """As of every mixer; the second column has the mean rank, from 0 to 1."""
        pairs = list(zip(self.ordered, predictions[:, :, 1], strict=True))
        below = [np.searchsorted(known, own, side="left") for known, own in pairs]
        upto = [np.searchsorted(known, own, side="right") for known, own in pairs]
        rank = np.mean(below + upto, axis=0) / self.ordered.shape[1]
        return np.stack([1 - rank, rank], axis=1)
