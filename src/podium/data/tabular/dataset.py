"""A preprocessed table on disk and in memory: written by the preprocess stage, read by models."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.dataset import (
    ALL_ROWS,
    FOLDS,
    WHOLE,
    Dataset,
    Schema,
    Split,
    folds_frame,
    read_folds,
)
from podium.data.tabular.blocks import Blocks
from podium.data.tabular.size import check_fits
from podium.data.tabular.transform import TableTransform
from podium.io import files
from podium.io.errors import PodiumError

TARGET, WEIGHT = "__target__", "__weight__"
FEATURES, TRANSFORMS = "features", "transforms"
Part = Literal["train", "test"]


@dataclass(frozen=True)
class TableSchema(Schema):
    """A table's metadata, including its columns by type, and the format of each date column.

    ``uninformative`` says of each column why it was left out by itself.
    """

    numeric: list[str]
    categorical: list[str]
    dates: dict[str, str] = field(default_factory=dict)
    uninformative: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TableSplit(Split):
    """One fold with its fitted transform."""

    transform: TableTransform


@dataclass(frozen=True)
class TableDataset(Dataset):
    """A competition's table; ``train`` and ``test`` have the typed feature columns.

    ``learnt`` has the columns that were learnt on a split's training rows, by the split's name: all
    rows of ``train``, then those of ``test``; nothing without learnt features. Of several targets
    these, and the transforms with them, are there for each. ``left_out`` is the fold that
    ``without`` left out.
    """

    schema: TableSchema
    train: pd.DataFrame
    test: pd.DataFrame
    transforms: dict[str, TableTransform]
    learnt: Mapping[str, pd.DataFrame] = field(default_factory=dict, kw_only=True)
    left_out: int | None = field(default=None, kw_only=True)

    @property
    def kind(self) -> str:
        """``tabular``."""
        return "tabular"

    @property
    def columns(self) -> int:
        """How many columns there are before one-hot encoding.

        Learnt ones don't count: they are made from these, and their number differs between splits.
        (With them in LightGBM's rule for ``feature_fraction``, it lost 1.6 % more on deliveries.)
        """
        return self.train.shape[1]

    @property
    def splits(self) -> list[TableSplit]:
        """Every fold of every repeat with its transform, in order."""
        return [
            TableSplit(**vars(split), transform=self._transform(split))
            for split in self.plain_splits()
        ]

    def with_whole(self, folder: Path) -> Self:
        """The same with what was fitted on all rows, which ``folder`` has.

        Raises:
            PodiumError: the preprocess stage has not made it.
        """
        fitted = _read_transforms(folder)
        if not fitted:
            raise PodiumError(
                f"{folder}: has nothing that is fitted on all rows; run 'podium preprocess' again"
            )
        learnt: Mapping[str, pd.DataFrame] = self.learnt
        if isinstance(learnt, StoredColumns):
            learnt = StoredColumns(*learnt.folders, folder / FEATURES)
        return replace(self, transforms=self.transforms | fitted, learnt=learnt)

    def without(self, fold: int) -> Self:
        """The same without a fold's rows, from which no learnt feature was learnt either."""
        return replace(super().without(fold), left_out=fold)

    def table(self, split: Split, part: Part) -> pd.DataFrame:
        """The rows of ``train`` or ``test`` with the columns that were learnt for a split."""
        table = self.train if part == "train" else self.test
        if not self.learnt:
            return table
        learnt = self.learnt_of(split)
        if not len(learnt.columns):
            return table
        count = len(self.train)
        own = learnt.iloc[:count] if part == "train" else learnt.iloc[count:]
        return pd.concat([table, own.set_axis(table.index, axis=0)], axis=1)

    def learnt_of(self, split: Split) -> pd.DataFrame:
        """The columns that were learnt for a split: rows of ``train``, then of ``test``."""
        return self.learnt[self._name(split)]

    def dense(self, split: Split) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Standardized numbers and one-hot levels.

        Raises:
            PodiumError: the two matrices would not fit into memory.
        """
        transform = self._transform(split)
        check_fits(transform, len(self.train) + len(self.test))
        train, test = self.table(split, "train"), self.table(split, "test")
        return transform.dense(train), transform.dense(test)

    def blocks(self, split: Split, part: Part) -> Blocks:
        """The same matrices, a part of the rows at a time."""
        return Blocks(self.table(split, part), self._transform(split))

    def trees(self, split: Split) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Raw numbers and native categories."""
        transform = self._transform(split)
        train, test = self.table(split, "train"), self.table(split, "test")
        return transform.native(train), transform.native(test)

    def _transform(self, split: Split) -> TableTransform:
        return self.transforms[self._name(split)]

    def _name(self, split: Split) -> str:
        names = [transform_name(split.repeat, split.fold)]
        if self.left_out is not None:
            names.insert(0, refit_name(split.fold, self.left_out))
        if self.place is not None:
            names = [*(name_of_target(self.place, name) for name in names), *names]
        return next(name for name in names if name in self.transforms)


def transform_name(repeat: int, fold: int) -> str:
    """The name under which what a fold learnt is stored."""
    if fold == WHOLE:
        return ALL_ROWS
    return f"repeat{repeat}-fold{fold}"


def refit_name(fold: int, left_out: int) -> str:
    """The same for what it learnt without another fold's rows."""
    return f"{transform_name(0, fold)}-without{left_out}"


def name_of_target(place: int, name: str) -> str:
    """The same for what it learnt from one of several targets."""
    return f"target{place}-{name}"


class StoredColumns(Mapping[str, pd.DataFrame]):
    """Learnt columns in folders, read when they are used: all splits together may be large."""

    def __init__(self, *folders: Path) -> None:
        self.folders = folders
        paths = (path for folder in folders for path in sorted(folder.glob("*.parquet")))
        self.paths = {path.stem: path for path in paths}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self.paths[name])

    def __reduce__(self) -> tuple[Any, ...]:
        """On another machine there is no such folder: the columns themselves are sent there."""
        return dict, (dict(self),)

    def __iter__(self) -> Iterator[str]:
        return iter(self.paths)

    def __len__(self) -> int:
        return len(self.paths)


