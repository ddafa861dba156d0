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
    """The mean curves by metric name.

    A search's path over alphas is no training curve: it has a name of its own, so that MLflow
    does not draw it beside losses by epoch.
    """
    means = mean_by_step(history)
    names = {"valid_loss": "search_loss"} if "alpha" in history else {name: name for name in PARTS}
    return {
        title: [
            (int(step), float(value))
            for step, value in zip(means["step"], means[name], strict=True)
        ]
        for name, title in names.items()
    }
