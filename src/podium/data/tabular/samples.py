"""Some rows of train and test, for a look at how the two differ."""

import numpy as np
import pandas as pd

from podium.data.tabular.dataset import TableDataset

# Rows of each table, and cells, that are looked at; levels of a category that are told apart.
MOST_ROWS, MOST_CELLS, MOST_LEVELS = 5_000, 500_000, 200


def sample_rows(data: TableDataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Numbers, and categories of the same levels; without what is learnt from the target."""
    most = min(MOST_ROWS, max(MOST_CELLS // max(data.columns, 1), 500))
    train, test = _some(data.train, most), _some(data.test, most)
    both = pd.concat([train, test], ignore_index=True)
    for name in data.schema.categorical:
        levels = both[name].value_counts().index[:MOST_LEVELS]
        both[name] = pd.Categorical(both[name], categories=sorted(levels))
    return both.iloc[: len(train)], both.iloc[len(train) :].reset_index(drop=True)


def _some(table: pd.DataFrame, most: int) -> pd.DataFrame:
    if len(table) <= most:
        return table
    rows = np.random.default_rng(0).choice(len(table), most, replace=False)
    return table.iloc[np.sort(rows)]
