"""The columns that learnt features are made from: of the table, and those that models don't get."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from podium.config import Preprocess, TableCompetition
from podium.config.features import FeatureError
from podium.config.learnt import LearntFeature
from podium.data.tabular.columns import TypedTables, type_columns
from podium.io.text import nearest, printable


def source_tables(
    typed: TypedTables, raw: tuple[pd.DataFrame, pd.DataFrame], competition: TableCompetition
) -> TypedTables:
    """The typed tables and the other columns of train and test that features name.

    They have a type too: those under ``preprocess.drop``, and dates as they are written.

    Raises:
        FeatureError: there is no such column, or it is no number where one is needed.
    """
    named = {name for _, _, name, _ in _named(competition)}
    extra = [
        name
        for name in raw[0]
        if name in named and name in raw[1] and name not in {*typed.train, *competition.targets}
    ]
    tables = _with_extra(typed, raw, extra, competition.preprocess) if extra else typed
    for feature, key, name, is_number in _named(competition):
        if name not in tables.train:
            hint = nearest(name, tables.train.columns)
            raise FeatureError(feature, f"{key}: no column '{printable(name)}'; {hint}")
        if is_number and name not in tables.numeric:
            raise FeatureError(
                feature,
                f"{key}: column '{printable(name)}' is not of numbers, which is needed; "
                + nearest(name, tables.numeric),
            )
    return tables


def _with_extra(
    typed: TypedTables, raw: tuple[pd.DataFrame, pd.DataFrame], extra: list[str], spec: Preprocess
) -> TypedTables:
    lists = ("categorical", "na_is_category")
    own = spec.model_copy(
        update={"drop": []}
        | {key: [name for name in getattr(spec, key) if name in extra] for key in lists}
    )
    train, test = (table[extra] for table in raw)
    found = type_columns(train, test, [], own)
    dates = [name for name in extra if name not in found.train]
    return replace(
        typed,
        train=pd.concat([typed.train, found.train, train[dates]], axis=1),
        test=pd.concat([typed.test, found.test, test[dates]], axis=1),
        numeric=[*typed.numeric, *found.numeric],
        categorical=[*typed.categorical, *found.categorical, *dates],
    )


def _named(competition: TableCompetition) -> Iterator[tuple[str, str, str, bool]]:
    """Each feature's name, the key that names a column, that column, whether of numbers."""
    for name, feature in competition.features.made.items():
        if isinstance(feature, LearntFeature):
            for (key, *_), column in feature.named():
                yield name, str(key), column, key in feature.numbers
