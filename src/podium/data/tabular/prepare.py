"""From raw tables to the dataset: typed columns, folds, and transforms fitted per fold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Self

import numpy as np
import pandas as pd

from podium.config import Preprocess, TableCompetition
from podium.data.dataset import (
    ALL_ROWS,
    FoldColumns,
    Rows,
    fold_splits,
    never_validated,
    whole_rows,
)
from podium.data.tabular.alarms.check import OF_ROWS, leak_alarms, with_alarms
from podium.data.tabular.columns import TypedTables, type_columns
from podium.data.tabular.dataset import (
    TableDataset,
    TableSchema,
    name_of_target,
    transform_name,
    write_dataset,
)
from podium.data.tabular.dates import PARTS
from podium.data.tabular.features.row_wise import Made, with_features
from podium.data.tabular.fold_columns import make_folds, reserved_columns
from podium.data.tabular.learnt.training import Training
from podium.data.tabular.learnt.wanted import learns
from podium.data.tabular.own import OwnRows, with_own_features
from podium.data.tabular.read import RawTables, read_raw, read_targets
from podium.data.tabular.size import affordable_features
from podium.data.tabular.summary import summarize, with_formulas
from podium.data.tabular.transform import TableTransform, fit_transform_on, with_numbers
from podium.data.tabular.uninformative import uninformative, without_columns
from podium.io.csv_files import few
from podium.io.errors import warn
from podium.io.files import digest
from podium.io.text import printable
from podium.io.usercode import UserCode, load
from podium.io.usercode.load import OWN_FEATURES
from podium.io.usercode.sources import functions


def prepare(
    raw: Path,
    competition: TableCompetition,
    manifest: dict[str, object],
    folder: Path,
    whole: Path | None = None,
) -> str:
    """Write the dataset and a summary of what was done into ``folder``; returns a short summary.

    What is fitted on all rows, if a model asks for it, goes into the folder ``whole``.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    read, made = with_features(read_raw(raw, competition), competition)
    given = _Given.of(read, competition)
    data = _dataset(given, manifest)
    write_dataset(folder, data, whole)
    alarms = leak_alarms(given.raw, given.tables, data.y, data.folds[:, 0], competition)
    first = data if len(competition.targets) == 1 else data.of_target(0)
    summary = with_alarms(_summary(first, given, made), alarms)
    _warn(competition, summary, _left_out(data.schema))
    summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    features = len(first.splits[0].transform.feature_names)
    return (
        f"{data.columns} columns -> {features} features (fitted on "
        f"{competition.preprocess.fit_on}), {int(data.folds.max()) + 1} folds of {_sizes(first)} "
        f"rows{never_validated(data.folds)}"
    )


def _summary(data: TableDataset, given: "_Given", made: Sequence[Made]) -> pd.DataFrame:
    """What was done to each column, by the first split's transform."""
    competition = given.competition
    schema, split, spec = data.schema, data.splits[0], competition.preprocess
    tables = replace(
        given.tables,
        train=data.table(split, "train"),
        test=data.table(split, "test"),
        numeric=schema.numeric,
        categorical=schema.categorical,
        dates=schema.dates,
    )
    dropped = dict.fromkeys(spec.drop, "not used") | schema.uninformative
    summary = summarize(tables, split.transform, spec, dropped, _about_learnt(data, competition))
    own = [name for name in given.tables.train if name not in given.read.train]
    not_read = [Made(name, OWN_FEATURES, "") for name in own if name not in given.raw.train]
    return with_formulas(summary, [*made, *not_read])


def _warn(
    competition: TableCompetition, summary: pd.DataFrame, uninformative: Mapping[str, str]
) -> None:
    """A line for each warning of the summary, with all columns that have it."""
    for warning, rows in summary.groupby("warning", sort=False):
        if warning:
            columns, kind = rows["column"], rows["type"].iloc[0]
            first = printable(str(columns.iloc[0]))
            one = f"{first}:" if kind == OF_ROWS else f"column '{first}'"
            which = one if len(columns) == 1 else f"columns {few(columns)}: each"
            warn(f"{competition.name}: {which} {warning}")
    reasons = [f"'{printable(name)}' is {why}" for name, why in uninformative.items()]
    if reasons:
        warn(f"{competition.name}: columns that say nothing are left out: {'; '.join(reasons)}")


def _left_out(schema: TableSchema) -> dict[str, str]:
    """Why columns were left out; parts of a date are no columns that a person could fix."""
    parts = {f"{date} {part}" for date in schema.dates for part in PARTS}
    return {name: why for name, why in schema.uninformative.items() if name not in parts}


def _about_learnt(data: TableDataset, competition: TableCompetition) -> dict[str, str]:
    """How each learnt column came about, and in how many of the splits it is there."""
    if not learns(competition):
        return {}
    features, own = competition.features, functions(competition.name, ["encoders"])
    about = resolve_name(features.teller)
    frames = [data.learnt_of(split) for split in data.splits]
    return dict(about(features, frames, bool(own)))


def _sizes(data: TableDataset) -> str:
    """How many rows the folds have: ``140``, or from the smallest to the largest."""
    sizes = {len(split.valid_rows) for split in data.splits}
    smallest, largest = min(sizes), max(sizes)
    # Folds of one scheme differ by a row where the rows can't be divided.
    return f"{largest}" if largest - smallest <= 1 else f"{smallest} to {largest}"


def make_dataset(
    raw: RawTables, competition: TableCompetition, manifest: dict[str, object]
) -> TableDataset:
    """The content of ``data/processed``, from the raw tables with row-wise features."""
    return _dataset(_Given.of(raw, competition), manifest)


