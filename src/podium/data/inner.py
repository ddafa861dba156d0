"""Splits a fold's training rows again, for tuning a model, by the rules of the outer folds."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from podium.config.folds import FoldScheme
from podium.data.holdout import Rows, hold_out
from podium.io.errors import PodiumError

# Rows to train on and rows to score, of each inner fold.
Parts = list[tuple[Rows, Rows]]


class OuterFolds(Protocol):
    """Folds, groups and times of all training rows, as ``Dataset`` has them."""

    @property
    def folds(self) -> Rows:
        """The fold that validates each row, shape (n, repeats)."""

    @property
    def groups(self) -> Rows | None:
        """The code of each row's group, shape (n,)."""

    @property
    def times(self) -> Rows | None:
        """The place of each row's time among all, shape (n,)."""


@dataclass(frozen=True)
class Inner:
    """How a fold's training rows are split again; results are places among these rows.

    Rows of a group stay together where the outer folds keep them together; where the outer folds
    are in time, the latest rows are held out, and inner folds are blocks of time, of which each
    trains on the past alone where the outer folds do; otherwise rows are shuffled, with equal
    shares of the classes. Where the outer folds are given, they are the groups.

    ``where`` is the fold's name in messages. ``classes`` and ``groups`` are those of the rows, if
    there are any; a group below 0 is only trained on. ``times`` is the place of each row's time
    among all; by default rows are in their order. ``gap`` times between rows to train on and rows
    to score are left out.
    """

    where: str
    rows: int
    scheme: FoldScheme
    seed: int
    warn: Callable[[str], None]
    classes: NDArray[np.float64] | None = None
    groups: Rows | None = None
    times: Rows | None = None
    gap: int = 0

    @classmethod
    def of(
        cls, folds: OuterFolds, scheme: FoldScheme, rows: Rows, repeat: int = 0, **others: Any
    ) -> Self:
        """That of a fold's training rows, by the outer folds; ``others`` are further fields."""
        # Folds that are given are kept whole.
        groups = folds.folds[:, repeat] if scheme.is_given else folds.groups
        return cls(
            rows=len(rows),
            scheme=scheme,
            groups=None if groups is None else groups[rows],
            times=rows if folds.times is None else folds.times[rows],
            **others,
        )

    def part(self, places: Rows) -> Self:
        """The same for some of the rows, by their places among them."""

        def of_part(values: NDArray[Any] | None) -> Any:
            return None if values is None else values[places]

        return replace(
            self,
            rows=len(places),
            classes=of_part(self.classes),
            groups=of_part(self.groups),
            times=of_part(self.times),
        )

    @property
    def is_shuffled(self) -> bool:
        """Whether rows are drawn one by one: neither by group nor in order."""
        return self.scheme.draws_rows

    def hold_out(self, share: float, seed: int | None = None) -> tuple[Rows, Rows]:
        """Rows to train on, and about ``share`` of all to tune by; at least one of each.

        Raises:
            PodiumError: there are fewer than 2 rows.
        """
        self.check()
        seed = self.seed if seed is None else seed
        # As many are left as scikit-learn leaves, but at least one row.
        share = min(share, (self.rows - 1.5) / self.rows)
        count = math.ceil(share * self.rows)
        rows = np.arange(self.rows)
        groups, times = self._several_groups(), self._several_times()
        if groups is not None and self.scheme.stratifies:
            parts = min(max(2, round(1 / share)), len(np.unique(groups)))
            if self._classes_for(parts) is not None:
                return self._split_groups(groups, parts, seed)[0]
        if groups is not None:
            held = np.isin(groups, _some_groups(groups[groups >= 0], count, seed))
            return rows[~held], rows[held]
        if times is not None:
            held = times >= _first_held(times, count)
            return self._apart(times, rows[~held], rows[held])
        return hold_out(rows, share, seed, self.classes)

    def folds(self, count: int) -> Parts:
        """``count`` inner folds; fewer, with a warning, where there are too few rows or groups.

        Raises:
            PodiumError: there are fewer than 2 rows.
        """
        from sklearn.model_selection import KFold, StratifiedKFold

        self.check()
        groups, times = self._several_groups(), self._several_times()
        if groups is not None:
            count = self._at_most(count, len(np.unique(groups[groups >= 0])), "groups")
            return self._split_groups(groups, count, self.seed)
        if times is not None:
            found = len(np.unique(times))
            what = "training rows" if found == self.rows else "times in the training rows"
            return self._blocks(times, self._at_most(count, found, what))
        count = self._at_most(count, self.rows, "training rows")
        classes = self._classes_for(count)
        splitter = KFold if classes is None else StratifiedKFold
        shuffled = splitter(count, shuffle=True, random_state=self.seed)
        return list(shuffled.split(np.zeros(self.rows), classes))

    def check(self) -> None:
        """Check that there is a row to train on and one to score.

        Raises:
            PodiumError: there are fewer than 2 rows.
        """
        if self.rows < 2:
            raise PodiumError(
                f"{self.where} has {self.rows} training row, and tuning needs 2: one to train on, "
                "one to score; add rows, or use fewer folds"
            )

    def _at_most(self, count: int, found: int, what: str) -> int:
        """``count``, or what there is; the number of given folds is known, and no surprise."""
        if found < count and not self.scheme.is_given:
            self.warn(f"{self.where}: {found} {what} for {count} inner folds; {found} are used")
        return min(count, found)

    def _classes_for(self, count: int) -> NDArray[np.float64] | None:
        """The classes, if each has as many rows as there are folds."""
        if self.classes is None or np.unique_counts(self.classes).counts.min() < count:
            return None
        return self.classes

    def _several_groups(self) -> Rows | None:
        """The rows' groups, if rows can be split by them; warns where there is only one."""
        if self.groups is None or len(np.unique(self.groups[self.groups >= 0])) > 1:
            return self.groups
        what = "not of several folds" if self.scheme.is_given else "a single group"
        self._warn_of_random(f"its training rows are {what}")
        return None

    def _several_times(self) -> Rows | None:
        """The rows' times, if rows are in time; warns where there is only one."""
        if not self.scheme.in_order:
            return None
        times = np.arange(self.rows) if self.times is None else self.times
        if (times != times[0]).any():
            return times
        self._warn_of_random("its training rows are of a single time")
        return None

    def _warn_of_random(self, what: str) -> None:
        self.warn(f"{self.where}: {what}, so the model is tuned on rows drawn at random")

    def _split_groups(self, groups: Rows, count: int, seed: int) -> Parts:
        """Inner folds of whole groups; all train on the rows of groups below 0."""
        from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

        dealt, rest = np.flatnonzero(groups >= 0), np.flatnonzero(groups < 0)
        classes = self._classes_for(count) if self.scheme.stratifies else None
        splitter: Any = GroupKFold(count)
        if classes is not None:
            splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
            classes = classes[dealt]
        parts = splitter.split(np.zeros(len(dealt)), classes, groups[dealt])
        return [
            (np.sort(np.concatenate([dealt[train], rest])), dealt[held]) for train, held in parts
        ]

    def _blocks(self, times: Rows, count: int) -> Parts:
        """Inner folds that are blocks of time; those that train on the past alone need one more."""
        from sklearn.model_selection import KFold, TimeSeriesSplit

        each = np.unique(times)
        if self.scheme.past_only:
            count = min(count, len(each) - 1)
        if count < 2:
            return [self.hold_out(0.5)]
        splitter = TimeSeriesSplit(count) if self.scheme.past_only else KFold(count)
        parts = []
        for _, block in splitter.split(each):
            held = np.isin(times, each[block])
            others = times < each[block[0]] if self.scheme.past_only else ~held
            parts.append(self._apart(times, np.flatnonzero(others), np.flatnonzero(held)))
        return parts

    def _apart(self, times: Rows, train: Rows, held: Rows) -> tuple[Rows, Rows]:
        """The parts without the rows to train on that are within the gap; warns if none is left."""
        first, last = times[held].min(), times[held].max()
        far = (times[train] < first - self.gap) | (times[train] > last + self.gap)
        if far.any():
            return train[far], held
        self.warn(
            f"{self.where}: folds.gap {self.gap} leaves no training rows to tune the model on, so "
            "the gap is left away there; use a smaller one, or fewer folds"
        )
        return train, held


def _first_held(times: Rows, count: int) -> int:
    """The time from which on rows are held out: nearest to ``count`` rows, and not all."""
    each, rows = np.unique_counts(times)
    later = np.cumsum(rows[::-1])[::-1]
    return int(each[1 + np.argmin(np.abs(later[1:] - count))])


def _some_groups(groups: Rows, count: int, seed: int) -> Rows:
    """Groups in random order, as long as each brings their rows closer to ``count``."""
    names, sizes = np.unique_counts(groups)
    chosen: list[int] = []
    rows = 0
    for index in np.random.default_rng(seed).permutation(len(names)):
        is_closer = abs(rows + sizes[index] - count) < abs(rows - count)
        if is_closer and len(chosen) < len(names) - 1:
            chosen.append(int(index))
            rows += int(sizes[index])
    return names[chosen or [int(np.argmin(sizes))]]
