"""Mean curves: of a search, folds are averaged at equal alphas."""

import numpy as np
import pandas as pd
import pytest

from podium.reporting import plots
from podium.reporting.curves import mean_by_step, mlflow_curves
from podium.stages.shown_curves import shown_curves


def search(*grids):
    """The history of a search whose loss is log(alpha) squared in every fold, on a grid each."""
    rows = [
        {
            "repeat": 0, "fold": fold, "seed": 0, "step": step, "alpha": alpha,
            "train_loss": np.nan, "valid_loss": np.log(alpha) ** 2,
        }
        for fold, grid in enumerate(grids)
        for step, alpha in enumerate(grid)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_folds_with_alphas_of_their_own_are_averaged_at_equal_alphas():
    grids = [np.geomspace(10 * top, 0.001 * top, 50) for top in (1, 3, 10)]
    means = mean_by_step(search(*grids))
    assert means["alpha"].between(0.0099, 10.001).all()
    # The curve of every fold is the same, and so is their mean.
    assert means["valid_loss"].to_numpy() == pytest.approx(np.log(means["alpha"]) ** 2, abs=0.02)
    assert list(means["step"]) == list(range(50))
    assert means["alpha"].is_monotonic_decreasing


def test_folds_with_the_same_alphas_are_averaged_as_they_are():
    history = search([1.0, 10.0, 100.0], [1.0, 10.0, 100.0])
    history.loc[history["fold"] == 1, "valid_loss"] += 1
    means = mean_by_step(history)
    assert list(means["alpha"]) == [1.0, 10.0, 100.0]
    assert means["valid_loss"].to_numpy() == pytest.approx(np.log(means["alpha"]) ** 2 + 0.5)
    assert mlflow_curves(history)["search_loss"] == list(enumerate(means["valid_loss"]))


def test_folds_that_have_no_alphas_in_common_have_no_mean(tmp_path):
    history = search([1.0, 2.0], [30.0, 40.0])
    assert mean_by_step(history).empty
    assert shown_curves(history, "loss").empty
    plots.learning_curve(history, tmp_path / "curve.png", "lasso")
    assert (tmp_path / "curve.png").is_file()


def test_the_mean_on_the_picture_is_among_the_folds(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "matplotlib.axes.Axes.plot", lambda self, x, y, **style: drawn.append((x, y, style))
    )
    grids = [np.geomspace(top, 0.001 * top, 30) for top in (0.1, 10)]
    plots.learning_curve(search(*grids), tmp_path / "curve.png", "elastic_net")
    *folds, (x, y, style) = drawn
    assert len(folds) == 2
    assert "alpha" not in style
    around = [np.interp(np.log(x), np.log(own[0])[::-1], own[1][::-1]) for own in folds]
    assert (y >= np.min(around, axis=0) - 1e-9).all()
    assert (y <= np.max(around, axis=0) + 1e-9).all()
