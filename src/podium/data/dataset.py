"""The common part of preprocessed tables and images: rows, target, ids, folds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config.ids import columns_of
from podium.io import files

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
SCHEMA, FOLDS = "schema.json", "folds.parquet"
GROUP, TIME, TRAINED = "__group__", "__time__", "__trained_{}__"
# The fold of a row that is trained on and never validated: it has no OOF prediction.
NEVER_VALIDATED = -1
# The fold of a row that is neither trained on nor validated.
LEFT_OUT = -2
# The fold of the split that trains on all rows, and its name.
WHOLE, ALL_ROWS = -3, "all"


@dataclass(frozen=True)
class Schema:
    """Metadata of a preprocessed dataset.

    ``fit_on`` names the rows that preprocessing was fitted on: fold, train, train_and_test;
    ``scheme`` is that of the folds, and ``gap`` how many times lie between training and validation.
    Of several targets ``classes_of`` has the classes of each, and ``classes`` none.
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
    gap: int = field(default=0, kw_only=True)
    classes_of: list[list[str]] = field(default_factory=list, kw_only=True)

    @property
    def targets(self) -> list[str]:
        """The columns to predict."""
        return columns_of(self.target)

    def of_target(self, place: int) -> Self:
        """The same of one of several targets."""
        own = self.targets[place]
        return replace(self, target=own, classes=self.classes_of[place], classes_of=[])

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read this class's fields from what the preprocess stage wrote.

        Raises:
            PodiumError: the preprocess stage has not run.
        """
        facts: Mapping[str, Any] = files.read_json(folder / SCHEMA)
        names = [one.name for one in fields(cls)]
        return cls(**{name: facts[name] for name in names if name in facts})

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
    def is_whole(self) -> bool:
        """Whether it trains on all rows. Its validation rows are then those of the first fold.

        Nothing is scored on them; with them whatever works for a fold works for it.
        """
        return self.fold == WHOLE

    @property
    def name(self) -> str:
        """``fold0``; ``repeat1-fold0`` from the second repeat on; ``all`` of the whole."""
        if self.is_whole:
            return ALL_ROWS
        return f"fold{self.fold}" if self.repeat == 0 else f"repeat{self.repeat}-fold{self.fold}"


@dataclass(frozen=True)
class Dataset:
    """A competition's rows, ready for models; each kind adds its own data.

    ``y`` is the target as numbers (class codes for classification), shape (n,), of several targets
    (n, targets): models see one at a time, by ``of_target``; ``folds`` the
    validating fold of each row, shape (n, repeats), ``NEVER_VALIDATED`` for a row that folds only
    train on, ``LEFT_OUT`` for one that is not used; ``groups`` the code of each row's group, shape
    (n,), if folds keep groups together; ``times`` the place of each row's time among all times,
    shape (n,), if folds are in time; ``trained`` whether a fold may train on a row, shape (n,
    folds), where it doesn't on all that it doesn't validate; ``weights`` how much each row counts
    when models are fitted, shape (n,), if the user's code says so.
    """

    y: NDArray[np.float64]
    train_ids: "pd.Series[Any]"
    test_ids: "pd.Series[Any]"
    folds: Rows
    schema: Schema
    groups: Rows | None = field(default=None, kw_only=True)
    times: Rows | None = field(default=None, kw_only=True)
    trained: Mask | None = field(default=None, kw_only=True)
    weights: NDArray[np.float64] | None = field(default=None, kw_only=True)
    # The repeat and fold of the only split, if not all are wanted.
    chosen: tuple[int, int] | None = field(default=None, kw_only=True)
    # Which of several targets this is of.
    place: int | None = field(default=None, kw_only=True)
    # Whether the only split is that of all rows.
    is_whole: bool = field(default=False, kw_only=True)

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
        return list(self.plain_splits())

    def plain_splits(self) -> Iterator[Split]:
        """The rows of every split that is wanted."""
        splits = fold_splits(self.folds, self.trained)
        if self.is_whole:
            first = next(splits)
            yield Split(0, WHOLE, whole_rows(self.folds, self.weights), first.valid_rows)
            return
        yield from (split for split in splits if self.has(split))

    @property
    def validated(self) -> Mask:
        """Whether each row is validated, shape (n,): others have no OOF prediction."""
        return np.asarray((self.folds >= 0).any(axis=1))

    def of_target(self, place: int) -> Self:
        """The same with one of several targets alone."""
        y = np.ascontiguousarray(self.y[:, place])
        return replace(self, y=y, schema=self.schema.of_target(place), place=place)

    def without(self, fold: int) -> Self:
        """The same, with the rows of one fold left out, whose own split is not there.

        The other folds train on no row that this fold must not train on.
        """
        trained = None if self.trained is None else self.trained & self.trained[:, [fold]]
        folds = np.where(self.folds == fold, LEFT_OUT, self.folds)
        return replace(self, folds=folds, trained=trained)

    def with_whole(self, folder: Path) -> Self:
        """The same with what was fitted on all rows, which ``folder`` has if it is a table's."""
        return self

    def whole(self) -> Self:
        """The same with a single split, which trains on all rows (those of weight 0 apart)."""
        return replace(self, is_whole=True)

    def only(self, split: Split) -> Self:
        """The same with a single split."""
        return replace(self, chosen=(split.repeat, split.fold))

    def has(self, split: Split) -> bool:
        """Whether a split is wanted."""
        return self.chosen in (None, (split.repeat, split.fold))

    def dense(self, split: Split) -> tuple[NDArray[Any], NDArray[Any]]:
        """Training and test rows for linear models: a matrix of numbers each."""
        raise NotImplementedError

    def trees(self, split: Split) -> tuple[Any, Any]:
        """Training and test rows for LightGBM: a table or an array each."""
        raise NotImplementedError


