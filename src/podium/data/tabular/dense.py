"""The folds' matrices with the same number of columns, as networks need them.

A fold has columns that others lack: a level may lie in its training rows only, and so in another
fold's validation rows only. The columns of a fold are the first of their part, and zeros pad them,
so that those of a fold are the same whatever levels the other folds have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.dataset import Part, TableDataset, TableSplit
from podium.data.tabular.size import check_fits
from podium.data.tabular.transform import TableTransform

# Up to this total size matrices are kept in memory; larger ones are made when they are read.
KEPT_BYTES = 2**30


@dataclass(frozen=True)
class Layout:
    """The number of columns by part: numbers, then flags, then each category's one-hot block."""

    numeric: int
    flags: int
    categories: tuple[int, ...]

    @classmethod
    def of(cls, transform: TableTransform) -> Self:
        """The columns that a fold has."""
        widths = tuple(fit.width for fit in transform.categorical.values())
        return cls(len(transform.numeric), len(transform.numeric_flags), widths)

    @classmethod
    def widest(cls, layouts: Sequence[Self]) -> Self:
        """Room for the columns of any fold in every part."""
        blocks = zip(*(layout.categories for layout in layouts), strict=True)
        return cls(
            max(layout.numeric for layout in layouts),
            max(layout.flags for layout in layouts),
            tuple(max(sizes) for sizes in blocks),
        )

    @property
    def total(self) -> int:
        """All columns."""
        return self.numeric + self.flags + sum(self.categories)

    def places_in(self, wide: "Layout") -> NDArray[np.int64]:
        """Where this layout's columns are in a layout with room for them."""
        own = [self.numeric, self.flags, *self.categories]
        room = [wide.numeric, wide.flags, *wide.categories]
        starts = np.cumsum([0, *room[:-1]])
        parts = zip(starts, own, strict=True)
        return np.concatenate([start + np.arange(count) for start, count in parts])


class DenseTables:
    """A table transformed for each fold: a call with a fold's number returns a float32 matrix.

    Small matrices are kept, large ones are made at each call, so that they don't fill the memory.

    Raises:
        PodiumError: a matrix would not fit into memory.
    """

    def __init__(self, dataset: TableDataset, part: Part, layout: Layout) -> None:
        self.dataset, self.part, self.layout = dataset, part, layout
        self.splits = dataset.splits
        self.rows = len(dataset.train if part == "train" else dataset.test)
        for split in self.splits:
            check_fits(split.transform, self.rows)
        self.keeps = 4 * self.rows * layout.total * len(self.splits) <= KEPT_BYTES
        self.kept: dict[int, NDArray[np.float32]] = {}

    def __call__(self, index: int) -> NDArray[np.float32]:
        """The matrix of a fold, shape (rows, layout.total)."""
        if index in self.kept:
            return self.kept[index]
        matrix = self._made(self.splits[index])
        if self.keeps:
            self.kept[index] = matrix
        return matrix

    def _made(self, split: TableSplit) -> NDArray[np.float32]:
        return padded(self.dataset.table(split, self.part), split.transform, self.layout)


def padded(table: pd.DataFrame, transform: TableTransform, layout: Layout) -> NDArray[np.float32]:
    """A fold's matrix of some rows, shape (rows, layout.total)."""
    matrix = np.zeros((len(table), layout.total), dtype=np.float32)
    matrix[:, Layout.of(transform).places_in(layout)] = transform.dense(table)
    return matrix
