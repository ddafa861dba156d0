"""A model's learning curve as DVC plots it, with the names of its axes."""

from typing import Any

import numpy as np
import pandas as pd

from podium.reporting.curves import PARTS, mean_by_step

COLUMNS = ["x", "part", "loss", "x_name", "y_name"]


def shown_curves(history: pd.DataFrame, loss: str) -> pd.DataFrame:
    """The mean losses over folds and seeds, one row per point and part.

    DVC's template is one for all models, so the names of axes are columns: epoch, tree, or the
    logarithm of alpha, since a template has one kind of scale. ``loss`` names the loss.
    """
    means = mean_by_step(history)
    x, name = means["step"], step_name(history)
    if "alpha" in history:
        x, name = np.log10(means["alpha"]).round(4), "log10 of alpha"
    long = means.assign(x=x).melt("x", list(PARTS), var_name="part", value_name="loss").dropna()
    long["part"] = long["part"].map(PARTS)
    return long.assign(x_name=name, y_name=loss)[COLUMNS]


def loss_name(params: Any, is_regression: bool) -> str:
    """What a model's curve shows: networks name their loss of numbers, boosted trees theirs."""
    named = getattr(params, "objective", None) or (is_regression and getattr(params, "loss", None))
    return f"loss ({named})" if isinstance(named, str) else "loss"


def step_name(history: pd.DataFrame) -> str:
    """What a step is: networks have a metric or an epoch in their history; others count trees."""
    return "epoch" if {"valid_metric", "epoch"} & set(history) else "tree"
