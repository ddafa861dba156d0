"""Learning curves: from one row a step of every member to what plots and MLflow show."""

import numpy as np
import pandas as pd

MOST_POINTS = 200
PARTS = {"train_loss": "train", "valid_loss": "validation"}


def mean_by_step(history: pd.DataFrame) -> pd.DataFrame:
    """Losses averaged over folds and seeds: columns step, train_loss, valid_loss; thinned."""
    if history.empty:
        return pd.DataFrame(columns=["step", *PARTS])
    steps = history.groupby("step")
    # A step that only some folds reached (early stopping) would bend the mean.
    complete = steps.size() == steps.size().max()
    means = steps[list(PARTS)].mean()[complete].reset_index()
    keep = np.unique(np.linspace(0, len(means) - 1, min(len(means), MOST_POINTS)).astype(int))
    return means.iloc[keep]


def mean_curves(history: pd.DataFrame) -> pd.DataFrame:
    """The mean curves with one row a step and part, as DVC plots them: step, part, loss."""
    long = mean_by_step(history).melt("step", list(PARTS), var_name="part", value_name="loss")
    long["part"] = long["part"].map(PARTS)
    return long.dropna()


def mlflow_curves(history: pd.DataFrame) -> dict[str, list[tuple[int, float]]]:
    """Curves by metric name: the means, and each fold's validation loss."""
    means = mean_by_step(history)
    curves = {name: _pairs(means, name) for name in PARTS}
    for (repeat, fold), own in history.groupby(["repeat", "fold"]):
        name = f"fold{fold}" if repeat == 0 else f"repeat{repeat}-fold{fold}"
        curves[f"valid_loss/{name}"] = _pairs(mean_by_step(own), "valid_loss")
    return curves


def _pairs(table: pd.DataFrame, name: str) -> list[tuple[int, float]]:
    return [
        (int(step), float(value)) for step, value in zip(table["step"], table[name], strict=True)
    ]
