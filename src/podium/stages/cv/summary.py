"""What scores on folds of several seeds say: means, spreads, ranks, whether the blend wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from podium.config.names import BLEND
from podium.metrics import Metric

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A model or the blend on all seeds.

    ``scores`` has a CV for each seed, ``std`` their standard deviation, ``se`` the mean's standard
    error over seeds; both are None of a single seed. ``ranks`` has its rank on each seed (1 is the
    best; equals share the mean of theirs).
    """

    name: str
    scores: Array
    ranks: Array

    @property
    def mean(self) -> float:
        """The mean CV."""
        return float(self.scores.mean())

    @property
    def std(self) -> float | None:
        """The standard deviation of the CVs."""
        return float(self.scores.std(ddof=1)) if len(self.scores) > 1 else None

    @property
    def se(self) -> float | None:
        """The mean's standard error."""
        return None if self.std is None else self.std / len(self.scores) ** 0.5

    @property
    def mean_rank(self) -> float:
        """The mean of its ranks."""
        return float(self.ranks.mean())

    def rank_shares(self, ranks: int) -> list[float]:
        """The share of seeds at each rank; a shared rank counts as the better one."""
        places = np.floor(self.ranks).astype(int)
        return [float((places == rank).mean()) for rank in range(1, ranks + 1)]


@dataclass(frozen=True)
class Gain:
    """By how much the blend is better than another on the same seeds, and on how many of them."""

    other: str
    mean: float
    se: float | None
    better: int


@dataclass(frozen=True)
class Summary:
    """All rows, the best mean first.

    ``agreement`` is Kendall's W of the seeds' ranks (M. G. Kendall and B. Babington Smith, 1939):
    the share of the ranks' variance that lies between models. 1: all seeds rank them alike; 0: the
    ranks say nothing; None of fewer than two seeds or rows. ``over_best_model`` compares the blend
    with the model of the best mean, ``over_each_best`` with each seed's best model.
    """

    seeds: list[int]
    rows: list[Row]
    agreement: float | None
    over_best_model: Gain | None
    over_each_best: Gain | None


def summarize(scores: Mapping[str, Sequence[float]], seeds: list[int], metric: Metric) -> Summary:
    """Summarize CVs: by model (and the blend) one for each seed."""
    names = list(scores)
    table = np.array([scores[name] for name in names], dtype=np.float64)
    losses = np.array([[metric.as_loss(score) for score in row] for row in table.tolist()])
    # An undefined score is the last.
    ranks = rankdata(np.where(np.isnan(losses), np.inf, losses), axis=0)
    order = [int(place) for place in np.argsort(losses.mean(axis=1), kind="stable")]
    models = [place for place in order if names[place] != BLEND]
    gains: list[Gain | None] = [None, None]
    if BLEND in names:
        blend, best = losses[names.index(BLEND)], models[0]
        gains = [
            _gain(names[best], losses[best] - blend),
            _gain("each seed's best model", losses[models].min(axis=0) - blend),
        ]
    rows = [Row(names[place], table[place], ranks[place]) for place in order]
    return Summary(seeds, rows, kendalls_w(ranks), *gains)


def kendalls_w(ranks: Array) -> float | None:
    """Kendall's W of ranks, shape (models, seeds); corrected for ties.

    None of fewer than two models or seeds, or where all are equal on every seed.
    """
    models, seeds = ranks.shape
    middle = (models + 1) / 2
    total = float(((ranks - middle) ** 2).sum())
    if models < 2 or seeds < 2 or not total:
        return None
    return seeds * float(((ranks.mean(axis=1) - middle) ** 2).sum()) / total


def _gain(other: str, gains: Array) -> Gain:
    se = float(gains.std(ddof=1) / len(gains) ** 0.5) if len(gains) > 1 else None
    return Gain(other, float(gains.mean()), se, int((gains > 0).sum()))
