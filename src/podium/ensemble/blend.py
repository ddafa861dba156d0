"""Blending models' predictions, with an unbiased score.

Weights come from greedy ensemble selection with replacement (Caruana et al. 2004): start with an
empty ensemble, repeatedly add the model that improves the mean prediction most, and keep the best
prefix. A metric of labels doesn't see probabilities, so log loss breaks its ties. The reported
score is nested: each fold is predicted with weights fitted without its rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.config import Ensemble
from podium.data.targets import Target
from podium.metrics import METRICS, Metric

Array = NDArray[np.float64]
# What weights are chosen by, the most important first.
Losses = tuple[float, ...]
LOG_LOSS = METRICS["logloss"]
# Fits one weight per model on the given training rows.
FitWeights = Callable[[NDArray[np.int64]], Array]


@dataclass(frozen=True)
class Blend:
    """A blend's weights, predictions (decoded, shape (n, outputs)) and scores.

    ``oof`` and ``score`` are nested. ``test`` uses ``weights``, which are fitted on all OOF rows.
    """

    weights: Array
    oof: Array
    test: Array
    score: float
    fold_scores: list[float]


def blend(
    spec: Ensemble,
    oof: Array,
    test: Array,
    y: Array,
    fold_of_row: NDArray[np.int64],
    target: Target,
    metric: Metric,
) -> Blend:
    """Blend models on the model scale.

    Args:
        spec: the method.
        oof: decoded OOF predictions, shape (models, n, outputs).
        test: decoded test predictions, shape (models, test rows, outputs).
        y: the target, shape (n,).
        fold_of_row: the fold that validates each row, shape (n,).
        target: converts between predictions and the model scale.
        metric: what to optimise and report.
    """
    oof, test = target.encode(oof), target.encode(test)
    by_labels = metric.needs == "labels"

    def fit_weights(rows: NDArray[np.int64]) -> Array:
        if spec.method == "mean":
            return np.full(len(oof), 1.0 / len(oof))

        def loss(mixed: Array) -> Losses:
            predicted = target.scorable(target.decode(mixed))
            first = metric.loss(y[rows], predicted)
            return (first, LOG_LOSS.loss(y[rows], predicted)) if by_labels else (first,)

        return select_greedily(oof[:, rows], loss, spec.rounds)

    nested = target.decode(_nested(oof, fold_of_row, fit_weights))
    weights = fit_weights(np.arange(len(y)))
    return Blend(
        weights=weights,
        oof=nested,
        test=target.decode(_mix(weights, test)),
        score=metric(y, target.scorable(nested)),
        fold_scores=[
            metric(y[fold_of_row == fold], target.scorable(nested[fold_of_row == fold]))
            for fold in range(int(fold_of_row.max()) + 1)
        ],
    )


def select_greedily(predictions: Array, loss: Callable[[Array], Losses], rounds: int) -> Array:
    """Greedy selection with replacement; returns weights, shape (models,), that sum to 1.

    ``predictions`` has shape (models, rows, outputs); ``loss`` maps a mixed prediction of shape
    (rows, outputs) to numbers to minimise; later ones break ties of earlier ones.
    """
    counts = np.zeros(len(predictions))
    best_counts = counts
    best_loss: Losses = (np.inf,)
    total = np.zeros_like(predictions[0])
    for size in range(1, rounds + 1):
        losses = [loss((total + one) / size) for one in predictions]
        chosen = losses.index(min(losses))
        total = total + predictions[chosen]
        counts = counts + (np.arange(len(counts)) == chosen)
        if losses[chosen] < best_loss:
            best_counts, best_loss = counts, losses[chosen]
    return best_counts / best_counts.sum()


def _nested(oof: Array, fold_of_row: NDArray[np.int64], fit_weights: FitWeights) -> Array:
    mixed = np.empty(oof.shape[1:])
    for fold in range(int(fold_of_row.max()) + 1):
        scored = fold_of_row == fold
        mixed[scored] = _mix(fit_weights(np.flatnonzero(~scored)), oof[:, scored])
    return mixed


def _mix(weights: Array, predictions: Array) -> Array:
    return np.einsum("m,mnk->nk", weights, predictions)
