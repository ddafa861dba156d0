"""The features that are made row by row: columns of the raw tables, before these get their types.

Raw columns are still texts here, also those that are dropped afterwards. Nothing is learnt: a row's
values are made of that row alone.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from podium.config import TableCompetition
from podium.config.features import FeatureError, OrdinalMap
from podium.data.tabular.features.evaluate import Columns, Evaluation
from podium.data.tabular.features.ordinal import ordinal
from podium.data.tabular.features.plan import Planned, check_uses, plan
from podium.data.tabular.features.tokens import ExpressionError
from podium.data.tabular.features.values import Numbers, Values
from podium.data.tabular.read import RawTables


@dataclass(frozen=True)
class Made:
    """A column that was made: its formula, and what a person should know of it."""

    column: str
    formula: str
    warning: str


def with_features(raw: RawTables, competition: TableCompetition) -> tuple[RawTables, list[Made]]:
    """The raw tables with the columns that are made row by row, in place of those they replace.

    Numbers are float64; all else is text, and so are numbers that params.yaml lists as codes. What
    is told of columns includes the formulas of expressions that are learnt later.

    Raises:
        FeatureError: a column doesn't exist, is of the wrong kind, or has no value at all.
    """
    planned = plan(competition)
    wanted = [one for one in planned if not one.is_learnt]
    later = [Made(one.name, one.formula, "") for one in planned if one.is_learnt and one.parsed]
    if not wanted:
        return raw, later
    columns = Columns(_both(raw, wanted, competition))
    made: list[Made] = []
    for feature in wanted:
        made += make_feature(feature, columns, competition, len(raw.train))
    codes = {*competition.preprocess.categorical, competition.folds.group}
    values = {one.column: _column(columns[one.column], one.column in codes) for one in made}
    count = len(raw.train)
    train = _with(raw.train, {name: one.iloc[:count] for name, one in values.items()})
    test = _with(raw.test, {name: one.iloc[count:] for name, one in values.items()})
    return replace(raw, train=train, test=test), [*made, *later]


def _both(raw: RawTables, wanted: list[Planned], competition: TableCompetition) -> pd.DataFrame:
    """The raw columns that are used, of training rows and then of test rows."""
    used = dict.fromkeys(name for one in wanted for name in one.uses)
    names = [name for name in used if name in raw.train and name in raw.test]
    names = [name for name in names if name not in competition.targets]
    return pd.concat([raw.train[names], raw.test[names]], ignore_index=True)


def make_feature(
    feature: Planned, columns: Columns, competition: TableCompetition, train_rows: int
) -> list[Made]:
    """Add the columns of a feature that is made row by row; training rows are first.

    Raises:
        FeatureError: as ``with_features``.
    """
    check_uses(feature, columns.names)
    made = _make(feature, columns, competition)
    _check_not_empty(feature, columns, made, train_rows)
    return made


def _make(feature: Planned, columns: Columns, competition: TableCompetition) -> list[Made]:
    if isinstance(feature.block, OrdinalMap):
        made = []
        for name in feature.makes:
            values, said = ordinal(
                columns[name], feature.block.order, competition.preprocess.na_values
            )
            columns[name] = values
            made.append(Made(name, feature.formula, said))
        return made
    assert feature.parsed is not None
    work = Evaluation(columns)
    try:
        columns[feature.name] = work.values(feature.parsed.root)
    except ExpressionError as error:
        raise FeatureError(feature.name, str(error)) from None
    return [Made(feature.name, feature.formula, lost_in_words(work))]


def lost_in_words(work: Evaluation) -> str:
    """What is to be said where values gave no finite number, or nothing."""
    count = int(work.lost.sum())
    what = f"gives no finite number in {count} rows (divided by 0, the log of 0): it is missing"
    return what if count else ""


def _check_not_empty(feature: Planned, columns: Columns, made: list[Made], train_rows: int) -> None:
    for one in made:
        if columns[one.column].missing[:train_rows].all():
            why = f" ({one.warning})" if one.warning else ""
            message = (
                f"'{one.column}' is missing in every training row{why}; change it, or remove it"
            )
            raise FeatureError(feature.name, message)


def _column(values: Values, is_code: bool) -> "pd.Series[Any]":
    if isinstance(values, Numbers) and not is_code:
        return pd.Series(values.number, dtype=np.float64)
    return values.text


def _with(table: pd.DataFrame, columns: dict[str, "pd.Series[Any]"]) -> pd.DataFrame:
    """The table with columns replaced in their places, and new ones at the end."""
    own = {name: table[name] for name in table}
    own |= {name: values.set_axis(table.index) for name, values in columns.items()}
    return pd.DataFrame(own)
