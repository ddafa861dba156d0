"""Column types: number, boolean, date or category, and the meaning of missing values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.data.booleans import WORDS, as_boolean, in_title_case
from podium.data.tabular.dates import date_parts, find_format, find_own_formats
from podium.data.tabular.written import written_numbers
from podium.io.csv_files import line_of
from podium.io.errors import PodiumError, warn
from podium.io.text import nearest, printable

Text: TypeAlias = "pd.Series[Any]"
# One column, of train and of test.
Pair = dict[str, Text]
# The level for missing values where missing means "none" (no garage, no pool).
NONE_LEVEL = "NA"
# Up to this share of texts, a column was probably meant to be numeric.
FEW_STRAYS = 0.05
# Above this share of test rows that are on days of training rows, a day is a level too.
RECURRING = 0.5


@dataclass(frozen=True)
class TypedTables:
    """Feature columns with their types: float64 for numbers, text for categories.

    ``dates`` has the format of each date column. Its parts are numbers; where it stays a category
    beside them, that is for linear models and networks only. ``marks`` has what was left out of
    numbers written as ``$1,200``. ``unused`` are missing in every training row. ``warnings`` are
    what a person should look at, by column.
    """

    train: pd.DataFrame
    test: pd.DataFrame
    numeric: list[str]
    categorical: list[str]
    dates: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    warnings: dict[str, str] = field(default_factory=dict)


def type_columns(
    train: pd.DataFrame, test: pd.DataFrame, reserved: Sequence[str], spec: Preprocess
) -> TypedTables:
    """Give every feature column its type.

    A column is numeric if every value in train and test is a number, also one that is written as
    ``$1,200`` (``written.py``), or if all are true and false (1 and 0, whatever their case). It is
    a date if every value is one in the same format, or each table's are in one clear format, and
    becomes several numbers; where most test rows are on days that training rows have, so that test
    rows are not simply the later ones, it stays a category beside them. None of this happens to a
    column listed under ``categorical`` or ``na_is_category``. There is a warning about columns that
    are categories only because of a few texts. ``reserved`` columns (id, target, group) are not
    features, nor are columns that are missing in every training row.

    Raises:
        PodiumError: a listed column doesn't exist, a column has an infinite number, or no feature
            is left.
    """
    _check_listed(train, test, spec)
    listed = [name for name in train if name not in {*reserved, *spec.drop}]
    unused = [name for name in listed if train[name].isna().all()]
    names = [name for name in listed if name not in set(unused)]
    if not names:
        raise PodiumError("train.csv: no feature column is left; drop fewer columns")
    notes = _Notes()
    numbers: dict[str, Pair] = {}
    columns: dict[str, Pair] = {}
    for name in names:
        pair = {"train": train[name], "test": test[name]}
        # Features may have made numbers of a column in which missing meant "none".
        is_text = not pd.api.types.is_numeric_dtype(train[name])
        is_category = name in spec.categorical or (name in spec.na_is_category and is_text)
        found = None if is_category else _numbers(pair, notes) or _date(pair, notes)
        if found is None or (name in notes.dates and _recurs(pair)):
            columns[name] = _category(pair, name in spec.na_is_category)
        if found is not None:
            _check_new(found, [other for other in names if other != name])
            numbers |= found
            columns |= found
    frames = {
        table: pd.DataFrame({name: pair[table] for name, pair in columns.items()})
        for table in ("train", "test")
    }
    categorical = [name for name in columns if name not in numbers]
    return TypedTables(
        frames["train"], frames["test"], list(numbers), categorical, unused=unused, **vars(notes)
    )


@dataclass
class _Notes:
    """What is noticed on the way, by column: see ``TypedTables``."""

    dates: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)


def _check_listed(train: pd.DataFrame, test: pd.DataFrame, spec: Preprocess) -> None:
    for key in ("drop", "categorical", "na_is_category"):
        for name in getattr(spec, key):
            if name not in train and not (key == "drop" and name in test):
                raise PodiumError(
                    f"params.yaml: preprocess.{key}: no column '{name}' in train.csv; "
                    f"{nearest(name, train.columns)}"
                )


def _check_new(found: Mapping[str, Pair], names: Sequence[str]) -> None:
    taken = sorted(set(found) & set(names))
    if taken:
        raise PodiumError(
            f"train.csv: column '{taken[0]}' has the name that a part of a date gets; rename it, "
            "or list it or the date under preprocess.drop"
        )


def _numbers(pair: Pair, notes: _Notes) -> dict[str, Pair] | None:
    """The column as numbers, or as 1 and 0 for true and false; None if it is something else."""
    marks, found = "", _read_as_numbers(pair)
    if _strays(pair, found) and (written := written_numbers(pair)):
        marks, found = written.marks, written.numbers
    if strays := _strays(pair, found):
        _warn_of_strays(pair, strays, "numbers")
        return None
    for table, values in found.items():
        infinite = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            raise PodiumError(
                f"{table}.csv:{int(infinite.argmax()) + 2}: column '{values.name}' has an infinite "
                "number; fix it, or write it as missing"
            )
    name = _name(pair)
    notes.marks |= {name: marks} if marks else {}
    return {name: {table: values.astype(np.float64) for table, values in found.items()}}


def _read_as_numbers(pair: Pair) -> Pair:
    """The values as numbers; missing where they are none."""
    if any(_first(text).lower() in WORDS for text in pair.values()):
        return {table: as_boolean(text) for table, text in pair.items()}
    return {table: pd.to_numeric(text, errors="coerce") for table, text in pair.items()}


def _strays(pair: Pair, found: Pair) -> Pair:
    """Where values are not what was found of them; empty if there is none."""
    strays = {table: found[table].isna() & text.notna() for table, text in pair.items()}
    return strays if any(stray.any() for stray in strays.values()) else {}


def _date(pair: Pair, notes: _Notes) -> dict[str, Pair] | None:
    """The parts of a column of dates; None if it holds something else."""
    name, found = _name(pair), find_format(pair)
    if found is None:
        return None
    if strays := _strays(pair, found.dates):
        own = find_own_formats(pair)
        if own is None:
            _warn_of_strays(pair, strays, "dates")
            odd = [table for table, stray in strays.items() if stray.sum() > pair[table].size / 2]
            if len(odd) == 1:
                notes.warnings[name] = (
                    f"has dates in {found.format}, but not in {odd[0]}.csv, or not in one clear "
                    "format, and becomes a category; write both tables' dates alike"
                )
            return None
        found = own
        notes.warnings[name] = (
            f"has dates in other formats in the two tables ({found.format}); each is read by its "
            "own"
        )
    notes.dates[name] = found.format
    return date_parts(name, found.dates)


def _recurs(pair: Pair) -> bool:
    """Whether most test rows have a value that a training row has too."""
    return bool(pair["test"].isin(pair["train"].dropna()).mean() > RECURRING)


def _category(pair: Pair, missing_is_none: bool) -> Pair:
    """The column as text, with one spelling of true and false."""
    pair = {table: in_title_case(text) for table, text in pair.items()}
    if missing_is_none:
        return {table: text.fillna(NONE_LEVEL) for table, text in pair.items()}
    return pair


def _name(pair: Pair) -> str:
    return str(pair["train"].name)


def _first(text: Text) -> str:
    """The first value that isn't missing, or an empty text."""
    at = text.first_valid_index()
    return "" if at is None else str(text.loc[at])


def _warn_of_strays(pair: Pair, strays: Pair, meant: str) -> None:
    """Warn about a few texts that make a column of numbers or dates a category."""
    count = sum(int(stray.sum()) for stray in strays.values())
    values = sum(int(text.notna().sum()) for text in pair.values())
    if count > FEW_STRAYS * values:
        return
    table = next(table for table, stray in strays.items() if stray.any())
    text, stray = pair[table], strays[table]
    quoted = printable(str(text[stray].iloc[0])[:40])
    warn(
        f"{table}.csv:{line_of(stray)}: column '{text.name}' has '{quoted}' and becomes a "
        f"category, although all but {count} of its {values} values are {meant}; fix it, list the "
        "text under preprocess.na_values, or the column under preprocess.categorical"
    )
