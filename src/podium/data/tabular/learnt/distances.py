"""Distances between rows, on standardized numbers: to the centres of k-means, to neighbours."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from podium.config.learnt import Clusters, Neighbours
from podium.data.tabular.learnt.learner import Array, Context, Learner


def clusters(spec: Clusters, context: Context) -> list[Learner]:
    """The learner of distances to the centres of k-means."""
    return [ClusterDistances(spec.kmeans, spec.clusters)]


def neighbours(spec: Neighbours, context: Context) -> list[Learner]:
    """The learners of the distance to neighbours, and of their targets."""
    return [
        NeighbourDistances(spec.neighbours, spec.count),
        NeighbourTargets(spec.neighbours, spec.count, context),
    ]


class Place:
    """Rows as points: standardized numbers, a missing one at the mean."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self.scaler = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())

    def fit(self, table: pd.DataFrame) -> Array:
        """Learn means and standard deviations; returns the rows' points."""
        return np.asarray(self.scaler.fit_transform(table[self.columns].to_numpy()))

    def __call__(self, table: pd.DataFrame) -> Array:
        """The points of any rows, shape (rows, columns)."""
        return np.asarray(self.scaler.transform(table[self.columns].to_numpy()))


class ClusterDistances(Learner):
    """The distance of a row to each centre; fewer centres where there are fewer distinct rows."""

    def __init__(self, columns: Sequence[str], count: int) -> None:
        self.place, self.count, self.columns = Place(columns), count, columns

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Learn the centres."""
        points = self.place.fit(table)
        count = min(self.count, len(np.unique(points, axis=0)))
        self.kmeans = KMeans(count, n_init=3, random_state=0).fit(points)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each centre."""
        distances = self.kmeans.transform(self.place(table))
        return pd.DataFrame(distances, columns=[str(place) for place in range(distances.shape[1])])


class NeighbourDistances(Learner):
    """The mean distance to the nearest fitted rows, of which a row itself is none."""

    def __init__(self, columns: Sequence[str], count: int) -> None:
        self.place, self.count, self.columns = Place(columns), count, columns

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Keep the rows' points."""
        count = max(1, min(self.count, len(table) - 1))
        self.nearest = NearestNeighbors(n_neighbors=count).fit(self.place.fit(table))
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column, for rows that it was not fitted on."""
        return self._mean(self.place(table))

    def own(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column, for the rows that it was fitted on."""
        return self._mean(None)

    def _mean(self, points: Array | None) -> pd.DataFrame:
        distances, _ = self.nearest.kneighbors(points)
        return pd.DataFrame({"distance": distances.mean(axis=1)})


class NeighbourTargets(Learner):
    """The mean target of the nearest fitted rows."""

    uses_target = True

    def __init__(self, columns: Sequence[str], count: int, context: Context) -> None:
        self.place, self.count, self.columns = Place(columns), count, columns
        self.outputs = context.outputs

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Keep the rows' points and targets."""
        assert y is not None
        count = min(self.count, len(table))
        self.nearest = NearestNeighbors(n_neighbors=count).fit(self.place.fit(table))
        self.targets = {name: output(y) for name, output in self.outputs.items()}
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column for each output."""
        rows = self.nearest.kneighbors(self.place(table), return_distance=False)
        return pd.DataFrame(
            {f"target {name}".rstrip(): y[rows].mean(axis=1) for name, y in self.targets.items()}
        )
