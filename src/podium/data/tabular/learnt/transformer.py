"""A transformer with scikit-learn's interface as a learner."""

import inspect
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import get_tags

from podium.data.tabular.learnt.learner import Array, Learner


class Transformer(Learner):
    """A clone of a transformer, fitted on some columns; all columns by default.

    It gets the target if it says that it uses it, and is cross-fitted then: its tags say that the
    target is required, its ``fit`` has no default for it, or it has ``uses_target = True``.
    """

    def __init__(self, transformer: Any, columns: Sequence[str] = ()) -> None:
        self.transformer = clone(transformer)
        self.columns = list(columns)
        self.uses_target = uses_target(transformer)

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Fit the transformer."""
        self.transformer.fit(table, y)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """The columns that it makes, by its own names if it has some."""
        made = self.transformer.transform(table)
        made = made.toarray() if hasattr(made, "toarray") else made
        values = np.asarray(made, dtype=np.float64)
        values = values[:, None] if values.ndim == 1 else values
        return pd.DataFrame(values, columns=self._names(made, values.shape[1]))

    def _names(self, made: Any, count: int) -> list[str]:
        if isinstance(made, pd.DataFrame):
            return [str(name) for name in made]
        if hasattr(self.transformer, "get_feature_names_out"):
            return [str(name) for name in self.transformer.get_feature_names_out()]
        return [str(place) for place in range(count)]


def uses_target(transformer: Any) -> bool:
    """Whether a transformer says that it uses the target."""
    if getattr(transformer, "uses_target", False):
        return True
    if hasattr(transformer, "__sklearn_tags__") and get_tags(transformer).target_tags.required:
        return True
    y = inspect.signature(transformer.fit).parameters.get("y")
    return y is not None and y.default is inspect.Parameter.empty
