"""How well one column alone predicts the target, and how well the order of rows does.

A column is cut into bins of equal size (a category into its levels). Each row is predicted by the
mean target of its bin among the rows of the other half, so that a column of noise scores nothing.
Prices are compared by their ranks, so that no transform of the target matters.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
# Bins of a column of numbers; a perfect one explains 1 - 1 / bins^2 of the ranks.
BINS = 64
# Rows a bin at least: each half learns the mean of a bin from half of them.
ROWS_PER_BIN, ROWS_PER_BLOCK = 10, 25
# With fewer rows, or fewer of the rarer class, a high score is no news.
LEAST_ROWS, LEAST_OF_CLASS = 100, 20


@dataclass(frozen=True)
class Score:
    """How well something predicts: 0 is chance, 1 perfect; and how that is said."""

    skill: float
    shown: str


NOTHING = Score(0.0, "")


@dataclass(frozen=True)
class Truth:
    """The target of the training rows: ranks from 0 to 1, or class codes, shape (n,)."""

    y: Array
    classes: int

    @classmethod
    def of(cls, y: Array, classes: int) -> "Truth":
        """Numbers (no class) become ranks."""
        ranks = y if classes else pd.Series(y).rank(pct=True).to_numpy()
        return cls(ranks, classes)

    @property
    def is_enough(self) -> bool:
        """Whether there are rows enough to say something."""
        rare = np.bincount(self.y.astype(np.int64)).min() if self.classes == 2 else LEAST_OF_CLASS
        return len(self.y) >= LEAST_ROWS and rare >= LEAST_OF_CLASS

    def rows(self, chosen: Codes) -> "Truth":
        """The same of some rows, in their order."""
        return Truth(self.y[chosen], self.classes)


def column_score(column: "pd.Series[Any]", truth: Truth) -> Score:
    """How well a column's values alone predict."""
    return _score(_codes(column, len(truth.y) // ROWS_PER_BIN), truth)


def order_score(truth: Truth) -> Score:
    """How well a row's place predicts, of rows in some order.

    The better of two: the mean of the block of rows that it lies in, and the row before it. The
    skill is what they have beyond chance.
    """
    rows = len(truth.y)
    blocks = max(min(BINS, rows // ROWS_PER_BLOCK), 1)
    scores = _score(np.arange(rows) * blocks // rows, truth), _neighbours(truth)
    best = max(scores, key=lambda score: score.skill)
    return Score(best.skill - _chance(truth), best.shown)


def _chance(truth: Truth) -> float:
    """Four standard errors of the skill of noise: of a correlation, or of a ROC AUC (Hanley and
    McNeil 1982), twice.
    """
    rows = len(truth.y)
    if truth.classes != 2:
        return float(4 / np.sqrt(rows))
    positive = int(truth.y.sum())
    return float(8 * np.sqrt((rows + 1) / (12 * positive * (rows - positive))))


def _codes(column: "pd.Series[Any]", most: int) -> Codes:
    """The bin of each row, shape (n,); missing values are one of their own."""
    if not pd.api.types.is_numeric_dtype(column):
        return np.asarray(pd.factorize(column, use_na_sentinel=False)[0], dtype=np.int64)
    values = column.to_numpy(dtype=np.float64)
    known = values[~np.isnan(values)]
    bins = max(min(BINS, most), 2)
    edges = np.unique(known)[1:]
    if len(edges) >= bins:
        inner = np.linspace(0, 1, bins + 1)[1:-1]
        edges = np.unique(np.quantile(known, inner, method="higher"))
    # NaN is sorted behind all numbers, but not behind the last bin.
    found = np.searchsorted(edges, values, side="right") + np.isnan(values)
    return np.asarray(found, dtype=np.int64)


def _score(codes: Codes, truth: Truth) -> Score:
    halves = np.random.default_rng(0).permutation(len(codes)) % 2
    if truth.classes > 2:
        return _accuracy(codes, halves, truth)
    predicted = np.empty(len(codes))
    for half in (0, 1):
        learn = halves != half
        means = _means(codes, truth.y, learn)
        predicted[~learn] = means[codes[~learn]]
    if truth.classes:
        auc = roc_auc(truth.y > 0, predicted)
        return Score(2 * auc - 1, f"a ROC AUC of {auc:.3f}")
    explained = 1 - float(np.mean((truth.y - predicted) ** 2) / np.var(truth.y))
    return Score(explained, f"{max(explained, 0):.1%} of the variance of its ranks")


def _means(codes: Codes, y: Array, learn: NDArray[np.bool_]) -> Array:
    """The mean of each bin among some rows; of all of them where it has none."""
    size = int(codes.max()) + 1
    counts = np.bincount(codes[learn], minlength=size)
    sums = np.bincount(codes[learn], y[learn], minlength=size)
    return np.where(counts > 0, sums / np.maximum(counts, 1), y[learn].mean())


def _accuracy(codes: Codes, halves: Codes, truth: Truth) -> Score:
    """The share of rows that have the most frequent class of their bin, against the largest's."""
    classes, y = truth.classes, truth.y.astype(np.int64)
    size = int(codes.max()) + 1
    right = np.empty(len(y), dtype=np.bool_)
    for half in (0, 1):
        learn = halves != half
        pairs = codes[learn] * classes + y[learn]
        counts = np.bincount(pairs, minlength=size * classes).reshape(size, classes)
        # The most frequent class of all decides where a bin has no row, and between equal counts.
        guess = (counts + counts.sum(axis=0) / (len(y) + 1)).argmax(axis=1)
        right[~learn] = guess[codes[~learn]] == y[~learn]
    largest = np.bincount(y).max() / len(y)
    return Score(float((right.mean() - largest) / (1 - largest)), f"{right.mean():.1%} of the rows")


def _neighbours(truth: Truth) -> Score:
    """How alike a row and the one before it are."""
    y, before = truth.y[1:], truth.y[:-1]
    if truth.classes > 2:
        shares = np.bincount(truth.y.astype(np.int64)) / len(truth.y)
        chance = float((shares**2).sum())
        found = (float((y == before).mean()) - chance) / (1 - chance)
    else:
        found = float(np.corrcoef(y, before)[0, 1])
    return Score(found, f"a correlation of {found:.2f} with the row before")


def roc_auc(positive: NDArray[np.bool_], predicted: Array) -> float:
    """The area under the ROC curve, by ranks."""
    ranks, count = pd.Series(predicted).rank().to_numpy(), int(positive.sum())
    others = len(positive) - count
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))
