"""Greedy selection with replacement (Caruana et al. 2004): predictions whose mean scores best.

It is below models and blends, and serves both: a blend selects among models, and a model that
trains many configurations among those.
"""

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np

from podium.metrics.metric import Array

# A number to minimise of a mixed prediction.
MixtureLoss = Callable[[Array], float]


def select_greedily(
    predictions: Array, loss: MixtureLoss, rounds: int, tie: MixtureLoss | None = None
) -> Array:
    """Weights, shape (models,), that sum to 1: the shares of each among the selected.

    Start with nothing, repeatedly add the prediction that improves the mean most, and keep the best
    prefix.

    Args:
        predictions: shape (models, rows, ...).
        loss: maps a mixed prediction, of the shape of one model's, to a number to minimise.
        rounds: how many are added.
        tie: decides where the loss is equal.

    Weights are equal where the loss is defined for no mixture.
    """
    if len(predictions) == 1:
        return np.ones(1)
    counts = np.zeros(len(predictions))
    best_counts = counts
    # An undefined loss is never the best.
    best_loss = (np.inf, -np.inf)
    total = np.zeros_like(predictions[0])
    for size in range(1, rounds + 1):
        mixtures = [(total + one) / size for one in predictions]
        losses = [ordered(loss(mixed)) for mixed in mixtures]
        least = min(losses)
        # The second loss is asked for where the first is equal: it may be the slower of the two.
        ties = {
            index: ordered(tie(mixtures[index])) if tie else 0.0
            for index, found in enumerate(losses)
            if found == least
        }
        chosen = min(ties, key=ties.__getitem__)
        total = total + predictions[chosen]
        counts = counts + (np.arange(len(counts)) == chosen)
        if (least, ties[chosen]) < best_loss:
            best_counts, best_loss = counts, (least, ties[chosen])
    if not best_counts.any():
        return np.full(len(predictions), 1.0 / len(predictions))
    return best_counts / best_counts.sum()


def bags(count: int, most: int) -> list[list[int]]:
    """Halves of so many predictions, of at least two: all of them, or ``most`` at random.

    The mean of weights that are selected among each is bagged selection: what one selection finds
    by chance the others don't.
    """
    size = min(count, max(2, (count + 1) // 2))
    if comb(count, size) <= most:
        return [list(bag) for bag in combinations(range(count), size)]
    generator = np.random.default_rng(0)
    return [sorted(generator.permutation(count)[:size]) for _ in range(most)]


def ordered(loss: float) -> float:
    """The loss, infinite where it is undefined: NaN is neither above nor below another."""
    return loss if loss == loss else np.inf
