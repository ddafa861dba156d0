"""Splits a fold's training rows again, for tuning a model, by the rules of the outer folds."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.config.folds import FoldScheme
from podium.data.holdout import Rows, hold_out
from podium.io.errors import PodiumError

# Rows to train on and rows to score, of each inner fold.
Parts = list[tuple[Rows, Rows]]


@dataclass(frozen=True)
class Inner:
    """How a fold's training rows are split again; results are places among these rows.

    Rows of a group stay together where the outer folds keep them together; the last rows are held
    out, and inner folds are contiguous, where the outer folds are; otherwise rows are shuffled,
    with equal shares of the classes. ``where`` is the fold's name in messages. ``classes`` and
    ``groups`` are those of the rows, if there are any.
    """

    where: str
    rows: int
    scheme: FoldScheme
    seed: int
    warn: Callable[[str], None]
    classes: NDArray[np.float64] | None = None
    groups: Rows | None = None

    @property
    def is_shuffled(self) -> bool:
        """Whether rows are drawn one by one: neither by group nor in order."""
        return self.scheme.shuffles

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
        groups = self._several_groups()
        if groups is not None:
            held = np.isin(groups, _some_groups(groups, count, seed))
            return rows[~held], rows[held]
        if self._is_in_order:
            return rows[:-count], rows[-count:]
        return hold_out(rows, share, seed, self.classes)

    def folds(self, count: int) -> Parts:
        """``count`` inner folds; fewer, with a warning, where there are too few rows or groups.

        Raises:
            PodiumError: there are fewer than 2 rows.
        """
        from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

        self.check()
        groups = self._several_groups()
        found = self.rows if groups is None else len(np.unique(groups))
        if found < count:
            what = "training rows" if groups is None else "groups"
            self.warn(f"{self.where}: {found} {what} for {count} inner folds; {found} are used")
            count = found
        y = None
        if groups is not None:
            splitter = GroupKFold(count)
        elif self._is_in_order:
            splitter = KFold(count)
        elif self.classes is not None and np.unique_counts(self.classes).counts.min() >= count:
            splitter, y = StratifiedKFold(count, shuffle=True, random_state=self.seed), self.classes
        else:
            splitter = KFold(count, shuffle=True, random_state=self.seed)
        return list(splitter.split(np.zeros(self.rows), y, groups))

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

    @property
    def _is_in_order(self) -> bool:
        return self.groups is None and not self.scheme.shuffles

    def _several_groups(self) -> Rows | None:
        """The rows' groups, if rows can be split by them; warns where there is only one."""
        if self.groups is None or (self.groups != self.groups[0]).any():
            return self.groups
        self.warn(
            f"{self.where}: its training rows are a single group, so the model is tuned on rows "
            "drawn at random"
        )
        return None


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
