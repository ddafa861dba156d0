"""Learning curves: from one row per member and step to what plots and MLflow show."""

import numpy as np
import pandas as pd

MOST_POINTS = 200
# Of one network, which grow in MLflow while it trains.
MEMBER_CURVES = ("train_loss", "valid_loss", "valid_metric")
MEMBER = ["repeat", "fold", "seed"]
Curve = list[tuple[int, float]]
PARTS = {"train_loss": "train", "valid_loss": "validation"}
# The column of histories with the name of one of several targets.
TARGET = "target"


def mean_by_step(history: pd.DataFrame) -> pd.DataFrame:
    """Losses averaged over folds and seeds: columns step, train_loss, valid_loss; thinned.

    A search over alphas has a column alpha as well: folds are averaged at equal alphas.
    """
    if history.empty:
        return pd.DataFrame(columns=["step", *PARTS])
    if "alpha" in history:
        return _thinned(_mean_by_alpha(history), MOST_POINTS)
    means = pd.DataFrame({part: of_members(history, part).mean(axis=1) for part in PARTS})
    means = means.reset_index()
    return _thinned(means, MOST_POINTS)


def _mean_by_alpha(history: pd.DataFrame) -> pd.DataFrame:
    """The mean loss at alphas that every fold has tried, or tried on both sides.

    Folds may have grids of their own. Their losses are then interpolated, linearly in log(alpha),
    on as many alphas between the greatest of their smallest and the smallest of their greatest. No
    row is left where they have no range in common. Steps keep the direction of the search.
    """
    folds = [
        own.groupby("alpha")["valid_loss"].mean().sort_index()
        for _, own in history.groupby(["repeat", "fold"])
    ]
    first = folds[0].index.to_numpy()
    grid = first
    if not all(np.array_equal(own.index.to_numpy(), first) for own in folds):
        low = max(own.index.min() for own in folds)
        high = min(own.index.max() for own in folds)
        grid = np.geomspace(low, high, len(first)) if low < high else np.empty(0)
    losses = [np.interp(np.log(grid), np.log(own.index.to_numpy()), own) for own in folds]
    means = pd.DataFrame({"alpha": grid, "train_loss": np.nan})
    means["valid_loss"] = np.mean(losses, axis=0)
    falls = history["alpha"].iloc[0] > history["alpha"].iloc[-1]
    means = means[::-1].reset_index(drop=True) if falls else means
    return means.rename_axis("step").reset_index()


def _thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most ``most`` rows, evenly spaced from the first to the last."""
    keep = np.unique(np.linspace(0, len(table) - 1, min(len(table), most)).astype(int))
    return table.iloc[keep]


def of_members(history: pd.DataFrame, part: str) -> pd.DataFrame:
    """A loss by step, a column for each member (repeat, fold, seed).

    A member that stopped early keeps its last value, so that means don't jump; members that
    diverged are left out.
    """
    values = history.groupby(["step", *MEMBER])[part].mean().unstack(MEMBER)
    broken = (~np.isfinite(history[part])).groupby([history[key] for key in MEMBER]).any()
    return values.loc[:, ~broken].ffill()


def mlflow_curves(history: pd.DataFrame) -> dict[str, Curve]:
    """The mean curves by metric name, and for networks those of the first fold's first member.

    A search over alphas is not a training curve: it gets a separate name, so that MLflow doesn't
    draw it in the same plot as losses by epoch.
    """
    means = mean_by_step(history)
    names = {"valid_loss": "search_loss"} if "alpha" in history else {name: name for name in PARTS}
    curves = {title: _curve(means, name) for name, title in names.items()}
    return curves | (_first_member(history) if "valid_metric" in history else {})


def member_curve(split: str, seed: int, part: str) -> str:
    """``fold0-seed0/valid_loss``: the metric's name; MLflow groups by what is before the slash."""
    return f"{split}-seed{seed}/{part}"


def _first_member(history: pd.DataFrame) -> dict[str, Curve]:
    """The curves of one member, by steps of its own; the artefact history.csv has all members'."""
    (_, fold, seed), own = next(iter(history.groupby(MEMBER)))
    kept = _thinned(own, MOST_POINTS)
    names = {part: member_curve(f"fold{fold}", int(seed), part) for part in MEMBER_CURVES}
    return {name: _curve(kept, part) for part, name in names.items()}


def _curve(table: pd.DataFrame, name: str) -> Curve:
    """Steps and values, without infinite and NaN values."""
    pairs = zip(table["step"], table[name], strict=True)
    return [(int(step), float(value)) for step, value in pairs if np.isfinite(value)]
