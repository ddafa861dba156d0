"""Two models on the same rows and folds: their paired difference, and how sure it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.metrics import Array, Metric

# Resamples of rows; fewer where they would take longer than some seconds.
DRAWS, FEWEST_DRAWS = 1000, 200
MOST_VALUES = 25_000_000
# In percent.
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Paired:
    """Scores of two models, and by how much the first is better (in the metric's unit).

    ``folds`` and the fold scores have shape (folds,). ``gain`` is of all rows together, ``low`` and
    ``high`` are its 95 % interval; ``fold_gain`` is the mean over folds, with its standard error.
    A score is NaN on a fold on which the metric is undefined, and the mean leaves that fold out.
    """

    folds: NDArray[np.int64]
    first_folds: Array
    second_folds: Array
    first: float
    second: float
    fold_gains: Array
    gain: float
    low: float
    high: float
    draws: int

    @property
    def fold_gain(self) -> float:
        """The mean of the folds' differences."""
        return float(np.nanmean(self.fold_gains))

    @property
    def standard_error(self) -> float:
        """Of that mean: see ``standard_error``."""
        return standard_error(self.fold_gains)

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def standard_error(of_folds: Array, repeats: int = 1) -> float:
    """Of the mean of one value a fold, corrected for training rows that folds share.

    Nadeau and Bengio 2003, "Inference for the generalization error": the variance of the mean is
    (1/values + validation rows / training rows) times that of the values. Of ``count`` folds of a
    repeat, a fold validates 1 row for ``count`` - 1 that it trains on. NaN values are left out; of
    fewer than two folds there is none.
    """
    known = of_folds[~np.isnan(of_folds)]
    count = len(known) / repeats
    if count <= 1:
        return float("nan")
    share = 1 / len(known) + 1 / (count - 1)
    return float(np.sqrt(share * known.var(ddof=1)))


def paired(
    metric: Metric, y: Array, first: Array, second: Array, fold_of_row: NDArray[np.int64]
) -> Paired:
    """Compare two predictions of the same rows, as the metric takes them.

    The interval is of the percentile bootstrap over rows (Efron and Tibshirani 1993, chapter 13),
    the same resamples for both. It says how sure the difference of these two trained models is on
    rows of this kind; not how much another seed or other training rows would change it.
    """
    folds = np.unique(fold_of_row)
    by_fold = [
        [metric(y[rows], one[rows]) for one in (first, second)]
        for rows in (fold_of_row == fold for fold in folds)
    ]
    scores = np.array(by_fold, dtype=np.float64)
    draws = max(FEWEST_DRAWS, min(DRAWS, MOST_VALUES // max(first.size, 1)))
    gains = _resampled(metric, y, first, second, draws)
    low, high = np.nanpercentile(gains, INTERVAL)
    return Paired(
        folds=folds,
        first_folds=scores[:, 0],
        second_folds=scores[:, 1],
        first=metric(y, first),
        second=metric(y, second),
        fold_gains=_gain(metric, scores[:, 0], scores[:, 1]),
        gain=metric.loss(y, second) - metric.loss(y, first),
        low=float(low),
        high=float(high),
        draws=draws,
    )


def _gain(metric: Metric, first: Array, second: Array) -> Array:
    return first - second if metric.greater_is_better else second - first


def _resampled(metric: Metric, y: Array, first: Array, second: Array, draws: int) -> Array:
    """The gain on rows that are drawn with replacement, shape (draws,)."""
    rng = np.random.default_rng(0)
    found = np.empty(draws)
    for draw in range(draws):
        rows = rng.integers(0, len(y), len(y))
        found[draw] = metric.loss(y[rows], second[rows]) - metric.loss(y[rows], first[rows])
    return found
