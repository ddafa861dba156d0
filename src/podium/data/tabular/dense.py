"""The folds' matrices with identical columns, as networks need them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.dataset import TableSplit
from podium.data.tabular.transform import TableTransform

# Up to this total size matrices are kept in memory; larger ones are made when they are read.
KEPT_BYTES = 2**30


@dataclass(frozen=True)
class Layout:
    """Columns by type: numbers, then flags, then each category's one-hot block."""

    numeric: list[str]
    plain: list[str]
    categories: list[list[str]]

    @property
    def names(self) -> list[str]:
        """All columns in order."""
        return [*self.numeric, *self.plain, *(name for block in self.categories for name in block)]


def common_layout(transforms: Sequence[TableTransform]) -> Layout:
    """The union of all folds' columns; a fold with fewer levels has zeros in the others."""
    first = transforms[0]
    blocks = [_union(one.category_features(name) for one in transforms)
              for name in first.categorical]  # fmt: skip
    return Layout(
        numeric=list(first.numeric),
        plain=_union(one.numeric_flags for one in transforms),
        categories=[block for block in blocks if block],
    )


class DenseTables:
    """A table transformed for each fold: a call with a fold's number returns a float32 matrix.

    Small matrices are kept, large ones are made at each call, so that they don't fill the memory.
    """

    def __init__(self, splits: Sequence[TableSplit], table: pd.DataFrame, layout: Layout) -> None:
        self.transforms = [split.transform for split in splits]
        self.table, self.names = table, layout.names
        self.keeps = 4 * len(table) * len(self.names) * len(splits) <= KEPT_BYTES
        self.kept: dict[int, NDArray[np.float32]] = {}

    def __call__(self, index: int) -> NDArray[np.float32]:
        """The matrix of a fold, shape (rows, len(layout.names))."""
        if index in self.kept:
            return self.kept[index]
        matrix = self._made(self.transforms[index])
        if self.keeps:
            self.kept[index] = matrix
        return matrix

    def _made(self, transform: TableTransform) -> NDArray[np.float32]:
        matrix = np.zeros((len(self.table), len(self.names)), dtype=np.float32)
        place = {name: index for index, name in enumerate(self.names)}
        places = [place[name] for name in transform.feature_names]
        matrix[:, places] = transform.dense(self.table)
        return matrix


def _union(lists: Iterable[list[str]]) -> list[str]:
    """Everything in the lists, once, in order of first appearance."""
    return list(dict.fromkeys(name for names in lists for name in names))