def write_dataset(folder: Path, data: TableDataset, whole: Path | None = None) -> None:
    """Write the table, the folds, the fitted transforms and the schema into ``folder``.

    What was fitted on all rows goes into the folder ``whole``, if there is one.
    """
    train = data.train.copy()
    train.insert(0, data.schema.id, data.train_ids.to_numpy())
    train[target_columns(data.schema)] = data.y.reshape(len(train), -1)
    if data.weights is not None:
        train[WEIGHT] = data.weights
    test = data.test.copy()
    test.insert(0, data.schema.id, data.test_ids.to_numpy())
    train.to_parquet(folder / "train.parquet", index=False)
    test.to_parquet(folder / "test.parquet", index=False)
    folds = folds_frame(data.train_ids, data.folds, data.groups, data.times, data.trained)
    folds.to_parquet(folder / FOLDS, index=False)
    of_all = {name for name in data.transforms if _is_of_all_rows(name)}
    _write_fitted(folder, data, [name for name in data.transforms if name not in of_all])
    if whole is not None and of_all:
        _write_fitted(whole, data, of_all)
    data.schema.write(folder)


def _is_of_all_rows(name: str) -> bool:
    return name.rpartition("-")[2] == ALL_ROWS


def _write_fitted(folder: Path, data: TableDataset, names: Collection[str]) -> None:
    """Write the transforms of these names, and the learnt columns."""
    (folder / TRANSFORMS).mkdir()
    for name in names:
        files.write_json(folder / TRANSFORMS / f"{name}.json", data.transforms[name].to_json())
    if data.learnt:
        (folder / FEATURES).mkdir()
    for name in names:
        if name in data.learnt:
            path = folder / FEATURES / f"{name}.parquet"
            data.learnt[name].to_parquet(path, index=False)


def _read_transforms(folder: Path) -> dict[str, TableTransform]:
    paths = sorted((folder / TRANSFORMS).glob("*.json"))
    return {path.stem: TableTransform.from_json(files.read_json(path)) for path in paths}


def target_columns(schema: Schema) -> list[str]:
    """The columns of ``train.parquet`` with the target, or with each of several."""
    names = schema.targets
    return [TARGET] if len(names) == 1 else [f"{TARGET} {name}" for name in names]


def read_dataset(folder: Path) -> TableDataset:
    """Read what ``write_dataset`` wrote.

    Raises:
        PodiumError: the preprocess stage has not run.
    """
    schema = TableSchema.read(folder)
    train = pd.read_parquet(folder / "train.parquet")
    test = pd.read_parquet(folder / "test.parquet")
    targets = target_columns(schema)
    y = train[targets].to_numpy(dtype=np.float64)
    return TableDataset(
        train=train.drop(columns=[schema.id, *targets]).drop(columns=WEIGHT, errors="ignore"),
        test=test.drop(columns=schema.id),
        y=y if len(targets) > 1 else y[:, 0],
        train_ids=train[schema.id],
        test_ids=test[schema.id],
        weights=train[WEIGHT].to_numpy(dtype=np.float64) if WEIGHT in train else None,
        transforms=_read_transforms(folder),
        schema=schema,
        learnt=StoredColumns(folder / FEATURES),
        **read_folds(pd.read_parquet(folder / FOLDS)),
    )
