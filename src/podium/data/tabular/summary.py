"""A human-readable table of what preprocessing did to each column, and what to look at."""

import re

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.data.tabular.columns import NONE_LEVEL, TypedTables
from podium.data.tabular.levels import MOST_LEVELS, CategoryColumn
from podium.data.tabular.transform import NumericColumn, TableTransform
from podium.io.csv_files import few

# A warning, where this share of test rows holds levels that no training row has.
MANY_UNSEEN = 0.5
# Names that programs give to a table's row numbers; and so many rows in order are no chance.
INDEX_NAMES, INDEX_ROWS = re.compile(r"(unnamed: 0.*|index|row_?(id|num|number)?|)", re.I), 20


def summarize(
    tables: TypedTables, transform: TableTransform, spec: Preprocess, dropped: list[str]
) -> pd.DataFrame:
    """One row per column: its type, missing values, treatment, and a warning if there is one.

    ``transform`` is one fold's; means and fill values differ slightly between folds, treatments
    hardly.
    """
    rows = [_numeric_row(tables, name, fit, spec) for name, fit in transform.numeric.items()]
    rows += [_category_row(tables, name, fit, spec) for name, fit in transform.categorical.items()]
    rows += [_date_row(name, form) for name, form in tables.dates.items()]
    rows += [{"column": name, "type": "dropped", "treatment": "not used"} for name in dropped]
    rows += [_unused_row(name) for name in tables.unused]
    columns = [
        "column", "type", "missing_train", "missing_test", "levels", "min_count",
        "unseen_in_test", "features", "treatment", "warning",
    ]  # fmt: skip
    for row in rows:
        row["warning"] = "; ".join(_all_warnings(tables, row))
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(warning=table["warning"].astype(object).fillna(""))


def _all_warnings(tables: TypedTables, row: dict[str, object]) -> list[str]:
    """What a person should look at in a column: as it was read, and as it is used."""
    name, found = str(row["column"]), [str(row.get("warning") or "")]
    # Of a date that stays a category beside its parts there are two rows.
    if row["type"] != "date" or name not in tables.categorical:
        found.insert(0, tables.warnings.get(name, ""))
    # A part of a date is no column that could be dropped.
    if any(name.startswith(f"{date} ") for date in tables.dates):
        return [warning for warning in found if warning]
    if row["type"] in ("number", "category") and tables.train[name].nunique(dropna=False) == 1:
        found.append("has one value in all training rows; list it under preprocess.drop")
    elif row["type"] == "number" and _is_index(tables.train[name]):
        found.append(
            "counts the rows and may be an index, no feature; list it under preprocess.drop then"
        )
    return [warning for warning in found if warning]


def _is_index(column: "pd.Series[float]") -> bool:
    """Whether these are row numbers: in file order, or all different under such a name."""
    values = column.to_numpy()
    if len(values) < INDEX_ROWS or not np.isfinite(values).all() or (values % 1 != 0).any():
        return False
    if (np.diff(values) == 1).all():
        return True
    return bool(INDEX_NAMES.fullmatch(str(column.name))) and column.is_unique


def _unused_row(name: str) -> dict[str, object]:
    return {
        "column": name,
        "type": "dropped",
        "treatment": "not used",
        "warning": "is missing in every training row and is not used; list it under "
        "preprocess.drop",
    }


def _missing(tables: TypedTables, name: str) -> dict[str, object]:
    return {
        "column": name,
        "missing_train": int(tables.train[name].isna().sum()),
        "missing_test": int(tables.test[name].isna().sum()),
    }


def _date_row(name: str, form: str) -> dict[str, object]:
    parts = "numbers: year, month, day, weekday, days since 1970, and hour if there are times"
    return {"column": name, "type": "date", "treatment": f"{form} -> {parts}"}


def _is_date(name: str, tables: TypedTables) -> list[str]:
    return ["a date, for linear models and networks only"] if name in tables.dates else []


def _numeric_row(
    tables: TypedTables, name: str, fit: NumericColumn, spec: Preprocess
) -> dict[str, object]:
    missing = _missing(tables, name)
    row = {**missing, "type": "number", "features": 1 + fit.indicator}
    if fit.std == 0:
        return {**row, "treatment": "constant in the first fold's training rows -> 0"}
    steps = [f"read without {tables.marks[name]}"] if name in tables.marks else []
    steps += ["log1p"] if fit.log else []
    if missing["missing_train"] or missing["missing_test"]:
        steps.append(f"missing -> {spec.impute}")
    steps += ["missing indicator"] if fit.indicator else []
    steps += ["standardize"] if spec.standardize else []
    steps += [f"clip to ±{spec.clip:g}"] if spec.clip is not None else []
    return {**row, "treatment": ", ".join(steps) or "as it is"}


def _category_row(
    tables: TypedTables, name: str, fit: CategoryColumn, spec: Preprocess
) -> dict[str, object]:
    steps = [f"missing is the category '{NONE_LEVEL}'"] if name in spec.na_is_category else []
    steps += _is_date(name, tables)
    steps += [f"one-hot of {len(fit.levels)} levels"] if fit.levels or not fit.rare else []
    pooled = fit.rare or len(fit.pooled)
    steps += [f"{pooled} rare levels pooled"] if pooled and fit.is_used else []
    steps += ["missing indicator"] if fit.indicator else []
    unseen = set(tables.test[name].dropna()) - set(tables.train[name].dropna())
    as_other = "pooled too" if fit.rare else "all zeros"
    steps += [f"unseen levels -> {as_other}"] if unseen and fit.is_used else []
    return {
        **_missing(tables, name),
        "type": "category",
        "levels": int(tables.train[name].nunique()),
        "min_count": fit.min_count,
        "unseen_in_test": few(sorted(unseen)),
        "features": fit.width,
        "treatment": ", ".join(steps) or "not used",
        "warning": "; ".join(_warnings(tables, name, fit, unseen)),
    }


def _warnings(tables: TypedTables, name: str, fit: CategoryColumn, unseen: set[str]) -> list[str]:
    """What a person should look at in a category."""
    found, levels = [], tables.train[name].nunique()
    if fit.rare and not fit.levels:
        found.append(
            f"has {levels} levels, each too rare to learn from, and is not used but for whether it "
            "is missing; make features of it, or list it under preprocess.drop"
        )
    if fit.width > MOST_LEVELS + 2:
        found.append(
            f"has {levels} levels and becomes {fit.width} features; set preprocess.min_count to "
            "auto or higher, or list it under preprocess.drop"
        )
    share = float(tables.test[name].isin(unseen).mean()) if unseen else 0.0
    if share > MANY_UNSEEN:
        found.append(
            f"holds levels in {share:.0%} of the test rows that no training row has (for example "
            f"{few(sorted(unseen)[:2])}); scores on the folds say little about them"
        )
    return found
