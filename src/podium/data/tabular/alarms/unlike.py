"""Test rows that differ from the training rows as folds don't: other groups, or later times."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
from pyarrow import compute

from podium.data.dataset import Rows
from podium.data.tabular.alarms.alarm import Alarm
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.dates import TIME_NAME, find_format
from podium.io.csv_files import few

Column: TypeAlias = "pd.Series[Any]"
# A group has so many rows on average, and there are so many groups: those of fewer may lie in train
# alone by chance, and ids that differ in nearly every row are no groups.
ROWS_PER_GROUP, LEAST_GROUPS, LEAST_TEST_GROUPS = 2, 10, 3
# Up to this share of test rows may be of groups that train has.
OVERLAP = 0.05
# So many rows of test are enough to see that most values are known.
SOME, CLEARLY = 10_000, 0.5
# So many test rows are later than so many training rows; of shuffled rows one in twenty is.
LATER = 0.95


def group_alarms(
    train: pd.DataFrame, test: pd.DataFrame, names: Sequence[str], folds: Rows
) -> Iterator[Alarm]:
    """Columns, as they were read, whose values repeat, lie in several folds, and not in test."""
    for name in names:
        known, asked = train[name].dropna(), test[name].dropna()
        groups = known.nunique()
        if groups < LEAST_GROUPS or len(known) < max(ROWS_PER_GROUP * groups, len(train) / 2):
            continue
        overlap = _share_known(asked, known) if len(asked) else 1.0
        if overlap > OVERLAP or asked.nunique() < LEAST_TEST_GROUPS or not _may_be_groups(known):
            continue
        spans = pd.Series(folds).groupby(train[name].to_numpy()).transform("nunique") > 1
        if spans.mean() > OVERLAP:
            yield Alarm(
                str(name),
                f"has {groups:,} values that repeat in train, and {1 - overlap:.0%} of the test "
                f"rows have others (for example {few(sorted(asked.unique())[:2])}), but "
                f"{spans.mean():.0%} of the training rows share theirs with another fold: scores "
                f"are those of known values; use folds.scheme group with folds.group: {name}",
            )


def _share_known(asked: Column, known: Column) -> float:
    """The share of values that others have too; of texts by Arrow: pandas goes through each.

    Most columns have the same values in both tables, which some rows of test show.
    """
    is_text = pd.api.types.is_string_dtype(known) and pd.api.types.is_string_dtype(asked)
    values = known.unique()
    few_rows = asked.iloc[:: max(1, len(asked) // SOME)]
    for part in (few_rows, asked):
        if is_text:
            found = compute.is_in(pa.array(part), value_set=pa.array(values))
            share = float(compute.mean(found).as_py())
        else:
            share = float(part.isin(values).mean())
        if share > CLEARLY:
            break
    return share


def _may_be_groups(known: Column) -> bool:
    """Whether values are texts or whole numbers, and no dates."""
    numbers = pd.to_numeric(known, errors="coerce")
    if numbers.isna().any():
        return find_format({"train": known}) is None
    return bool((numbers % 1 == 0).all()) and not TIME_NAME.search(str(known.name))


def time_alarms(
    tables: TypedTables, raw: tuple[pd.DataFrame, pd.DataFrame], dropped: Sequence[str]
) -> Iterator[Alarm]:
    """Times, among the features and those that are dropped, which are later in test than in train.

    ``raw`` has train and test as they were read.
    """
    for name, train, test in [*_feature_times(tables), *_dropped_times(*raw, dropped)]:
        share = float((test > train.quantile(LATER)).mean())
        if share >= LATER and train.nunique() > 1:
            yield Alarm(
                name,
                f"is later in {share:.0%} of the test rows than in {LATER:.0%} of the training "
                "rows, but folds are shuffled: rows are predicted from their own future, and "
                f"scores are too good; use folds.scheme time with folds.by: {name}",
            )


def _feature_times(tables: TypedTables) -> Iterator[tuple[str, Column, Column]]:
    """Name, training and test values of dates, as days, and of numbers with the name of a time."""
    for name in tables.dates:
        days = f"{name} days"
        yield name, tables.train[days], tables.test[days]
    parts = tuple(f"{name} " for name in tables.dates)
    for name in tables.numeric:
        if TIME_NAME.search(name) and not name.startswith(parts):
            yield name, tables.train[name], tables.test[name]


def _dropped_times(
    train: pd.DataFrame, test: pd.DataFrame, dropped: Sequence[str]
) -> Iterator[tuple[str, Column, Column]]:
    """The same of dates that are no features."""
    for name in dropped:
        found = find_format({"train": train[name], "test": test[name]})
        if found is not None:
            yield name, found.dates["train"], found.dates["test"]
