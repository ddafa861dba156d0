"""Transformers of the user's own: what ``encoders()`` returns, fitted on each fold's rows."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd

from podium.data.tabular.learnt.learner import Array, Learner, Work, make_columns
from podium.data.tabular.learnt.transformer import Transformer, uses_target
from podium.usercode import UserCode

NAME = "encoders"


def own_columns(code: UserCode, work: Work) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Each transformer's columns for all training rows and all test rows.

    They begin with the name of its class, and a number where several have one.

    Raises:
        PodiumError: ``encoders`` fails, or returns something else than transformers; one of them
            fails, or gives other numbers of rows or columns than it should.
    """
    transformers = own_transformers(code)
    kinds = [type(one).__name__ for one in transformers]
    for place, (transformer, kind) in enumerate(zip(transformers, kinds, strict=True)):
        number = kinds[: place + 1].count(kind)
        name = f"{kind} {number}" if number > 1 else kind
        yield make_columns(name, partial(_learners, code, transformer, name), work)


def own_transformers(code: UserCode) -> list[Any]:
    """The unfitted transformers that ``encoders`` returns.

    Raises:
        PodiumError: it fails, or returns something else.
    """
    function = code.function(NAME, 0)
    assert function is not None
    with code.blamed(NAME):
        found = function()
    if not isinstance(found, list | tuple):
        code.fail(NAME, f"expected a list of transformers, found {type(found).__name__}")
    for one in found:
        missing = [name for name in ("fit", "transform", "get_params") if not hasattr(one, name)]
        if missing or isinstance(one, type):
            what = "a class; make an object of it" if isinstance(one, type) else type(one).__name__
            hint = "scikit-learn's BaseEstimator and TransformerMixin have what it needs"
            code.fail(NAME, f"expected transformers with fit and transform, found {what}; {hint}")
    return list(found)


def _learners(code: UserCode, transformer: Any, name: str) -> list[Learner]:
    return [OwnTransformer(code, transformer, name)]


class OwnTransformer(Learner):
    """A transformer of the user's own, whose failures are mistakes in the user's file.

    It, or one inside it, may use the target: then all of it is cross-fitted.
    """

    def __init__(self, code: UserCode, transformer: Any, name: str) -> None:
        self.code, self.name = code, name
        with code.blamed(NAME):
            self.inner = Transformer(transformer)
            parts = [transformer, *transformer.get_params(deep=True).values()]
            fitted = [one for one in parts if hasattr(one, "fit") and not isinstance(one, type)]
            self.uses_target = any(map(uses_target, fitted))

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Fit the transformer on a copy of the rows."""
        with self.code.blamed(NAME, known=table.columns):
            self.inner.fit(table.reset_index(drop=True), y)
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """The columns that it makes."""
        with self.code.blamed(NAME, known=table.columns):
            made = self.inner.transform(table.reset_index(drop=True))
        if len(made) != len(table):
            self.code.fail(NAME, f"{self.name} returned {len(made)} rows for {len(table)}")
        values = made.to_numpy()
        if np.isinf(values).any():
            name = made.columns[np.isinf(values).any(axis=0)][0]
            self.code.fail(NAME, f"{self.name} returned an infinite number in column '{name}'")
        return made
