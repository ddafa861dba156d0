"""From raw tables to the dataset: typed columns, folds, and transforms fitted per fold."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Preprocess, TableCompetition
from podium.data.folds import assign_folds
from podium.data.tabular.columns import TypedTables, type_columns
from podium.data.tabular.dataset import TableDataset, TableSchema, transform_name, write_dataset
from podium.data.tabular.own import with_own_features
from podium.data.tabular.read import RawTables, read_raw, read_target
from podium.data.tabular.size import affordable_features
from podium.data.tabular.summary import summarize
from podium.data.tabular.transform import TableTransform, fit_transform_on
from podium.io.errors import PodiumError, warn
from podium.io.files import digest
from podium.usercode import load


def prepare(
    raw: Path, competition: TableCompetition, manifest: dict[str, object], folder: Path
) -> str:
    """Write the dataset and a summary of what was done into ``folder``; returns a short summary.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    data = make_dataset(read_raw(raw, competition), competition, manifest)
    write_dataset(folder, data)
    schema = data.schema
    tables = TypedTables(data.train, data.test, schema.numeric, schema.categorical, schema.dates)
    split, spec = data.splits[0], competition.preprocess
    summary = summarize(tables, split.transform, spec, spec.drop)
    for name, warning in zip(summary["column"], summary["warning"], strict=True):
        if warning:
            warn(f"{competition.name}: column '{name}' {warning}")
    summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    return (
        f"{data.train.shape[1]} columns -> {len(split.transform.feature_names)} features "
        f"(fitted on {spec.fit_on}), {competition.folds.count} folds of {_sizes(data)} rows"
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
    """The content of ``data/processed``, from the raw tables."""
    code = load(competition.name)
    target_values, classes = read_target(raw.train, competition)
    tables = with_own_features(code, raw, _typed(raw, competition), competition)
    groups = _groups(raw, competition)
    folds = assign_folds(competition.folds, target_values, groups)
    schema = TableSchema(
        id=competition.id,
        target=competition.target,
        task=competition.task,
        classes=classes,
        numeric=tables.numeric,
        categorical=tables.categorical,
        dates=tables.dates,
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
        groups=None if groups is None else pd.factorize(groups)[0],
        transforms=_fit_transforms(tables, folds, competition.preprocess),
        schema=schema,
    )


def _typed(raw: RawTables, competition: TableCompetition) -> TypedTables:
    group = competition.folds.group
    reserved = [competition.id, competition.target, *([group] if group else [])]
    return type_columns(raw.train, raw.test, reserved, competition.preprocess)


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
