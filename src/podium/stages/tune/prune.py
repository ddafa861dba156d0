"""Pruners of trials that train together: which of them leave after an epoch, or after a fold.

Each sees the scores of the folds of every living trial, and what is known of those that have ended.
"""

import math
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from podium.metrics import Array

# Scores by epoch (from 1), each of shape (folds,), lower is better.
Curve = dict[int, Array]
# Fewer curves than this are no company to fall behind of: Optuna's n_startup_trials.
FEWEST = 4


@dataclass
class Pruner:
    """Judges the trials of a batch after each epoch; this one lets all stay.

    Networks train in groups, on a thread each: a call has the trials of one group, and of a trial
    that is in two groups the folds that are there.
    ``finished`` are the curves of trials that have ended, of earlier batches and of this one;
    ``raced`` the scores of their folds, which all have the same first ones. ``epochs``: of each
    trial of the batch; ``kept``: the places of those that never leave. ``sign`` is -1 where greater
    scores are better.
    """

    races = False
    # Before this share of the epochs no curve says much: the learning rate has barely fallen.
    WARM_UP = 0.2

    sign: float = 1.0
    finished: list[Curve] = field(default_factory=list)
    raced: list[Array] = field(default_factory=list)
    epochs: Sequence[int] = ()
    kept: Collection[int] = ()
    living: dict[int, Curve] = field(default_factory=dict)
    racing: dict[int, Array] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self, epochs: Sequence[int], kept: Collection[int] = ()) -> None:
        """A new batch; the trials of the last one have finished."""
        self.finished += [curve for _, curve in sorted(self.living.items()) if curve]
        self.raced += [scores for _, scores in sorted(self.racing.items())]
        self.epochs, self.kept = epochs, kept
        self.living, self.racing, self.gone = {}, {}, set()

    def __call__(self, epoch: int, scores: Mapping[int, Array]) -> set[int]:
        """The places of the trials that leave, of those that have just finished an epoch."""
        with self.lock:
            return self._leaving(epoch, scores)

    def _leaving(self, epoch: int, scores: Mapping[int, Array]) -> set[int]:
        for place, own in scores.items():
            self.living.setdefault(place, {})[epoch] = self.sign * np.asarray(own, dtype=float)
        late = {place for place in scores if epoch >= max(1, self.WARM_UP * self.epochs[place])}
        stay = self.gone | set(self.kept)
        self.gone |= {place for place in sorted(late - stay) if self.falls_behind(place, epoch)}
        return self.gone & scores.keys()

    def race(self, scores: Mapping[int, Array]) -> set[int]:
        """The places of the trials that leave, of those that have just finished some folds."""
        return set()

    def falls_behind(self, place: int, epoch: int) -> bool:
        """Whether a trial is to leave."""
        return False

    def others(self, place: int) -> list[Curve]:
        """The curves of all other trials."""
        own = [curve for other, curve in sorted(self.living.items()) if other != place]
        return [*self.finished, *own]


class Folds(Pruner):
    """Leaves: who is not in the better half on the folds that it has been trained on.

    A race as of Maron and Moore (1994), in successive halves (Jamieson and Talwalkar 2016): folds
    are what is added, not epochs. A schedule that anneals the learning rate makes early epochs of
    good configurations look bad; a fold at the end of its training doesn't lie that way.
    """

    races = True
    SHARE = 1 / 2

    def race(self, scores: Mapping[int, Array]) -> set[int]:
        """As of every pruner."""
        own = {place: self.sign * found for place, found in scores.items()}
        self.racing |= own
        folds = max(len(found) for found in own.values())
        known = [one for one in (*self.raced, *self.racing.values()) if len(one) >= folds]
        if len(known) < FEWEST:
            return set()
        means = sorted(_mean_of(one[:folds]) for one in known)
        last = means[math.ceil(self.SHARE * len(means)) - 1]
        return {
            place
            for place, found in own.items()
            if _mean_of(found) > last and place not in self.kept
        }


class Median(Pruner):
    """Leaves: who is worse than the median of the others so far (Golovin et al. 2017).

    Those that have left count with the best that they had: else each epoch would send away half of
    those that the last one kept.
    """

    def falls_behind(self, place: int, epoch: int) -> bool:
        """As of every pruner."""
        ended = [*self.finished, *(self.living[gone] for gone in self.gone if gone != place)]
        there = [
            curve
            for other, curve in sorted(self.living.items())
            if other not in {place, *self.gone} and epoch in curve
        ]
        known = [_best(curve, epoch) for curve in (*ended, *there)]
        if len(known) < FEWEST:
            return False
        return _best(self.living[place], epoch) > float(np.median(known))


class Halving(Pruner):
    """Leaves: who is not in the best third at a rung (Li et al. 2020, asynchronous halving).

    Rungs are at 1/9 and 1/3 of the epochs, and so on by ``FACTOR``.
    """

    FACTOR, RUNGS = 3, 2
    WARM_UP = 0.0

    def falls_behind(self, place: int, epoch: int) -> bool:
        """As of every pruner."""
        total = self.epochs[place]
        rungs = {round(total / self.FACTOR**step) for step in range(1, self.RUNGS + 1)}
        if epoch not in rungs:
            return False
        known = [_mean(curve, epoch) for curve in self.others(place) if epoch in curve]
        known.append(own := _mean(self.living[place], epoch))
        if len(known) < FEWEST:
            return False
        stay = max(1, len(known) // self.FACTOR)
        return own > sorted(known)[stay - 1]


class Wilcoxon(Pruner):
    """Leaves: who is worse than the best other trial on the same folds, by a signed-rank test.

    Optuna's WilcoxonPruner with folds as instances, at the same epoch of both.
    """

    LEVEL = 0.1

    def falls_behind(self, place: int, epoch: int) -> bool:
        """As of every pruner."""
        from scipy.stats import wilcoxon

        rivals = [curve for curve in self.others(place) if epoch in curve]
        if not rivals:
            return False
        best = min(rivals, key=lambda curve: _mean(curve, epoch))
        own, other = self.living[place][epoch], best[epoch]
        if own.shape != other.shape:
            return False
        worse = own - other
        worse = worse[np.isfinite(worse)]
        if len(worse) < 2 or not worse.any() or worse.mean() <= 0:
            return False
        return bool(
            wilcoxon(worse, alternative="greater", zero_method="zsplit").pvalue < self.LEVEL
        )


def _mean(curve: Curve, epoch: int) -> float:
    """The mean over folds at an epoch; where there is none the trial is the worst."""
    return _mean_of(curve.get(epoch, np.array([])))


def _mean_of(scores: Array) -> float:
    """The mean over folds; a trial that diverged is the worst."""
    return float(scores.mean()) if len(scores) and np.isfinite(scores).all() else float("inf")


def _best(curve: Curve, epoch: int) -> float:
    """The best mean up to an epoch."""
    return min((_mean(curve, at) for at in curve if at <= epoch), default=float("inf"))


# By name; ``none`` lets every trial finish.
PRUNERS: dict[str, type[Pruner]] = {
    "folds": Folds,
    "median": Median,
    "halving": Halving,
    "wilcoxon": Wilcoxon,
    "none": Pruner,
}
