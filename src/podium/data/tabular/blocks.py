"""A table's matrix of numbers, some rows at a time: a block takes little memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.transform import TableTransform

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
# Values of a block: 32 MiB.
BLOCK = 2**22


class Blocks:
    """The matrix ``transform.dense(table)`` in blocks of rows; texts are looked up once."""

    def __init__(self, table: pd.DataFrame, transform: TableTransform) -> None:
        codes = {name: table[name].astype("category") for name in transform.categorical}
        self.table, self.transform = table.assign(**codes), transform
        self.features = len(transform.feature_names)

    def __len__(self) -> int:
        return len(self.table)

    def of(self, rows: Rows) -> Iterator[tuple[Rows, Array]]:
        """These rows in order: the places of a block's rows among them, and their matrix."""
        size = max(1, BLOCK // max(1, self.features))
        for start in range(0, len(rows), size):
            places = np.arange(start, min(start + size, len(rows)))
            yield places, self.transform.dense(self.table.iloc[rows[places]])

    def sparse(self, rows: Rows) -> Any:
        """These rows as a sparse matrix."""
        from scipy.sparse import csr_array, vstack

        return vstack([csr_array(block) for _, block in self.of(rows)], format="csr")
