"""Expressions with statistics of groups, which are learnt from the rows that they are given."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import TableCompetition
from podium.config.features import FeatureError
from podium.data.tabular.features.evaluate import Columns, Evaluation
from podium.data.tabular.features.plan import Planned, check_uses, plan
from podium.data.tabular.features.tokens import ExpressionError
from podium.data.tabular.features.values import Numbers

Both = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class ExpressionFeature:
    """A learnt expression; its column is made for all rows, and fitted on some."""

    name: str
    planned: Planned

    def make(self, columns: Columns, rows: NDArray[np.int64], train_rows: int) -> Both:
        """Its column for all training rows and for all test rows.

        Args:
            columns: of training rows, then of test rows; with learnt columns that it uses.
            rows: those of ``columns`` that groups are learnt from.
            train_rows: how many training rows there are.

        Raises:
            FeatureError: there is no such column, or one is of the wrong kind; or no number comes
                out.
        """
        assert self.planned.parsed is not None
        check_uses(self.planned, columns.names)
        try:
            values = Evaluation(columns, rows).values(self.planned.parsed.root)
        except ExpressionError as error:
            raise FeatureError(self.name, str(error)) from None
        if values.number is None:
            raise FeatureError(
                self.name,
                f"what is learnt from groups is to be a number, and this is {values.shown}",
            )
        table = pd.DataFrame({self.name: values.number})
        return table.iloc[:train_rows], table.iloc[train_rows:].reset_index(drop=True)


def add_made(columns: Columns, made: Both) -> None:
    """Let later expressions use columns that were learnt."""
    for name, column in pd.concat(made).items():
        columns[str(name)] = Numbers(column.to_numpy(dtype=np.float64))


def grouped_columns(raw: Both, competition: TableCompetition) -> Columns:
    """The raw columns that learnt expressions use, those of features that were made among them."""
    used = [name for one in plan(competition) if one.parsed for name in one.uses]
    names = [
        name
        for name in dict.fromkeys(used)
        if name not in competition.targets and all(name in table for table in raw)
    ]
    return Columns(pd.concat([table[names] for table in raw], ignore_index=True))
