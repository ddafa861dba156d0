"""What a learnt feature is: fitted on some rows, applied to any; and the values for all rows.

By construction nothing is learnt from rows that a learner is not fitted on: it never gets others.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.inner import Inner, Parts

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
# A feature that uses the target is made for training rows by so many inner folds.
INNER_FOLDS = 5
# More classes have no column of their own in features of the target: the rarer ones have none.
MOST_CLASSES = 20


class Learner:
    """Fitted on some rows and applied to any, as scikit-learn's transformers are.

    A learner that ``uses_target`` never gives values for rows that it was fitted on: training rows
    get theirs from learners of the other inner folds. Others get no target.
    """

    uses_target = False
    # The columns that it reads; all, if none is named.
    columns: Sequence[str] = ()

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn from rows and, if it ``uses_target``, their targets, shape (rows,)."""
        raise NotImplementedError

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """The new columns of any rows; the names are what follows the feature's name."""
        raise NotImplementedError

    def own(self, table: pd.DataFrame) -> pd.DataFrame:
        """The new columns of the rows that it was fitted on, where a row must not see itself."""
        return self.transform(table)


@dataclass(frozen=True)
class Context:
    """What a feature is told of the rows that it is fitted on.

    ``classes`` are all class names, none for regression; ``y`` the target of the rows on the model
    scale (class codes for classification), ``inner`` how they are split again.
    """

    classes: Sequence[str]
    y: Array
    inner: Inner

    @cached_property
    def parts(self) -> Parts:
        """Inner folds of the rows, as places among them: rows to fit on, and rows to apply to."""
        return self.inner.folds(INNER_FOLDS)

    @cached_property
    def outputs(self) -> Mapping[str, Callable[[Array], Array]]:
        """The numbers that the target consists of, by name: itself, or whether it is a class.

        Two classes are one number. Of many, only the most frequent are there.
        """
        if not self.classes:
            return {"": lambda y: y}
        if len(self.classes) == 2:
            return {"": lambda y: (y == 1).astype(np.float64)}
        counts = np.bincount(self.y.astype(np.int64), minlength=len(self.classes))
        often = np.sort(np.argsort(-counts, kind="stable")[:MOST_CLASSES])
        return {self.classes[code]: _is_class(int(code)) for code in often}


def _is_class(code: int) -> Callable[[Array], Array]:
    return lambda y: (y == code).astype(np.float64)


# Makes a feature's unfitted learners anew.
Make = Callable[[], Sequence[Learner]]


@dataclass(frozen=True)
class Work:
    """The rows that features are made for, and those of the training rows that are fitted on.

    ``y`` has the target of all training rows on the model scale, shape (n,). Learners without
    target are fitted on what ``fit_on`` names: ``rows`` for ``fold``, else all training rows, or
    all rows of both tables.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    y: Array
    rows: Rows
    context: Context
    fit_on: str = "fold"

    @cached_property
    def whole(self) -> pd.DataFrame:
        """The rows of both tables."""
        return pd.concat([self.train, self.test], ignore_index=True)

    @property
    def rows_without_target(self) -> Rows:
        """The rows of ``whole`` that learners without target are fitted on."""
        ends = {"train": len(self.train), "train_and_test": len(self.whole)}
        return np.arange(ends[self.fit_on]) if self.fit_on in ends else self.rows


def make_columns(name: str, make: Make, work: Work) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A feature's columns for all training rows and all test rows, fitted on ``work.rows`` only."""
    parts = []
    for place, learner in enumerate(make()):
        if learner.uses_target:
            parts.append(_with_target(make, place, work))
        else:
            parts.append(_without_target(learner, work))
    frames = [pd.concat(both, axis=1) for both in zip(*parts, strict=True)]
    names = [f"{name} {suffix}".rstrip() for suffix in map(str, frames[0])]
    train, test = (_finite(frame.set_axis(names, axis=1)) for frame in frames)
    return train, test


def _finite(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers, of which those that are too large are missing, as in row-wise features."""
    return frame.astype(np.float64).replace([np.inf, -np.inf], np.nan)


def _without_target(learner: Learner, work: Work) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fitted once, on the rows that ``fit_on`` names."""
    table, count, rows = _read(work.whole, learner), len(work.train), work.rows_without_target
    fitted = learner.fit(table.iloc[rows], None)
    own = fitted.own(table.iloc[rows])
    rest = np.setdiff1d(np.arange(len(table)), rows)
    values = np.empty((len(table), own.shape[1]))
    values[rows] = own
    if len(rest):
        values[rest] = fitted.transform(table.iloc[rest])
    return _frame(values[:count], own), _frame(values[count:], own)


def _with_target(make: Make, place: int, work: Work) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fitted on all ``rows`` for the other rows; on the other inner folds for ``rows``."""
    y, rows, learner = work.y, work.rows, make()[place]
    train = _read(work.train, learner)
    whole = learner.fit(train.iloc[rows], y[rows])
    test = whole.transform(_read(work.test, learner))
    values = np.empty((len(train), test.shape[1]))
    rest = np.setdiff1d(np.arange(len(train)), rows)
    if len(rest):
        values[rest] = whole.transform(train.iloc[rest])
    for kept, held in work.context.parts:
        fitted = make()[place].fit(train.iloc[rows[kept]], y[rows[kept]])
        values[rows[held]] = fitted.transform(train.iloc[rows[held]])
    return _frame(values, test), _frame(test.to_numpy(), test)


def _read(table: pd.DataFrame, learner: Learner) -> pd.DataFrame:
    """The columns that a learner reads: to copy rows of the others takes time."""
    return table[list(learner.columns)] if learner.columns else table


def _frame(values: Array, like: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(values, columns=like.columns)