@dataclass(frozen=True)
class _Given:
    """The raw tables, and their features by type: as read, and with the user's own code."""

    raw: RawTables
    competition: TableCompetition
    code: UserCode | None
    read: TypedTables
    tables: TypedTables

    @classmethod
    def of(cls, raw: RawTables, competition: TableCompetition) -> Self:
        """Give every column its type, and let the user's ``features`` replace them."""
        code, read = load(competition.name), _typed(raw, competition)
        return cls(raw, competition, code, read, with_own_features(code, raw, read, competition))


def _dataset(given: _Given, manifest: dict[str, object]) -> TableDataset:
    raw, competition = given.raw, given.competition
    y, classes_of = read_targets(raw.train, competition)
    values = [np.ascontiguousarray(one) for one in y.reshape(len(y), -1).T]
    useless = uninformative(given.tables)
    tables = without_columns(given.tables, useless)
    own = OwnRows.of(given.code, raw, given.read, y, competition)
    # Folds are the same for all targets: schemes that stratify do so by the first.
    folds = own.without_zeros(make_folds(raw.train, values[0], competition, own.folds))
    full = learns(competition) and competition.ensemble.nested == "full"
    whole = whole_rows(folds["folds"], own.weights) if competition.refits else None
    trainings = [
        Training(one, classes, **folds, without_each=full, whole=whole)
        for one, classes in zip(values, classes_of, strict=True)
    ]
    transforms = _fit_transforms(tables, folds, competition.preprocess, whole)
    transforms, learnt = _with_learnt(given, transforms, trainings)
    schema = TableSchema(
        id=competition.id,
        target=competition.target,
        task=competition.task,
        classes=classes_of[0] if len(values) == 1 else [],
        classes_of=classes_of if len(values) > 1 else [],
        numeric=tables.numeric,
        categorical=tables.categorical,
        dates=tables.dates,
        uninformative=useless,
        fit_on=competition.preprocess.fit_on,
        provider=str(manifest["provider"]),
        synthetic=bool(manifest["synthetic"]),
        data_sha256=digest(repr(manifest["files"]).encode()),
        folds_sha256=digest(folds["folds"].tobytes()),
        scheme=competition.folds.scheme,
        gap=competition.folds.gap,
    )
    return TableDataset(
        train=tables.train,
        test=tables.test,
        y=y,
        train_ids=raw.train[competition.id],
        test_ids=raw.test[competition.id],
        weights=own.weights,
        transforms=transforms,
        learnt=learnt,
        schema=schema,
        **folds,
    )


def _typed(raw: RawTables, competition: TableCompetition) -> TypedTables:
    reserved = [competition.id, *competition.targets, *reserved_columns(competition, raw.test)]
    return type_columns(raw.train, raw.test, reserved, competition.preprocess)


def _learnt(
    raw: RawTables, typed: TypedTables, training: Training, competition: TableCompetition
) -> dict[str, pd.DataFrame]:
    """The learnt features' columns by what is fitted."""
    make = resolve_name(competition.features.maker)
    return dict(make(competition, typed, (raw.train, raw.test), training))


def _with_learnt(
    given: _Given, transforms: dict[str, TableTransform], trainings: Sequence[Training]
) -> tuple[dict[str, TableTransform], dict[str, pd.DataFrame]]:
    """The transforms with the learnt columns, and these columns, each for each target."""
    competition = given.competition
    if not learns(competition):
        return transforms, {}
    extended: dict[str, TableTransform] = {}
    learnt: dict[str, pd.DataFrame] = {}
    for place, training in enumerate(trainings):
        made = _learnt(given.raw, given.tables, training, competition)
        fitted = _extended(transforms, made, training, competition.preprocess)
        for name in made:
            own = name if len(trainings) == 1 else name_of_target(place, name)
            learnt[own], extended[own] = made[name], fitted[name]
    return extended, learnt


def _extended(
    transforms: dict[str, TableTransform],
    learnt: dict[str, pd.DataFrame],
    training: Training,
    spec: Preprocess,
) -> dict[str, TableTransform]:
    """The transforms with the learnt columns, standardized on the rows that these are learnt on."""
    return {
        fitted.name: with_numbers(
            transforms[fitted.fold], learnt[fitted.name].iloc[fitted.rows], spec
        )
        for fitted in training.fitted()
    }


def _fit_transforms(
    tables: TypedTables, folds: FoldColumns, spec: Preprocess, whole: Rows | None
) -> dict[str, TableTransform]:
    """One transform per fold and repeat, fitted on the rows that ``fit_on`` names.

    One more for all rows, ``whole``, if a model asks for it.
    """
    splits = fold_splits(folds["folds"], folds["trained"])
    rows = {transform_name(split.repeat, split.fold): split.train_rows for split in splits}
    if whole is not None:
        rows[ALL_ROWS] = whole
    features = _one_hot_columns(tables)
    if spec.fit_on == "fold":
        return {
            name: _fit(tables, tables.train.iloc[own], spec, features) for name, own in rows.items()
        }
    parts = [tables.train] + ([tables.test] if spec.fit_on == "train_and_test" else [])
    shared = _fit(tables, pd.concat(parts, ignore_index=True), spec, features)
    return dict.fromkeys(rows, shared)


def _one_hot_columns(tables: TypedTables) -> int:
    """The number of columns that the categories may share under ``min_count: auto``.

    It depends on the tables' shapes only, so no fold learns from its validation rows.
    """
    rows = len(tables.train) + len(tables.test)
    others = 2 * len(tables.numeric) + 2 * len(tables.categorical)
    return max(affordable_features(rows) - others, len(tables.categorical))


def _fit(
    tables: TypedTables, rows: pd.DataFrame, spec: Preprocess, features: int
) -> TableTransform:
    columns = tables.numeric, tables.categorical
    return fit_transform_on(rows, *columns, spec, features, dense_only=tables.dates)
