"""A human-readable table of what preprocessing did to each column, and what to look at."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from podium.config import Preprocess
from podium.data.tabular.columns import NONE_LEVEL, TypedTables
from podium.data.tabular.features.row_wise import Made
from podium.data.tabular.levels import MOST_LEVELS, CategoryColumn
from podium.data.tabular.transform import NumericColumn, TableTransform
from podium.io.csv_files import few

# A warning, where this share of test rows holds levels that no training row has.
MANY_UNSEEN = 0.5
# Names that programs give to a table's row numbers; and so many rows in order are no chance.
INDEX_NAMES, INDEX_ROWS = re.compile(r"(unnamed: 0.*|index|row_?(id|num|number)?|)", re.I), 20


def summarize(
    tables: TypedTables,
    transform: TableTransform,
    spec: Preprocess,
    dropped: Mapping[str, str],
    made: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One row per column: its type, missing values, treatment, and a warning if there is one.

    ``transform`` is one fold's; means and fill values differ slightly between folds, treatments
    hardly. ``dropped`` says why columns are not there, ``made`` how columns came about, those that
    only other folds have too.
    """
    rows = [_numeric_row(tables, name, fit, spec) for name, fit in transform.numeric.items()]
    rows += [_category_row(tables, name, fit, spec) for name, fit in transform.categorical.items()]
    rows += [_date_row(name, form) for name, form in tables.dates.items()]
    rows += [{"column": name, "type": "dropped", "treatment": why} for name, why in dropped.items()]
    rows += [_unused_row(name) for name in tables.unused]
    rows = _with_origin(rows, made or {})
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
    # A part of a date is no column that could be dropped; one of other folds only is not here.
    is_part = any(name.startswith(f"{date} ") for date in tables.dates)
    is_here = row["type"] == "number" and name in tables.train
    if is_here and not is_part and _is_index(tables.train[name]):
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


def with_formulas(summary: pd.DataFrame, made: Sequence[Made]) -> pd.DataFrame:
    """The summary with the formula of each column that was made, and what was said of it."""
    if not made:
        return summary
    formulas = {one.column: one.formula for one in made}
    found = summary.assign(formula=summary["column"].map(formulas).fillna(""))
    for one in filter(lambda one: one.warning, made):
        at = found["column"] == one.column
        found.loc[at, "warning"] = [
            "; ".join(filter(None, [one.warning, str(before)])) for before in found["warning"][at]
        ]
    return found[["column", "formula", *summary.columns[1:]]]


def _with_origin(rows: list[dict[str, object]], made: Mapping[str, str]) -> list[dict[str, object]]:
    """The rows with the origin of columns that were made, and rows for those of other folds."""
    told = [
        {**row, "treatment": f"{made[name]}; {row['treatment']}"}
        if (name := str(row["column"])) in made
        else row
        for row in rows
    ]
    here = {str(row["column"]) for row in rows}
    others = {name: why for name, why in made.items() if name not in here}
    return told + [
        {"column": name, "type": "number", "treatment": f"{why}, not in the first"}
        for name, why in others.items()
    ]


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
    has_no_level = fit.rare > 0 and not fit.levels
    # A date's parts are features.
    if has_no_level and name not in tables.dates:
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
    if share > MANY_UNSEEN and not has_no_level:
        found.append(
            f"holds levels in {share:.0%} of the test rows that no training row has (for example "
            f"{few(sorted(unseen)[:2])}); scores on the folds say little about them"
        )
    return found
