"""The common part of preprocessed tables and images: rows, target, ids, folds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.io import files

Rows = NDArray[np.int64]
SCHEMA = "schema.json"
GROUP = "__group__"
# The fold of a row that is neither trained on nor validated.
LEFT_OUT = -1


@dataclass(frozen=True)
class Schema:
    """Metadata of a preprocessed dataset.

    ``fit_on`` names the rows that preprocessing was fitted on: fold, train, train_and_test;
    ``scheme`` is that of the folds.
    """

    id: str
    target: str
    task: str
    classes: list[str]
    fit_on: str
    provider: str
    synthetic: bool
    data_sha256: str
    folds_sha256: str
    scheme: str = field(default="kfold", kw_only=True)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read this class's fields from what the preprocess stage wrote.

        Raises:
            PodiumError: the preprocess stage has not run.
        """
        facts: Mapping[str, Any] = files.read_json(folder / SCHEMA)
        return cls(**{one.name: facts[one.name] for one in fields(cls)})

    def write(self, folder: Path) -> None:
        """Write all facts into ``folder``."""
        files.write_json(folder / SCHEMA, asdict(self))


@dataclass(frozen=True)
class Split:
    """One fold of one repeat: the rows it trains on and the rows it validates."""

    repeat: int
    fold: int
    train_rows: Rows
    valid_rows: Rows

    @property
    def name(self) -> str:
        """``fold0``; ``repeat1-fold0`` from the second repeat on."""
        return f"fold{self.fold}" if self.repeat == 0 else f"repeat{self.repeat}-fold{self.fold}"


@dataclass(frozen=True)
class Dataset:
    """A competition's rows, ready for models; each kind adds its own data.

    ``y`` is the target as numbers (class codes for classification), shape (n,); ``folds`` the
    validating fold of each row, shape (n, repeats), ``LEFT_OUT`` for a row that is not used;
    ``groups`` the code of each row's group, shape (n,), if folds keep groups together.
    """

    y: NDArray[np.float64]
    train_ids: "pd.Series[Any]"
    test_ids: "pd.Series[Any]"
    folds: Rows
    schema: Schema
    groups: Rows | None = field(default=None, kw_only=True)
    # The repeat and fold of the only split, if not all are wanted.
    chosen: tuple[int, int] | None = field(default=None, kw_only=True)

    @property
    def kind(self) -> str:
        """The kind of competition."""
        raise NotImplementedError

    @property
    def columns(self) -> int:
        """How many features there are: columns before one-hot encoding, or an image's numbers."""
        raise NotImplementedError

    @property
    def splits(self) -> Sequence[Split]:
        """Every fold of every repeat, in order."""
        return list(fold_splits(self.folds, self.chosen))

    def without(self, fold: int) -> Self:
        """The same, with the rows of one fold left out, whose own split is not there."""
        return replace(self, folds=np.where(self.folds == fold, LEFT_OUT, self.folds))

    def only(self, split: Split) -> Self:
        """The same with a single split."""
        return replace(self, chosen=(split.repeat, split.fold))

    def dense(self, split: Split) -> tuple[NDArray[Any], NDArray[Any]]:
        """Training and test rows for linear models: a matrix of numbers each."""
        raise NotImplementedError

    def trees(self, split: Split) -> tuple[Any, Any]:
        """Training and test rows for LightGBM: a table or an array each."""
        raise NotImplementedError


def fold_splits(folds: Rows, chosen: tuple[int, int] | None = None) -> Iterator[Split]:
    """The rows of every fold of every repeat, in order, from fold assignments (n, repeats).

    ``chosen``: only the split of this repeat and fold.
    """
    for repeat, fold_of_row in enumerate(folds.T):
        for fold in range(int(fold_of_row.max()) + 1):
            valid = fold_of_row == fold
            train = ~valid & (fold_of_row != LEFT_OUT)
            if valid.any() and chosen in (None, (repeat, fold)):
                yield Split(repeat, fold, np.flatnonzero(train), np.flatnonzero(valid))


def folds_frame(ids: "pd.Series[Any]", folds: Rows, groups: Rows | None = None) -> pd.DataFrame:
    """A table of ids and fold assignments, one column per repeat, and of groups if there are."""
    table = pd.DataFrame(folds, columns=[f"repeat_{index}" for index in range(folds.shape[1])])
    if groups is not None:
        table[GROUP] = groups
    table.insert(0, str(ids.name), ids.to_numpy())
    return table


def read_folds(table: pd.DataFrame) -> tuple[Rows, Rows | None]:
    """Fold assignments and groups from the columns of ``folds_frame``, after the ids."""
    columns = table.iloc[:, 1:]
    groups = columns[GROUP].to_numpy(dtype=np.int64) if GROUP in columns else None
    return columns.drop(columns=GROUP, errors="ignore").to_numpy(dtype=np.int64), groups
