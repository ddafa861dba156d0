"""Networks on tables: the folds' dense matrices, padded to the same number of columns."""

from typing import cast

import torch

from podium.config import NetworkParams
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.dense import KEPT_BYTES, DenseTables, Layout, padded
from podium.models.base import Fit, SplitFit
from podium.models.networks import NetworkInputs, fit_network
from podium.models.table_inputs import TableInputs
from podium.nn import Columns
from podium.nn.data import Tables


def fit_table_network(fit: Fit[NetworkParams]) -> list[SplitFit]:
    """Train the network that ``fit.params`` describes on a table."""
    return fit_network(fit, table_inputs(fit))


def table_inputs(fit: Fit[NetworkParams]) -> NetworkInputs:
    """The folds' matrices."""
    dataset = cast(TableDataset, fit.dataset)
    layouts = [Layout.of(split.transform) for split in dataset.splits]
    widest = Layout.widest(layouts)
    columns, splits = _columns(widest, widest), dataset.splits
    train: Tables
    test: Tables
    if is_large(dataset, widest):
        train = TableInputs(dataset.train, splits, widest, columns)
        test = TableInputs(dataset.test, splits, widest, columns)
    else:
        train = DenseTables(dataset, "train", widest)
        test = DenseTables(dataset, "test", widest)
    features = [layout.total for layout in layouts]
    own = [_columns(layout, widest) for layout in layouts]
    return NetworkInputs(
        train,
        test,
        columns,
        features,
        own,
        further=lambda fold, rows: padded(rows, splits[fold].transform, widest),
    )


def is_large(dataset: TableDataset, widest: Layout) -> bool:
    """Whether the folds' matrices would fill much memory, and can be made a batch at a time.

    Learnt columns are others in each fold. A GPU reads matrices, as many as fit into its memory.
    """
    if len(dataset.learnt) or torch.cuda.is_available():
        return False
    return 4 * len(dataset.train) * widest.total * len(dataset.splits) > KEPT_BYTES


def _columns(layout: Layout, widest: Layout) -> Columns:
    """The columns of a layout; categories that have none in any fold are left out."""
    blocks = zip(layout.categories, widest.categories, strict=True)
    return Columns(layout.numeric, layout.flags, tuple(count for count, room in blocks if room))
