"""A human-readable table of what preprocessing did to each column."""

import pandas as pd

from podium.config import Preprocess
from podium.data.tabular.columns import NONE_LEVEL, TypedTables
from podium.data.tabular.transform import CategoryColumn, NumericColumn, TableTransform


def summarize(
    tables: TypedTables, transform: TableTransform, spec: Preprocess, dropped: list[str]
) -> pd.DataFrame:
    """One row per column: its type, missing values, and treatment.

    ``transform`` is one fold's; means and fill values differ slightly between folds, treatments
    hardly.
    """
    rows = [_numeric_row(tables, name, fit, spec) for name, fit in transform.numeric.items()]
    rows += [_category_row(tables, name, fit, spec) for name, fit in transform.categorical.items()]
    rows += [{"column": name, "type": "dropped", "treatment": "not used"} for name in dropped]
    columns = [
        "column", "type", "missing_train", "missing_test", "levels", "unseen_in_test",
        "features", "treatment",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _missing(tables: TypedTables, name: str) -> dict[str, object]:
    return {
        "column": name,
        "missing_train": int(tables.train[name].isna().sum()),
        "missing_test": int(tables.test[name].isna().sum()),
    }


def _numeric_row(
    tables: TypedTables, name: str, fit: NumericColumn, spec: Preprocess
) -> dict[str, object]:
    steps = ["log1p"] if fit.log else []
    missing = _missing(tables, name)
    if missing["missing_train"] or missing["missing_test"]:
        steps.append(f"missing -> {spec.impute}")
    steps += ["missing indicator"] if fit.indicator else []
    steps += ["standardize"] if spec.standardize else []
    steps += [f"clip to ±{spec.clip:g}"] if spec.clip is not None else []
    return {
        **missing,
        "type": "number",
        "features": 1 + fit.indicator,
        "treatment": ", ".join(steps) or "as it is",
    }


def _category_row(
    tables: TypedTables, name: str, fit: CategoryColumn, spec: Preprocess
) -> dict[str, object]:
    steps = [f"missing is the category '{NONE_LEVEL}'"] if name in spec.na_is_category else []
    steps += [f"one-hot of {len(fit.levels)} levels"]
    steps += [f"{len(fit.pooled)} rare levels pooled"] if fit.pooled else []
    steps += ["missing indicator"] if fit.indicator else []
    unseen = set(tables.test[name].dropna()) - set(tables.train[name].dropna())
    steps += ["unseen levels -> all zeros"] if unseen else []
    return {
        **_missing(tables, name),
        "type": "category",
        "levels": int(tables.train[name].nunique()),
        "unseen_in_test": ", ".join(sorted(unseen)),
        "features": len(fit.levels) + bool(fit.pooled) + fit.indicator,
        "treatment": ", ".join(steps),
    }
