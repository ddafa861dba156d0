"""Numbers in another shape: quantiles, a power, a robust scale, bins. Missing ones stay missing."""

import warnings
from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.preprocessing import PowerTransformer, QuantileTransformer

from podium.config.learnt import Bins, Scale
from podium.data.tabular.learnt.learner import Array, Context, Learner
from podium.data.tabular.learnt.transformer import Transformer

QUANTILES = 1000
# RealMLP's: a number this many scales away from the median is drawn to 0.71 of that.
SMOOTH_CLIP = 3.0


def scale(spec: Scale, context: Context) -> list[Learner]:
    """The learner of a method."""
    if spec.method == "robust":
        return [RobustScale(spec.scale)]
    if spec.method == "yeo_johnson":
        return [Transformer(PowerTransformer(), spec.scale)]
    quantiles = QuantileTransformer(
        n_quantiles=min(QUANTILES, len(context.y)), output_distribution="normal", random_state=0
    )
    return [Transformer(quantiles, spec.scale)]


def bins(spec: Bins, context: Context) -> list[Learner]:
    """The learner of bins."""
    return [QuantileBins(spec)]


class RobustScale(Learner):
    """Robust scale and smooth clipping (RealMLP, Holzmüller et al. 2024).

    ``x = (value - median) / (upper - lower quartile)``, half the range where the quartiles are
    equal; then ``x / sqrt(1 + (x / 3)^2)``, which lies between -3 and 3.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn medians and scales."""
        numbers = table[self.columns].to_numpy(dtype=np.float64)
        with warnings.catch_warnings():
            # A column may be missing in all of the rows.
            warnings.simplefilter("ignore", RuntimeWarning)
            quantiles = np.nanquantile(numbers, [0.0, 0.25, 0.5, 0.75, 1.0], axis=0)
        least, lower, self.median, upper, largest = quantiles
        between = np.where(upper > lower, upper - lower, (largest - least) / 2)
        self.scale = np.where(between > 0, between, np.inf)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each."""
        x = (table[self.columns].to_numpy(dtype=np.float64) - self.median) / self.scale
        return pd.DataFrame(x / np.sqrt(1 + (x / SMOOTH_CLIP) ** 2), columns=self.columns)


class QuantileBins(Learner):
    """Bins that hold as many of the fitted rows each; fewer where numbers are equal."""

    def __init__(self, spec: Bins) -> None:
        self.spec, self.columns = spec, spec.bins

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn the inner edges."""
        shares = np.linspace(0, 1, self.spec.count + 1)[1:-1]
        self.edges = {
            name: np.unique(table[name].dropna().quantile(shares)) for name in self.spec.bins
        }
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """For each number the place of its bin, from 0; or for each bin whether it lies there."""
        columns = {}
        for name, edges in self.edges.items():
            bin_of = np.searchsorted(edges, table[name], side="right").astype(np.float64)
            bin_of[table[name].isna()] = np.nan
            if self.spec.encode == "ordinal":
                columns[name] = bin_of
            else:
                own = {f"{name} {place}": bin_of == place for place in range(len(edges) + 1)}
                columns |= own
        return pd.DataFrame(columns)
