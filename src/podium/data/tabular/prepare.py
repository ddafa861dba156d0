"""From raw tables to the dataset: typed columns, folds, and transforms fitted per fold."""

from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Preprocess, TableCompetition
from podium.data.folds import assign_folds
from podium.data.tabular.columns import TypedTables, type_columns
from podium.data.tabular.dataset import TableDataset, TableSchema, transform_name, write_dataset
from podium.data.tabular.features.row_wise import with_features
from podium.data.tabular.learnt.training import Training
from podium.data.tabular.read import RawTables, read_raw, read_target
from podium.data.tabular.size import affordable_features
from podium.data.tabular.summary import summarize, with_formulas
from podium.data.tabular.transform import TableTransform, fit_transform_on, with_numbers
from podium.data.tabular.uninformative import uninformative, without_columns
from podium.io.errors import PodiumError, warn
from podium.io.files import digest


def prepare(
    raw: Path, competition: TableCompetition, manifest: dict[str, object], folder: Path
) -> str:
    """Write the dataset and a summary of what was done into ``folder``; returns a short summary.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    tables, made = with_features(read_raw(raw, competition), competition)
    data = make_dataset(tables, competition, manifest)
    write_dataset(folder, data)
    schema = data.schema
    split, spec = data.splits[0], competition.preprocess
    typed = TypedTables(
        data.table(split, "train"),
        data.table(split, "test"),
        schema.numeric,
        schema.categorical,
        schema.dates,
    )
    dropped = dict.fromkeys(spec.drop, "not used") | schema.uninformative
    summary = summarize(typed, split.transform, spec, dropped, _about_learnt(data, competition))
    summary = with_formulas(summary, made)
    for name, warning in zip(summary["column"], summary["warning"], strict=True):
        if warning:
            warn(f"{competition.name}: column '{name}' {warning}")
    if schema.uninformative:
        reasons = "; ".join(f"'{name}' is {why}" for name, why in schema.uninformative.items())
        warn(f"{competition.name}: columns that say nothing are left out: {reasons}")
    summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    return (
        f"{data.columns} columns -> {len(split.transform.feature_names)} features "
        f"(fitted on {spec.fit_on}), {competition.folds.count} folds of {_sizes(data)} rows"
    )


def _about_learnt(data: TableDataset, competition: TableCompetition) -> dict[str, str]:
    """How each learnt column came about, and in how many of the splits it is there."""
    features = competition.features
    if not features.learns:
        return {}
    about = resolve_name(features.teller)
    return dict(
        about(features, [data.learnt[transform_name(s.repeat, s.fold)] for s in data.splits])
    )


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
    target_values, classes = read_target(raw.train, competition)
    typed = _typed(raw, competition)
    useless = uninformative(typed)
    tables = without_columns(typed, useless)
    groups = _groups(raw, competition)
    folds = assign_folds(competition.folds, target_values, groups)
    codes = None if groups is None else pd.factorize(groups)[0]
    full = competition.ensemble.nested == "full"
    training = Training(target_values, classes, folds, codes, without_each=full)
    learnt = _learnt(raw, typed, training, competition)
    transforms = _fit_transforms(tables, folds, competition.preprocess)
    schema = TableSchema(
        id=competition.id,
        target=competition.target,
        task=competition.task,
        classes=classes,
        numeric=tables.numeric,
        categorical=tables.categorical,
        dates=tables.dates,
        uninformative=useless,
        fit_on=competition.preprocess.fit_on,
        provider=str(manifest["provider"]),
        synthetic=bool(manifest["synthetic"]),
        data_sha256=digest(repr(manifest["files"]).encode()),
        folds_sha256=digest(folds.tobytes()),
        scheme=competition.folds.scheme,
    )
    return TableDataset(
        train=tables.train,
        test=tables.test,
        y=target_values,
        train_ids=raw.train[competition.id],
        test_ids=raw.test[competition.id],
        folds=folds,
        groups=codes,
        transforms=_with_learnt(transforms, learnt, training, competition.preprocess),
        learnt=learnt,
        schema=schema,
    )


def _typed(raw: RawTables, competition: TableCompetition) -> TypedTables:
    group = competition.folds.group
    reserved = [competition.id, competition.target, *([group] if group else [])]
    return type_columns(raw.train, raw.test, reserved, competition.preprocess)


def _learnt(
    raw: RawTables, typed: TypedTables, training: Training, competition: TableCompetition
) -> dict[str, pd.DataFrame]:
    """The learnt features' columns by what is fitted; nothing without such features."""
    features = competition.features
    if not features.learns:
        return {}
    make = resolve_name(features.maker)
    return dict(make(competition, typed, (raw.train, raw.test), training))


def _with_learnt(
    transforms: dict[str, TableTransform],
    learnt: dict[str, pd.DataFrame],
    training: Training,
    spec: Preprocess,
) -> dict[str, TableTransform]:
    """The transforms with the learnt columns, standardized on the rows that these are learnt on."""
    if not learnt:
        return transforms
    return {
        fitted.name: with_numbers(
            transforms[fitted.fold], learnt[fitted.name].iloc[fitted.rows], spec
        )
        for fitted in training.fitted()
    }


def _groups(raw: RawTables, competition: TableCompetition) -> "pd.Series[Any] | None":
    """The column that keeps rows together in folds; missing values are a group too."""
    group = competition.folds.group
    if group is None:
        return None
    if group not in raw.train:
        raise PodiumError(f"params.yaml: folds.group: no column '{group}' in train.csv")
    return raw.train[group].fillna("")


def _fit_transforms(
    tables: TypedTables, folds: NDArray[np.int64], spec: Preprocess
) -> dict[str, TableTransform]:
    """One transform per fold and repeat, fitted on the rows that ``fit_on`` names."""
    pairs = [
        (repeat, fold)
        for repeat in range(folds.shape[1])
        for fold in range(int(folds[:, repeat].max()) + 1)
    ]
    features = _one_hot_columns(tables)
    if spec.fit_on == "fold":
        return {
            transform_name(repeat, fold): _fit(
                tables, tables.train[folds[:, repeat] != fold], spec, features
            )
            for repeat, fold in pairs
        }
    parts = [tables.train] + ([tables.test] if spec.fit_on == "train_and_test" else [])
    shared = _fit(tables, pd.concat(parts, ignore_index=True), spec, features)
    return {transform_name(repeat, fold): shared for repeat, fold in pairs}


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
