"""What each column is: a number, or a category; and what its missing values mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.io.csv_files import line_of
from podium.io.errors import PodiumError, warn
from podium.io.text import nearest, printable

# The level that stands for "missing" where missing is itself a category (no garage, no pool).
NONE_LEVEL = "NA"
# With no larger share of texts a column was probably meant to hold numbers.
FEW_STRAYS = 0.05


@dataclass(frozen=True)
class TypedTables:
    """Feature columns with their types: float64 for numbers, text for categories."""

    train: pd.DataFrame
    test: pd.DataFrame
    numeric: list[str]
    categorical: list[str]


def type_columns(
    train: pd.DataFrame, test: pd.DataFrame, reserved: Sequence[str], spec: Preprocess
) -> TypedTables:
    """Give every feature column its type.

    A column is a number when every value in train and test reads as one, unless it is listed
    under ``categorical`` or ``na_is_category``; a warning tells of columns that only a few texts
    keep from being numbers. ``reserved`` columns (id, target, group) are no features.

    Raises:
        PodiumError: a listed column doesn't exist, a column is all missing or holds an infinite
            number, or no feature is left.
    """
    _check_listed(train, spec)
    names = [name for name in train if name not in {*reserved, *spec.drop}]
    if not names:
        raise PodiumError("train.csv: no feature column is left; drop fewer columns")
    features = {"train": train[names].copy(), "test": test[names].copy()}
    numeric, categorical = [], []
    for name in names:
        _check_not_empty(train[name])
        if _make_numeric(features, name, spec):
            numeric.append(name)
        else:
            categorical.append(name)
            _fill_none(features, name, spec)
    return TypedTables(features["train"], features["test"], numeric, categorical)


def _check_listed(train: pd.DataFrame, spec: Preprocess) -> None:
    for key in ("drop", "categorical", "na_is_category"):
        for name in getattr(spec, key):
            if name not in train:
                raise PodiumError(
                    f"params.yaml: preprocess.{key}: no column '{name}' in train.csv; "
                    f"{nearest(name, train.columns)}"
                )


def _check_not_empty(column: "pd.Series[Any]") -> None:
    if column.isna().all():
        raise PodiumError(
            f"train.csv: column '{column.name}' is missing in every row; "
            "list it under preprocess.drop"
        )


def _make_numeric(features: dict[str, pd.DataFrame], name: str, spec: Preprocess) -> bool:
    if name in spec.categorical or name in spec.na_is_category:
        return False
    columns = {table: frame[name] for table, frame in features.items()}
    numbers = {table: pd.to_numeric(text, errors="coerce") for table, text in columns.items()}
    strays = {table: numbers[table].isna() & text.notna() for table, text in columns.items()}
    if any(stray.any() for stray in strays.values()):
        _remark_strays(columns, strays)
        return False
    for table, values in numbers.items():
        infinite = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            raise PodiumError(
                f"{table}.csv:{int(infinite.argmax()) + 2}: column '{name}' holds an infinite "
                "number; write it as missing, or fix it"
            )
        features[table][name] = values.astype(np.float64)
    return True


def _remark_strays(
    columns: "dict[str, pd.Series[Any]]", strays: "dict[str, pd.Series[Any]]"
) -> None:
    """Say where the few texts are that make a category of a column that looks like numbers."""
    count = sum(int(stray.sum()) for stray in strays.values())
    values = sum(int(text.notna().sum()) for text in columns.values())
    if count > FEW_STRAYS * values:
        return
    table = next(table for table, stray in strays.items() if stray.any())
    text, stray = columns[table], strays[table]
    quoted = printable(str(text[stray].iloc[0])[:40])
    warn(
        f"{table}.csv:{line_of(stray)}: column '{text.name}' holds '{quoted}' and becomes a "
        f"category, though all but {count} of its {values} values are numbers; fix it, list the "
        "text under preprocess.na_values, or the column under preprocess.categorical"
    )


def _fill_none(features: dict[str, pd.DataFrame], name: str, spec: Preprocess) -> None:
    if name in spec.na_is_category:
        for frame in features.values():
            frame[name] = frame[name].fillna(NONE_LEVEL)
