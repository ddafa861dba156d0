"""From raw tables to the dataset: typed columns, folds, and transforms fitted per fold."""

from pathlib import Path

import pandas as pd

from podium.config import Preprocess, TableCompetition
from podium.data.dataset import FoldColumns, fold_splits, never_validated
from podium.data.tabular.columns import TypedTables, type_columns
from podium.data.tabular.dataset import TableDataset, TableSchema, transform_name, write_dataset
from podium.data.tabular.fold_columns import make_folds, reserved_columns
from podium.data.tabular.own import OwnRows, with_own_features
from podium.data.tabular.read import RawTables, read_raw, read_target
from podium.data.tabular.size import affordable_features
from podium.data.tabular.summary import summarize
from podium.data.tabular.transform import TableTransform, fit_transform_on
from podium.io.errors import warn
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
        f"(fitted on {spec.fit_on}), {int(data.folds.max()) + 1} folds of {_sizes(data)} rows"
        + never_validated(data.folds)
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
    typed = _typed(raw, competition)
    tables = with_own_features(code, raw, typed, competition)
    own = OwnRows.of(code, raw, typed, target_values, competition)
    folds = own.without_zeros(make_folds(raw.train, target_values, competition, own.folds))
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
        folds_sha256=digest(folds["folds"].tobytes()),
        scheme=competition.folds.scheme,
        gap=competition.folds.gap,
    )
    return TableDataset(
        train=tables.train,
        test=tables.test,
        y=target_values,
        train_ids=raw.train[competition.id],
        test_ids=raw.test[competition.id],
        weights=own.weights,
        transforms=_fit_transforms(tables, folds, competition.preprocess),
        schema=schema,
        **folds,
    )


def _typed(raw: RawTables, competition: TableCompetition) -> TypedTables:
    reserved = [competition.id, competition.target, *reserved_columns(competition, raw.test)]
    return type_columns(raw.train, raw.test, reserved, competition.preprocess)


def _fit_transforms(
    tables: TypedTables, folds: FoldColumns, spec: Preprocess
) -> dict[str, TableTransform]:
    """One transform per fold and repeat, fitted on the rows that ``fit_on`` names."""
    splits = list(fold_splits(folds["folds"], folds["trained"]))
    names = [transform_name(split.repeat, split.fold) for split in splits]
    features = _one_hot_columns(tables)
    if spec.fit_on == "fold":
        return {
            name: _fit(tables, tables.train.iloc[split.train_rows], spec, features)
            for name, split in zip(names, splits, strict=True)
        }
    parts = [tables.train] + ([tables.test] if spec.fit_on == "train_and_test" else [])
    shared = _fit(tables, pd.concat(parts, ignore_index=True), spec, features)
    return dict.fromkeys(names, shared)


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
