"""A preprocessed table on disk and in memory: what the preprocess stage writes and models read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium import files
from podium.tabular.transform import TableTransform

TARGET = "__target__"


@dataclass(frozen=True)
class Schema:
    """Facts about a preprocessed table that are no rows."""

    id: str
    target: str
    task: str
    classes: list[str]
    numeric: list[str]
    categorical: list[str]
    fit_on: str
    provider: str
    synthetic: bool
    data_sha256: str
    folds_sha256: str


@dataclass(frozen=True)
class Split:
    """One fold of one repeat: the rows it trains on, the rows it validates, its transform."""

    repeat: int
    fold: int
    train_rows: NDArray[np.int64]
    valid_rows: NDArray[np.int64]
    transform: TableTransform

    @property
    def name(self) -> str:
        """``fold0``; ``repeat1-fold0`` from the second repeat on."""
        return f"fold{self.fold}" if self.repeat == 0 else f"repeat{self.repeat}-fold{self.fold}"


@dataclass(frozen=True)
class Dataset:
    """A competition's table, ready for models.

    ``train`` and ``test`` hold the typed feature columns; ``y`` the target as numbers (class codes
    for classification), shape (n,); ``folds`` the validating fold of each row, shape (n, repeats).
    """

    train: pd.DataFrame
    test: pd.DataFrame
    y: NDArray[np.float64]
    train_ids: "pd.Series[Any]"
    test_ids: "pd.Series[Any]"
    folds: NDArray[np.int64]
    transforms: dict[str, TableTransform]
    schema: Schema

    @property
    def splits(self) -> list[Split]:
        """Every fold of every repeat, in order."""
        return list(self._splits())

    def _splits(self) -> Iterator[Split]:
        for repeat, fold_of_row in enumerate(self.folds.T):
            for fold in range(int(fold_of_row.max()) + 1):
                valid = fold_of_row == fold
                yield Split(
                    repeat,
                    fold,
                    np.flatnonzero(~valid),
                    np.flatnonzero(valid),
                    self.transforms[transform_name(repeat, fold)],
                )


def transform_name(repeat: int, fold: int) -> str:
    """The name under which the transform of a fold is stored."""
    return f"repeat{repeat}-fold{fold}"


def write_dataset(folder: Path, data: Dataset) -> None:
    """Write the table, the folds, the fitted transforms and the schema into ``folder``."""
    train = data.train.copy()
    train.insert(0, data.schema.id, data.train_ids.to_numpy())
    train[TARGET] = data.y
    test = data.test.copy()
    test.insert(0, data.schema.id, data.test_ids.to_numpy())
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    folds_frame(data.train_ids, data.folds).to_parquet(folder / "folds.parquet", index=False)
    (folder / "transforms").mkdir()
    for name, transform in data.transforms.items():
        files.write_json(folder / "transforms" / f"{name}.json", transform.to_json())
    files.write_json(folder / "schema.json", vars(data.schema))


def folds_frame(ids: "pd.Series[Any]", folds: NDArray[np.int64]) -> pd.DataFrame:
    """Fold assignments beside ids: one column a repeat."""
    table = pd.DataFrame(folds, columns=[f"repeat_{index}" for index in range(folds.shape[1])])
    table.insert(0, str(ids.name), ids.to_numpy())
    return table


def read_dataset(folder: Path) -> Dataset:
    """Read what ``write_dataset`` wrote.

    Raises:
        PodiumError: the preprocess stage has not run.
    """
    schema = Schema(**files.read_json(folder / "schema.json"))
    train = pd.read_parquet(folder / "train.parquet")
    test = pd.read_parquet(folder / "test.parquet")
    folds = pd.read_parquet(folder / "folds.parquet").drop(columns=schema.id)
    paths = sorted((folder / "transforms").glob("*.json"))
    return Dataset(
        train=train.drop(columns=[schema.id, TARGET]),
        test=test.drop(columns=schema.id),
        y=train[TARGET].to_numpy(dtype=np.float64),
        train_ids=train[schema.id],
        test_ids=test[schema.id],
        folds=folds.to_numpy(dtype=np.int64),
        transforms={path.stem: TableTransform.from_json(files.read_json(path)) for path in paths},
        schema=schema,
    )