def fold_splits(folds: Rows, trained: Mask | None = None) -> Iterator[Split]:
    """The rows of every fold of every repeat, in order.

    Args:
        folds: the fold that validates each row, shape (n, repeats).
        trained: the rows that each fold may train on, shape (n, folds); by default all.
    """
    for repeat, fold_of_row in enumerate(folds.T):
        for fold in range(int(fold_of_row.max()) + 1):
            valid = fold_of_row == fold
            train = ~valid & (fold_of_row != LEFT_OUT)
            if trained is not None:
                train &= trained[:, fold]
            if valid.any() and train.any():
                yield Split(repeat, fold, np.flatnonzero(train), np.flatnonzero(valid))


def whole_rows(folds: Rows, weights: NDArray[np.float64] | None) -> Rows:
    """The rows that the split of all rows trains on.

    Args:
        folds: the fold that validates each row, shape (n, repeats).
        weights: how much each row counts, shape (n,), if the user's code says so.
    """
    used = (folds != LEFT_OUT).all(axis=1)
    return np.flatnonzero(used if weights is None else used & (weights > 0))


def never_validated(folds: Rows) -> str:
    """How many rows have no OOF prediction, to be added to a line about folds; else nothing."""
    count = int((folds < 0).all(axis=1).sum())
    return f", {count} rows are never validated" if count else ""


class FoldColumns(TypedDict):
    """What ``folds.parquet`` holds, as the fields of ``Dataset``."""

    folds: Rows
    groups: Rows | None
    times: Rows | None
    trained: Mask | None


def folds_frame(
    ids: "pd.Series[Any]",
    folds: Rows,
    groups: Rows | None = None,
    times: Rows | None = None,
    trained: Mask | None = None,
) -> pd.DataFrame:
    """A table of ids and fold assignments, one column per repeat.

    If there are: of groups, of times, and of the rows that each fold trains on.
    """
    table = pd.DataFrame(folds, columns=[f"repeat_{index}" for index in range(folds.shape[1])])
    if groups is not None:
        table[GROUP] = groups
    if times is not None:
        table[TIME] = times
    if trained is not None:
        for fold, rows in enumerate(trained.T):
            table[TRAINED.format(fold)] = rows
    table.insert(0, str(ids.name), ids.to_numpy())
    return table


def read_folds(table: pd.DataFrame) -> FoldColumns:
    """What ``folds_frame`` has beside the ids."""
    columns = table.iloc[:, 1:]
    repeats = [name for name in columns if str(name).startswith("repeat_")]
    trained = [name for name in columns if str(name).startswith("__trained_")]
    codes = {
        name: columns[name].to_numpy(dtype=np.int64) if name in columns else None
        for name in (GROUP, TIME)
    }
    return FoldColumns(
        folds=columns[repeats].to_numpy(dtype=np.int64),
        groups=codes[GROUP],
        times=codes[TIME],
        trained=columns[trained].to_numpy(dtype=np.bool_) if trained else None,
    )
