"""Method ``averaged``: the mean of what ``weighted`` and ``linear_stack`` make.

One selects few models and can't go beyond them, the other is fitted more closely; what either finds
by chance counts half.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from podium.ensemble.methods import greedy, linear_stack
from podium.ensemble.methods.base import FitMixer, Mixer, Problem
from podium.metrics import Array


def ways(problem: Problem) -> Sequence[FitMixer]:
    """Those of the greedy selection, each beside the stack."""
    (stack,) = linear_stack.ways(problem)
    return [_Both(selection, stack) for selection in greedy.ways(problem)]


@dataclass(frozen=True)
class _Both:
    """Fits both."""

    first: FitMixer
    second: FitMixer

    def __call__(self, predictions: Array, y: Array) -> "Averaged":
        return Averaged((self.first(predictions, y), self.second(predictions, y)))


@dataclass(frozen=True)
class Averaged:
    """The mean of mixers, on the model scale."""

    mixers: Sequence[Mixer]

    @property
    def weights(self) -> Array:
        """The mean of theirs."""
        return np.asarray(np.mean([own.weights for own in self.mixers], axis=0))

    def mix(self, predictions: Array) -> Array:
        """As of every mixer."""
        return np.asarray(np.mean([own.mix(predictions) for own in self.mixers], axis=0))
