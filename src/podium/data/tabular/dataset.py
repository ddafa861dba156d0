"""A preprocessed table on disk and in memory: written by the preprocess stage, read by models."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.dataset import (
    Dataset,
    Schema,
    Split,
    fold_splits,
    folds_frame,
    read_folds,
)
from podium.data.tabular.size import check_fits
from podium.data.tabular.transform import TableTransform
from podium.io import files

TARGET = "__target__"


@dataclass(frozen=True)
class TableSchema(Schema):
    """A table's metadata, including its columns by type, and the format of each date column."""

    numeric: list[str]
    categorical: list[str]
    dates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSplit(Split):
    """One fold with its fitted transform."""

    transform: TableTransform


@dataclass(frozen=True)
class TableDataset(Dataset):
    """A competition's table; ``train`` and ``test`` have the typed feature columns."""

    schema: TableSchema
    train: pd.DataFrame
    test: pd.DataFrame
    transforms: dict[str, TableTransform]

    @property
    def kind(self) -> str:
        """``tabular``."""
        return "tabular"

    @property
    def columns(self) -> int:
        """How many columns there are before one-hot encoding."""
        return self.train.shape[1]

    @property
    def splits(self) -> list[TableSplit]:
        """Every fold of every repeat with its transform, in order."""
        return [
            TableSplit(**vars(split), transform=self._transform(split))
            for split in fold_splits(self.folds, self.chosen)
        ]

    def dense(self, split: Split) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Standardized numbers and one-hot levels.

        Raises:
            PodiumError: the two matrices would not fit into memory.
        """
        transform = self._transform(split)
        check_fits(transform, len(self.train) + len(self.test))
        return transform.dense(self.train), transform.dense(self.test)

    def trees(self, split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Raw numbers and native categories."""
        transform = self._transform(split)
        return transform.native(self.train), transform.native(self.test)

    def _transform(self, split: Split) -> TableTransform:
        return self.transforms[transform_name(split.repeat, split.fold)]


def transform_name(repeat: int, fold: int) -> str:
    """The name under which the transform of a fold is stored."""
    return f"repeat{repeat}-fold{fold}"


def write_dataset(folder: Path, data: TableDataset) -> None:
    """Write the table, the folds, the fitted transforms and the schema into ``folder``."""
    train = data.train.copy()
    train.insert(0, data.schema.id, data.train_ids.to_numpy())
    train[TARGET] = data.y
    test = data.test.copy()
    test.insert(0, data.schema.id, data.test_ids.to_numpy())
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    folds = folds_frame(data.train_ids, data.folds, data.groups)
    folds.to_parquet(folder / "folds.parquet", index=False)
    (folder / "transforms").mkdir()
    for name, transform in data.transforms.items():
        files.write_json(folder / "transforms" / f"{name}.json", transform.to_json())
    data.schema.write(folder)


def read_dataset(folder: Path) -> TableDataset:
    """Read what ``write_dataset`` wrote.

    Raises:
        PodiumError: the preprocess stage has not run.
    """
    schema = TableSchema.read(folder)
    train = pd.read_parquet(folder / "train.parquet")
    test = pd.read_parquet(folder / "test.parquet")
    folds, groups = read_folds(pd.read_parquet(folder / "folds.parquet"))
    paths = sorted((folder / "transforms").glob("*.json"))
    return TableDataset(
        train=train.drop(columns=[schema.id, TARGET]),
        test=test.drop(columns=schema.id),
        y=train[TARGET].to_numpy(dtype=np.float64),
        train_ids=train[schema.id],
        test_ids=test[schema.id],
        folds=folds,
        groups=groups,
        transforms={path.stem: TableTransform.from_json(files.read_json(path)) for path in paths},
        schema=schema,
    )
