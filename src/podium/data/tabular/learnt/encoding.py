"""Categories as numbers: the target's mean by level, counts and frequencies of levels."""

from collections.abc import Sequence
from typing import Self

import pandas as pd

from podium.config.learnt import Counts, Frequencies, TargetMean
from podium.data.tabular.learnt.keys import keys
from podium.data.tabular.learnt.learner import Array, Context, Learner


def target_mean(spec: TargetMean, context: Context) -> list[Learner]:
    """The learner of the target's means."""
    return [TargetMeans(spec.target_mean, spec.smoothing, context)]


def counts(spec: Counts, context: Context) -> list[Learner]:
    """The learner of how many rows have a level."""
    return [LevelCounts(spec.count, is_share=False)]


def frequencies(spec: Frequencies, context: Context) -> list[Learner]:
    """The learner of a level's share of rows."""
    return [LevelCounts(spec.frequency, is_share=True)]


class TargetMeans(Learner):
    """Target encoding (Micci-Barreca 2001): a level's mean, drawn to the overall mean.

    It is ``(sum + smoothing * overall) / (rows + smoothing)``; the overall mean for a level that is
    not among the fitted rows.
    """

    uses_target = True

    def __init__(self, columns: Sequence[str], smoothing: float, context: Context) -> None:
        self.columns, self.smoothing, self.outputs = columns, smoothing, context.outputs

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn a mean for each level and output."""
        assert y is not None
        values = pd.DataFrame({name: output(y) for name, output in self.outputs.items()})
        self.overall = values.mean()
        levels = values.groupby(keys(table, self.columns).to_numpy())
        sums = levels.sum() + self.smoothing * self.overall
        self.means = sums.div(levels.size() + self.smoothing, axis=0)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each output."""
        return self.means.reindex(keys(table, self.columns).to_numpy()).fillna(self.overall)


class LevelCounts(Learner):
    """How many of the fitted rows have a row's levels, or which share of them; 0 for none."""

    def __init__(self, columns: Sequence[str], is_share: bool) -> None:
        self.columns, self.is_share = columns, is_share

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Count."""
        self.counts = keys(table, self.columns).value_counts(normalize=self.is_share)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column."""
        return keys(table, self.columns).map(self.counts).fillna(0.0).to_frame("")
