"""Stage preprocess: a typed table, folds that never change, and transforms fitted per fold."""

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium import files, paths
from podium.config import Competition, Preprocess, load_config
from podium.errors import PodiumError
from podium.stages.common import console
from podium.tabular.columns import TypedTables, type_columns
from podium.tabular.dataset import Dataset, Schema, transform_name, write_dataset
from podium.tabular.folds import assign_folds
from podium.tabular.read import RawTables, read_raw, read_target
from podium.tabular.summary import summarize
from podium.tabular.transform import TableTransform, fit_transform_on


def preprocess(name: str) -> None:
    """Read, type, fold, fit the transforms, and write the dataset with a summary.

    Raises:
        PodiumError: the raw files don't fit params.yaml; an earlier dataset stays.
    """
    competition = load_config(only=name)[name]
    raw = read_raw(paths.raw(name), competition)
    data = make_dataset(raw, competition, files.read_json(paths.raw(name) / files.MANIFEST))
    tables = TypedTables(data.train, data.test, data.schema.numeric, data.schema.categorical)
    transform = data.splits[0].transform
    spec = competition.preprocess
    with files.publish(paths.processed(name)) as folder:
        write_dataset(folder, data)
        summary = summarize(tables, transform, spec, spec.drop)
        summary.to_csv(folder / "summary.csv", index=False, lineterminator="\n")
    console().print(
        f"{name}  {data.train.shape[1]} columns -> {len(transform.feature_names)} features "
        f"(fitted on {spec.fit_on}), {competition.folds.count} folds of "
        f"{len(data.splits[0].valid_rows)} rows; what was done: "
        f"{paths.processed(name) / 'summary.csv'}"
    )


def make_dataset(raw: RawTables, competition: Competition, manifest: dict[str, object]) -> Dataset:
    """Everything that ``data/processed`` holds, from the raw tables."""
    target_values, classes = read_target(raw.train, competition)
    tables = _typed(raw, competition)
    folds = _folds(raw, target_values, competition)
    schema = Schema(
        id=competition.id,
        target=competition.target,
        task=competition.task,
        classes=classes,
        numeric=tables.numeric,
        categorical=tables.categorical,
        fit_on=competition.preprocess.fit_on,
        provider=str(manifest["provider"]),
        synthetic=bool(manifest["synthetic"]),
        data_sha256=_digest(repr(manifest["files"]).encode()),
        folds_sha256=_digest(folds.tobytes()),
    )
    return Dataset(
        train=tables.train,
        test=tables.test,
        y=target_values,
        train_ids=raw.train[competition.id],
        test_ids=raw.test[competition.id],
        folds=folds,
        transforms=_fit_transforms(tables, folds, competition.preprocess),
        schema=schema,
    )


def _typed(raw: RawTables, competition: Competition) -> TypedTables:
    group = competition.folds.group
    reserved = [competition.id, competition.target, *([group] if group else [])]
    return type_columns(raw.train, raw.test, reserved, competition.preprocess)


def _folds(raw: RawTables, y: NDArray[np.float64], competition: Competition) -> NDArray[np.int64]:
    group = competition.folds.group
    if group is None:
        return assign_folds(competition.folds, y)
    if group not in raw.train:
        raise PodiumError(f"params.yaml: folds.group: no column '{group}' in train.csv")
    return assign_folds(competition.folds, y, raw.train[group].fillna(""))


def _fit_transforms(
    tables: TypedTables, folds: NDArray[np.int64], spec: Preprocess
) -> dict[str, TableTransform]:
    """One transform for each fold of each repeat, fitted on the rows that ``fit_on`` allows."""
    pairs = [
        (repeat, fold)
        for repeat in range(folds.shape[1])
        for fold in range(int(folds[:, repeat].max()) + 1)
    ]
    if spec.fit_on == "fold":
        return {
            transform_name(repeat, fold): _fit(tables, tables.train[folds[:, repeat] != fold], spec)
            for repeat, fold in pairs
        }
    parts = [tables.train] + ([tables.test] if spec.fit_on == "train_and_test" else [])
    shared = _fit(tables, pd.concat(parts, ignore_index=True), spec)
    return {transform_name(repeat, fold): shared for repeat, fold in pairs}


def _fit(tables: TypedTables, rows: pd.DataFrame, spec: Preprocess) -> TableTransform:
    return fit_transform_on(rows, tables.numeric, tables.categorical, spec)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
