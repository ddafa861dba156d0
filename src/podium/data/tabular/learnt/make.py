"""The columns of all learnt features, for every split: fitted on its training rows."""

from functools import partial
from pkgutil import resolve_name
from typing import Any

import pandas as pd

from podium.config import TableCompetition
from podium.config.folds import SCHEMES
from podium.config.learnt import LearntFeature
from podium.data.inner import Inner
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.features.evaluate import Columns
from podium.data.tabular.features.grouped import ExpressionFeature, add_made, grouped_columns
from podium.data.tabular.features.plan import plan
from podium.data.tabular.learnt.learner import Context, Work, make_columns
from podium.data.tabular.learnt.own import own_columns
from podium.data.tabular.learnt.sources import source_tables
from podium.data.tabular.learnt.training import Fitted, Training
from podium.data.targets import Target
from podium.io.errors import PodiumError, warn
from podium.io.text import printable
from podium.io.usercode import load


def make_learnt(
    competition: TableCompetition,
    typed: TypedTables,
    raw: tuple[pd.DataFrame, pd.DataFrame],
    training: Training,
) -> dict[str, pd.DataFrame]:
    """By the name of what is fitted the columns of all training rows, then of all test rows.

    Args:
        competition: its features, and what they are fitted on.
        typed: the columns that models get.
        raw: train and test with the columns that they don't get.
        training: the training rows.

    Raises:
        PodiumError: a feature's columns have a name that is taken, or can't be made.
    """
    tables = source_tables(typed, raw, competition)
    columns = grouped_columns(raw, competition)
    made: dict[bytes, pd.DataFrame] = {}
    for fitted in training.fitted():
        # Two folds without each other are the same rows.
        key = fitted.rows.tobytes()
        if key not in made:
            made[key] = _columns(competition, typed, tables, columns.copy(), training, fitted)
            _check_new(competition, made[key], typed)
    return {fitted.name: made[fitted.rows.tobytes()] for fitted in training.fitted()}


def _check_new(competition: TableCompetition, made: pd.DataFrame, typed: TypedTables) -> None:
    names = [*typed.train, *made]
    twice = sorted(str(name) for name in made if names.count(name) > 1)
    if twice:
        raise PodiumError(
            f"params.yaml: {competition.name}.features: column '{printable(twice[0])}' is there "
            "already; give the learnt feature another name"
        )


def _columns(
    competition: TableCompetition,
    typed: TypedTables,
    tables: TypedTables,
    columns: Columns,
    training: Training,
    fitted: Fitted,
) -> pd.DataFrame:
    """All features fitted on some rows, for the rows of both tables."""
    code = load(competition.name)
    target = Target(competition.task, competition.target_transform, tuple(training.classes))
    y, rows = target.encode(training.y), fitted.rows
    context = Context(training.classes, y[rows], _inner(competition, training, fitted))
    work = Work(tables.train, tables.test, y, rows, context, competition.preprocess.fit_on)
    parts = []
    for feature in (one for one in plan(competition) if one.is_learnt):
        if isinstance(feature.block, LearntFeature):
            make = partial(_learners, feature.block, context)
            part = make_columns(feature.name, make, work)
        else:
            formula = ExpressionFeature(feature.name, feature)
            part = formula.make(columns, work.rows_without_target, len(work.train))
        parts.append(part)
        add_made(columns, part)
    if code is not None and code.get("encoders") is not None:
        parts += own_columns(code, work)
    if competition.features.auto:
        choose = resolve_name(competition.features.chooser)
        taken = {str(name) for train, _ in parts for name in train}
        chosen = [one for one in choose(typed, work) if one.name not in taken]
        parts += [make_columns(one.name, one.make, work) for one in chosen]
    if not parts:
        return pd.DataFrame(index=range(len(work.train) + len(work.test)))
    whole = [pd.concat(own, axis=1) for own in zip(*parts, strict=True)]
    return pd.concat(whole, ignore_index=True)


def _learners(feature: LearntFeature, context: Context) -> Any:
    return resolve_name(feature.maker)(feature, context)


def _inner(competition: TableCompetition, training: Training, fitted: Fitted) -> Inner:
    # Folds that are given have one repeat.
    return Inner.of(
        training,
        SCHEMES[competition.folds.scheme],
        fitted.rows,
        where=fitted.name,
        seed=0,
        warn=warn,
        classes=training.y[fitted.rows] if training.classes else None,
        gap=competition.folds.gap,
    )
