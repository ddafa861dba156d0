"""What each column is: a number, or a category; and what its missing values mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.config.messages import nearest
from podium.errors import PodiumError

# The level that stands for "missing" where missing is itself a category (no garage, no pool).
NONE_LEVEL = "NA"


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
    under ``categorical`` or ``na_is_category``. ``reserved`` columns (id, target, group) are no
    features.

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
    numbers = {}
    for table, frame in features.items():
        numbers[table] = pd.to_numeric(frame[name], errors="coerce")
        if (numbers[table].isna() & frame[name].notna()).any():
            return False
    for table, values in numbers.items():
        infinite = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if infinite.any():
            raise PodiumError(
                f"{table}.csv:{int(infinite.argmax()) + 2}: column '{name}' holds an infinite "
                "number; write it as missing, or mend it"
            )
        features[table][name] = values.astype(np.float64)
    return True


def _fill_none(features: dict[str, pd.DataFrame], name: str, spec: Preprocess) -> None:
    if name in spec.na_is_category:
        for frame in features.values():
            frame[name] = frame[name].fillna(NONE_LEVEL)
