"""Types of columns that the user's code returned, by the values' own types, not by their texts."""

from collections.abc import Callable, Mapping
from typing import NoReturn

import numpy as np
import pandas as pd

from podium.data.tabular.columns import Pair, TypedTables
from podium.data.tabular.dates import PARTS, date_parts
from podium.io.text import printable

# Raises an error about a column.
Fail = Callable[[str], NoReturn]
# What ``infer_dtype`` says of a column of objects, by what the column becomes.
WORDS = {
    "string": "text", "empty": "", "boolean": "number", "integer": "number", "floating": "number",
    "mixed-integer-float": "number", "decimal": "number", "datetime": "date", "date": "date",
    "datetime64": "date", "categorical": "text",
}  # fmt: skip
OWN_DATE = "a date of features()"


def type_returned(
    pairs: Mapping[str, tuple[Pair, Pair]], tables: TypedTables, fail: Fail
) -> TypedTables:
    """Typed tables of returned columns: numbers, categories, and dates, which become numbers.

    Args:
        pairs: by name, the column as it was returned for train and test, and as it was given (empty
            if it is new). One that is as it was given keeps what it was typed to.
        tables: the tables that were given.
        fail: raises an error about a column.
    """
    columns: dict[str, Pair] = {}
    numeric: list[str] = []
    dates: dict[str, str] = {}
    for name, (made, given) in pairs.items():
        if given and all(made[table].equals(given[table]) for table in made):
            own, of_number = _as_before(name, tables)
            dates |= {name: tables.dates[name]} if name in tables.dates else {}
        else:
            kind = _kind(name, made, fail)
            own = _typed(name, made, kind, fail)
            of_number = [] if kind == "text" else list(own)
            dates |= {name: OWN_DATE} if kind == "date" else {}
        taken = sorted((set(own) & set(columns)) | (set(own) - {name}) & set(pairs))
        if taken:
            fail(f"column '{printable(taken[0])}' has the name that a part of a date gets")
        columns |= own
        numeric += of_number
    train, test = (
        pd.DataFrame({name: pair[table] for name, pair in columns.items()})
        for table in ("train", "test")
    )
    categorical = [name for name in columns if name not in set(numeric)]
    return TypedTables(train, test, numeric, categorical, dates)


def _as_before(name: str, tables: TypedTables) -> tuple[dict[str, Pair], list[str]]:
    """The typed columns of a column that was returned as it was given; which are numbers."""
    parts = [f"{name} {part}" for part in PARTS] if name in tables.dates else []
    names = [one for one in (name, *parts) if one in tables.train]
    pairs = {one: {"train": tables.train[one], "test": tables.test[one]} for one in names}
    return pairs, [one for one in names if one in set(tables.numeric)]


def _kind(name: str, made: Pair, fail: Fail) -> str:
    """``number``, ``date`` or ``text``, alike in both tables."""
    kinds = {}
    for table, column in made.items():
        found = pd.api.types.infer_dtype(column, skipna=True)
        if found not in WORDS:
            fail(f"column '{printable(name)}': expected numbers, texts or dates, found {found}")
        kinds[table] = WORDS[found]
    train, test = kinds["train"], kinds["test"]
    if not train:
        fail(f"column '{printable(name)}' is missing in every row of train")
    if test and train != test:
        fail(f"column '{printable(name)}' is a {train} in train and a {test} in test")
    return train


def _typed(name: str, made: Pair, kind: str, fail: Fail) -> dict[str, Pair]:
    if kind == "date":
        days = {
            table: pd.to_datetime(column).dt.tz_localize(None) for table, column in made.items()
        }
        return date_parts(name, days)
    if kind == "text":
        return {name: {table: column.astype("str") for table, column in made.items()}}
    numbers = {table: column.astype("float64") for table, column in made.items()}
    for table, values in numbers.items():
        infinite = np.isinf(values.to_numpy())
        if infinite.any():
            row = int(infinite.argmax()) + 2
            fail(f"column '{printable(name)}' is infinite in row {row} of {table}.csv")
    if numbers["train"].isna().all():
        fail(f"column '{printable(name)}' is missing in every row of train")
    return {name: numbers}
