"""Column types: number or category, and the meaning of missing values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.io.csv_files import line_of
from podium.io.errors import PodiumError, warn
from podium.io.text import nearest, printable

# The level for missing values where missing means "none" (no garage, no pool).
NONE_LEVEL = "NA"
# Up to this share of texts, a column was probably meant to be numeric.
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

    A column is numeric if every value in train and test is a number, unless it is listed under
    ``categorical`` or ``na_is_category``; there is a warning about columns that aren't numeric only
    because of a few texts. ``reserved`` columns (id, target, group) are not features.

    Raises:
        PodiumError: a listed column doesn't exist, a column is all missing or has an infinite
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
        _warn_of_strays(columns, strays)
        return False
    for table, values in numbers.items():
        infinite = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            raise PodiumError(
                f"{table}.csv:{int(infinite.argmax()) + 2}: column '{name}' has an infinite "
                "number; fix it, or write it as missing"
            )
        features[table][name] = values.astype(np.float64)
    return True


def _warn_of_strays(
    columns: "dict[str, pd.Series[Any]]", strays: "dict[str, pd.Series[Any]]"
) -> None:
    """Warn about a few texts that make an otherwise numeric column a category."""
    count = sum(int(stray.sum()) for stray in strays.values())
    values = sum(int(text.notna().sum()) for text in columns.values())
    if count > FEW_STRAYS * values:
        return
    table = next(table for table, stray in strays.items() if stray.any())
    text, stray = columns[table], strays[table]
    quoted = printable(str(text[stray].iloc[0])[:40])
    warn(
        f"{table}.csv:{line_of(stray)}: column '{text.name}' has '{quoted}' and becomes a "
        f"category, although all but {count} of its {values} values are numbers; fix it, list the "
        "text under preprocess.na_values, or the column under preprocess.categorical"
    )


def _fill_none(features: dict[str, pd.DataFrame], name: str, spec: Preprocess) -> None:
    if name in spec.na_is_category:
        for frame in features.values():
            frame[name] = frame[name].fillna(NONE_LEVEL)
