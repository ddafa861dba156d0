"""Networks on tables: the folds' dense matrices, padded to the same number of columns."""

from typing import cast

from podium.config import NetworkParams
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.dense import DenseTables, Layout
from podium.models.base import Fit, SplitFit
from podium.models.networks import NetworkInputs, fit_network
from podium.nn import Columns


def fit_table_network(fit: Fit[NetworkParams]) -> list[SplitFit]:
    """Train the network that ``fit.params`` describes on a table."""
    return fit_network(fit, table_inputs(fit))


def table_inputs(fit: Fit[NetworkParams]) -> NetworkInputs:
    """The folds' matrices."""
    dataset = cast(TableDataset, fit.dataset)
    layouts = [Layout.of(split.transform) for split in dataset.splits]
    widest = Layout.widest(layouts)
    train = DenseTables(dataset, "train", widest)
    test = DenseTables(dataset, "test", widest)
    features = [layout.total for layout in layouts]
    own = [_columns(layout, widest) for layout in layouts]
    return NetworkInputs(train, test, _columns(widest, widest), features, own)


def _columns(layout: Layout, widest: Layout) -> Columns:
    """The columns of a layout; categories that have none in any fold are left out."""
    blocks = zip(layout.categories, widest.categories, strict=True)
    return Columns(layout.numeric, layout.flags, tuple(count for count, room in blocks if room))
