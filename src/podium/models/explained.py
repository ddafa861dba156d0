"""How much each feature matters to a model, and how its predictions depend on it: all folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from podium.models.base import Array, Curve, Probed

# The features that have partial dependence.
TOP = 6
IMPORTANCE = ["feature", "mean", "se"]
DEPENDENCE = ["feature", "type", "value", "output", "mean", "low", "high"]


@dataclass(frozen=True)
class Explained:
    """Tables of a model's features (docs/models.md).

    ``importance`` has the columns ``IMPORTANCE``, a row a feature, the most important first;
    ``dependence`` has the columns ``DEPENDENCE``, a row for each value and output of the features
    that are the most important.
    """

    importance: pd.DataFrame
    dependence: pd.DataFrame


NOTHING = Explained(pd.DataFrame(columns=IMPORTANCE), pd.DataFrame(columns=DEPENDENCE))


def explained(folds: Sequence[Probed], classes: Sequence[str]) -> Explained:
    """The mean over the folds without a problem; empty tables if there is none."""
    there = [fold for fold in folds if not fold.problem]
    importance = _importance(there)
    top = [str(name) for name in importance["feature"][:TOP]]
    rows = [
        row
        for name in top
        for row in _dependence(
            name, [fold.curves[name] for fold in there if name in fold.curves], classes or [""]
        )
    ]
    return Explained(importance, pd.DataFrame(rows, columns=DEPENDENCE))


def _importance(folds: Sequence[Probed]) -> pd.DataFrame:
    """A feature that was not learnt in a fold does nothing there: it counts 0."""
    names = list(dict.fromkeys(name for fold in folds for name in fold.importance))
    of_folds = pd.DataFrame(
        [[fold.importance.get(name, 0.0) for fold in folds] for name in names], dtype=np.float64
    )
    # Without folds in which the metric is undefined.
    table = pd.DataFrame(
        {"feature": names, "mean": of_folds.mean(axis=1), "se": of_folds.sem(axis=1)},
        columns=IMPORTANCE,
    )
    return table.sort_values("mean", ascending=False, kind="stable", ignore_index=True)


def _dependence(
    name: str, curves: Sequence[Curve], outputs: Sequence[str]
) -> list[tuple[object, ...]]:
    """The folds' curves of a feature as one.

    Numbers that were learnt are others in each fold, at the same quantiles: theirs are averaged.
    """
    if not curves:
        return []
    means = np.stack([curve.mean for curve in curves])
    # Folds have other rows, and so curves of another level; the spread is that of their shapes.
    levels = means.mean(axis=1, keepdims=True)
    level = means - levels + levels.mean(axis=0)
    first = curves[0].values
    values: list[object]
    if isinstance(first[0], str):
        kind, values = "category", [*first]
    else:
        kind = "number"
        numbers = np.array([curve.values for curve in curves], dtype=np.float64)
        values = _rounded(numbers.mean(axis=0))
    places = [place for place, value in enumerate(values) if value not in values[:place]]
    return [
        (name, kind, values[place], output, *_spread(level[:, place, column]))
        for column, output in enumerate(outputs)
        for place in places
    ]


def _rounded(values: Array) -> list[object]:
    """Without the last digits, which are the mean's rounding."""
    return [float(f"{value:.12g}") for value in values]


def _spread(values: Array) -> tuple[float, float, float]:
    """Mean, least and largest."""
    return float(values.mean()), float(values.min()), float(values.max())
