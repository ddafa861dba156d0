"""Rows that are there more than once: in train and test, or in several folds of train."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.dataset import Rows
from podium.data.tabular.alarms.alarm import Alarm
from podium.data.tabular.columns import TypedTables

Mask = NDArray[np.bool_]
# Fewer rows move neither a score on the folds nor one on the test set.
LEAST_SHARE, LEAST_ROWS = 0.01, 10
# With fewer different rows, columns have so few values that rows are alike by chance.
FEW_DIFFERENT = 0.5
# Repeats in train and in test are alike where neither is so many times as frequent as the other.
ALIKE = 2


def repeat_alarms(
    tables: TypedTables, y: NDArray[np.float64], folds: Rows, target: str
) -> Iterator[Alarm]:
    """Rows that are equal in all features: in train and test, or in two folds, shape (n,)."""
    train, test = _hashes(tables)
    if len(np.unique(train)) < FEW_DIFFERENT * len(train):
        return
    shared = np.isin(test, train)
    rows = pd.DataFrame({"row": train, "fold": folds, "y": y})[folds >= 0]
    groups = rows.groupby("row")
    spans = (groups["fold"].transform("nunique") > 1).to_numpy()
    if _are_many(shared) and shared.mean() > ALIKE * spans.mean():
        yield Alarm(
            "test rows",
            f"{_count(shared)} are equal to a training row in all features: what is known of them "
            "is no measure of new rows; look up where both come from",
            of_rows=True,
        )
    if _are_many(spans):
        same = float((groups["y"].transform("nunique") == 1)[spans].mean())
        yield Alarm(
            "training rows",
            f"{_count(spans)} are equal in all features to a row of another fold, {same:.0%} of "
            f"them with the same {target}; {_meaning(spans, shared)}",
            of_rows=True,
        )


def _meaning(spans: Mask, shared: Mask) -> str:
    """What scores on the folds say, by whether test rows are repeats of training rows too."""
    if ALIKE * shared.mean() > spans.mean():
        return (
            f"as {shared.mean():.0%} of the test rows are to a training row, so that scores on the "
            "folds hold for test, but are too good for new rows"
        )
    return (
        f"only {shared.mean():.0%} of the test rows are, so that scores on the folds are too good; "
        "drop the repeats, or keep them in one fold (folds.scheme group, file or own)"
    )


def _hashes(tables: TypedTables) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A number for each row of train and of test; equal rows have the same."""
    columns = [*tables.numeric, *tables.categorical]
    train, test = (
        np.asarray(pd.util.hash_pandas_object(table[columns], index=False))
        for table in (tables.train, tables.test)
    )
    return train, test


def _are_many(rows: Mask) -> bool:
    return bool(rows.sum() >= max(LEAST_ROWS, LEAST_SHARE * len(rows)))


def _count(rows: Mask) -> str:
    return f"{rows.sum():,} of {len(rows):,} ({rows.mean():.0%})"
