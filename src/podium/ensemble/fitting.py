"""Fits a method on rows: on some of very many, and in the best of its ways."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from podium.ensemble.methods.base import FitMixer, Mixer, equal
from podium.ensemble.scoring import Losses, Mask, Rows, Scoring
from podium.metrics import Array

# Weights are fitted on no more rows, evenly chosen: a few numbers are known well enough by then.
# Fewer are enough to decide between two ways to fit them.
MOST_ROWS, WAY_ROWS = 50_000, 10_000


def fit_mixer(scoring: Scoring, ways: Sequence[FitMixer], predictions: Array, rows: Mask) -> Mixer:
    """A mixer fitted on these rows alone: they decide between the ways to fit it as well.

    Args:
        scoring: what decides between the ways.
        ways: those of a method.
        predictions: on the model scale, shape (models, n, outputs).
        rows: shape (n,); those among them that have no prediction (NaN) are left out.
    """
    own = fitted_rows(predictions, rows)
    is_clear = len(ways) == 1 or len(predictions) == 1
    way = ways[0] if is_clear else _better_way(scoring, ways, predictions, own)
    return _fitted(way, predictions[:, own], scoring.y[own])


def fitted_rows(predictions: Array, rows: Mask) -> Rows:
    """The places of those rows that have predictions."""
    return np.flatnonzero(rows & np.isfinite(predictions).all(axis=(0, 2)))


def _better_way(
    scoring: Scoring, ways: Sequence[FitMixer], predictions: Array, rows: Rows
) -> FitMixer:
    """The way that is the better on each fold when fitted on the other ones."""
    rows = rows[spread(len(rows), WAY_ROWS)]
    _, fold = np.unique(scoring.fold_of_row[rows], return_inverse=True)
    count, own = int(fold.max(initial=0)) + 1, predictions[:, rows]
    if count == 1:
        return ways[0]
    others = fold[:, None] != np.arange(count)
    inside = replace(scoring, y=scoring.y[rows], fold_of_row=fold, trained=others)

    def losses(way: FitMixer) -> Losses:
        mixers = [_fitted(way, own[:, fitted], inside.y[fitted]) for fitted in others.T]
        decoded = scoring.target.decode(mix_by_fold(mixers, own, fold))
        return inside.losses(inside.scored(decoded, decoded))

    return min(ways, key=losses)


def mix_by_fold(mixers: Sequence[Mixer], predictions: Array, fold_of_row: Rows) -> Array:
    """Each row mixed by its fold's mixer, shape (n, outputs)."""
    mixed = np.empty(predictions.shape[1:])
    for fold, mixer in enumerate(mixers):
        rows = fold_of_row == fold
        # Sums over another layout round otherwise.
        mixed[rows] = mixer.mix(np.ascontiguousarray(predictions[:, rows]))
    return mixed


def _fitted(fit: FitMixer, predictions: Array, y: Array) -> Mixer:
    """A mixer fitted on rows, or on some of very many; the mean without any."""
    if not len(y):
        return equal(predictions)
    own = spread(len(y), MOST_ROWS)
    return fit(predictions[:, own], y[own])


def spread(count: int, most: int) -> Rows:
    """All of so many places, or ``most`` of them, evenly chosen."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)
