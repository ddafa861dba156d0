"""All that is wrong with features on the rows that are there, not only the first of them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from podium.config import TableCompetition
from podium.config.features import FeatureError
from podium.data.tabular.features.evaluate import Columns
from podium.data.tabular.features.grouped import ExpressionFeature, add_made
from podium.data.tabular.features.plan import Planned, plan
from podium.data.tabular.features.row_wise import make_feature


def wrong_features(
    tables: list[pd.DataFrame], competition: TableCompetition
) -> Iterator[FeatureError]:
    """Make every feature but the learnt blocks, and give what is wrong with each.

    A feature of one that is wrong, or of columns that are not in the tables, is left out: nothing
    can be said of it.

    Args:
        tables: the columns that features use, as text: of train; of test too, where it is there.
        competition: its features, all of which can be read.
    """
    columns, train_rows = Columns(pd.concat(tables, ignore_index=True)), len(tables[0])
    unknown: set[str] = set()
    planned = plan(competition)
    for feature in sorted(planned, key=lambda one: one.is_learnt):
        is_known = {*feature.uses} <= {*columns.names} - unknown
        if is_known and (feature.parsed is not None or not feature.is_learnt):
            try:
                _make(feature, columns, competition, train_rows)
            except FeatureError as error:
                yield error
            else:
                continue
        unknown |= {*feature.makes}


def _make(
    feature: Planned, columns: Columns, competition: TableCompetition, train_rows: int
) -> None:
    if not feature.is_learnt:
        make_feature(feature, columns, competition, train_rows)
        return
    made = ExpressionFeature(feature.name, feature)
    add_made(columns, made.make(columns, np.arange(train_rows), train_rows))
