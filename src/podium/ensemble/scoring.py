"""Predictions with their scores, and the rows that they are scored on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.data.targets import Target
from podium.ensemble.methods.base import guide
from podium.metrics import Array, Decision, Metric, decided, nested_decisions, tune
from podium.metrics.greedy import ordered

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
# What decides between predictions, the most important first.
Losses = tuple[float, ...]


@dataclass(frozen=True)
class Scored:
    """Decoded predictions, shape (n, outputs), and the scores of the OOF ones.

    NaN for rows that are never validated. ``decision``, tuned on all OOF rows, decides the test
    rows' labels; each of ``fold_decisions`` those of a fold; None where the metric has no
    thresholds. ``decided`` OOF predictions are what is scored.
    """

    oof: Array
    test: Array
    score: float
    fold_scores: list[float]
    decided: Array
    decision: Decision | None
    fold_decisions: list[Decision | None]

    @property
    def decided_test(self) -> Array:
        """What is submitted: labels as 1 and 0 where a decision makes them."""
        return decided(self.decision, self.test)


@dataclass(frozen=True)
class Scoring:
    """What predictions are scored with.

    ``fold_of_row``, shape (n,), is the fold that validates each row; ``trained``, shape
    (n, folds), the rows that each fold trains on.
    """

    y: Array
    fold_of_row: Rows
    target: Target
    metric: Metric
    trained: Mask

    @property
    def folds(self) -> int:
        """How many there are."""
        return int(self.fold_of_row.max(initial=-1)) + 1

    def within(self, rows: Rows, most: int) -> "Scoring":
        """The same of some rows, their folds put together where there are more than ``most``.

        What a part trains on is what each of its folds does.
        """
        known, fold = np.unique(self.fold_of_row[rows], return_inverse=True)
        count = min(len(known), most)
        part_of_fold = np.arange(len(known)) * count // max(len(known), 1)
        trained = np.ones((len(rows), count), dtype=bool)
        for own, part in zip(known, part_of_fold, strict=True):
            trained[:, part] &= self.trained[rows, own]
        return replace(self, y=self.y[rows], fold_of_row=part_of_fold[fold], trained=trained)

    def scored(self, oof: Array, test: Array, tuned_on: Sequence[Array] | None = None) -> Scored:
        """Predictions, none below what the target can be, with their scores.

        ``tuned_on``: what each fold's decision is tuned on, if not the OOF predictions themselves.
        """
        least = self.target.least(self.metric)
        oof, test = np.maximum(oof, least), np.maximum(test, least)
        decisions, labels = nested_decisions(
            self.metric, self.y, oof, self.fold_of_row, tuned_on, self.trained
        )
        rows = [self.fold_of_row == fold for fold in range(self.folds)]
        return Scored(
            oof=oof,
            test=test,
            score=self._score(labels),
            fold_scores=[self._score(labels[own], own) for own in rows],
            decided=labels,
            decision=tune(self.metric, self.y, oof),
            fold_decisions=decisions,
        )

    def _score(self, oof: Array, rows: Mask | slice = slice(None)) -> float:
        return self.metric(self.y[rows], self.target.scorable(oof))

    def losses(self, one: Scored) -> Losses:
        """What decides between predictions: the metric; a smooth loss where that is equal."""
        first = ordered(self.metric.as_loss(one.score))
        if not self.metric.stepwise:
            return (first,)
        smooth = guide(self.target)
        return first, ordered(smooth.loss(self.y, self.target.scorable(one.oof)))
