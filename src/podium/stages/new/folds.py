"""The scheme of folds: classes, groups that test has none of, and time."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from podium.config.folds import SCHEMES
from podium.data.tabular.dates import TIME_NAME, find_format
from podium.io.text import printable
from podium.stages.new.columns import Column
from podium.stages.new.draft import Draft

COUNT = 5
# Fewer different values say nothing: those of test may differ by chance.
LEAST_GROUPS = 10
LEAST_TEST_GROUPS = 3
# Rows a group on average: ids that differ in nearly every row are no groups.
ROWS_PER_GROUP = 2


def guess_folds(draft: Draft, target: "pd.Series[Any]", features: Sequence[Column]) -> None:
    """Set ``folds``; the task is known."""
    scheme, why = _by_task(draft, target)
    extra: dict[str, Any] = {}
    later = [column.name for column in features if _is_later(column)]
    groups = [column for column in features if _is_group(column)]
    if later:
        scheme, extra = "time", {"by": later[0]}
        why = f"every {printable(later[0])} of test is later than those of train"
        draft.look.append(f"folds: {why}, so each fold is predicted from earlier rows alone")
    elif groups:
        group = max(groups, key=lambda column: len(column.texts)).name
        scheme = "group" if draft["task"] == "regression" else "stratified_group"
        extra = {"group": group}
        why = f"no {printable(group)} of test is in train: new ones are asked for"
        draft.look.append(
            f"folds: {printable(group)} repeats in train, and test has other values of it; its "
            "rows stay together in a fold"
        )
    # Knobs of shuffling do nothing for schemes that don't shuffle.
    drawn = {"repeats": 1, "seed": 0} if SCHEMES[scheme].shuffles else {}
    draft.set("folds", {"scheme": scheme, "count": COUNT, **drawn, **extra}, why)


def _by_task(draft: Draft, target: "pd.Series[Any]") -> tuple[str, str]:
    if draft["task"] == "regression":
        return "kfold", "shuffled"
    counts = target.value_counts()
    rarest, share = printable(str(counts.index[-1])), counts.iloc[-1] / counts.sum()
    if counts.iloc[-1] < COUNT:
        draft.look.append(
            f"folds: class {rarest} has {counts.iloc[-1]} rows, too few for {COUNT} stratified "
            "folds; they are shuffled instead"
        )
        return "kfold", f"shuffled; class {rarest} has too few rows for stratified"
    return "stratified", f"keeps the shares of the classes; the rarest, {rarest}, has {share:.1%}"


def _is_group(column: Column) -> bool:
    """Whether a column's values repeat in train and are all different ones in test."""
    train, test = column.known("train"), column.known("test")
    groups, test_groups = train.nunique(), test.nunique()
    if groups < LEAST_GROUPS or test_groups < LEAST_TEST_GROUPS:
        return False
    if len(train) < ROWS_PER_GROUP * groups or (column.is_numeric and not column.is_whole):
        return False
    if test.isin(train.unique()).any() or len(train) < len(column.pair["train"]):
        return False
    return not _is_time(column)


def _is_later(column: Column) -> bool:
    """Whether a column is of times, and all of test's come after those of train."""
    if not _is_time(column):
        return False
    if column.is_numeric:
        train, test = column.as_numbers("train"), column.as_numbers("test")
    else:
        found = find_format({table: column.known(table) for table in column.pair})
        assert found is not None
        train, test = found.dates["train"], found.dates["test"]
    return bool(test.min() >= train.max() > train.min())


def _is_time(column: Column) -> bool:
    """Whether a column has dates, or numbers and the name of a time."""
    if column.is_numeric:
        return bool(TIME_NAME.search(column.name))
    if column.texts.empty or column.numbers.notna().any():
        return False
    found = find_format({table: column.known(table) for table in column.pair})
    return found is not None and all(dates.notna().all() for dates in found.dates.values())
