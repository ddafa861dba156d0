"""Networks on tables: the folds' dense matrices with the same columns in the same places."""

from typing import cast

from podium.config import NetworkParams
from podium.data.tabular.dataset import TableDataset
from podium.data.tabular.dense import DenseTables, Layout, common_layout
from podium.models.base import Fit, SplitFit
from podium.models.networks import NetworkInputs, fit_network
from podium.nn import Columns


def fit_table_network(fit: Fit[NetworkParams]) -> list[SplitFit]:
    """Train the network that ``fit.params`` describes on a table."""
    dataset = cast(TableDataset, fit.dataset)
    layout = common_layout([split.transform for split in dataset.splits])
    train, test = (
        DenseTables(dataset.splits, table, layout) for table in (dataset.train, dataset.test)
    )
    features = [len(split.transform.feature_names) for split in dataset.splits]
    return fit_network(fit, NetworkInputs(train, test, _columns(layout), features))


def _columns(layout: Layout) -> Columns:
    return Columns(
        len(layout.numeric), len(layout.plain), tuple(len(block) for block in layout.categories)
    )
