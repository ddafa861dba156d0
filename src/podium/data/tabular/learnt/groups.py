"""Statistics of a number by group, and how a row's own number compares with its group's."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from podium.config.learnt import GroupStatistic
from podium.data.tabular.learnt.keys import keys
from podium.data.tabular.learnt.learner import Array, Context, Learner


def group_statistic(spec: GroupStatistic, context: Context) -> list[Learner]:
    """The learner of a statistic by group."""
    (statistic,) = spec.numbers
    return [GroupStatistics(statistic, getattr(spec, statistic), spec.by, spec.forms)]


class GroupStatistics(Learner):
    """A statistic of a number in each group of the fitted rows.

    A group that isn't among them, or has no number (for ``std``: one number), gets the statistic of
    all fitted rows.
    """

    def __init__(
        self, statistic: str, number: str, by: Sequence[str], forms: Sequence[str]
    ) -> None:
        self.statistic, self.number, self.by, self.forms = statistic, number, by, forms
        self.columns = list(dict.fromkeys([number, *by]))

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn each group's statistic, and that of all rows."""
        number = table[self.number]
        self.groups = number.groupby(keys(table, self.by)).agg(self.statistic)
        self.overall = float(number.agg(self.statistic))
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each form; a ratio to 0 is missing."""
        own = table[self.number]
        value = keys(table, self.by).map(self.groups).astype(np.float64).fillna(self.overall)
        columns = {
            "value": value,
            "difference": own - value,
            "ratio": own / value.where(value != 0),
        }
        chosen = pd.DataFrame({form: columns[form] for form in self.forms})
        return chosen.set_axis([""], axis=1) if len(self.forms) == 1 else chosen
