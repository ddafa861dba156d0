"""Plots as PNG files. Each function draws and writes one picture."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.metrics import Metric
from podium.reporting.curves import mean_by_step

SIZE = (6.4, 4.0)
BLUE, ORANGE, GREY = "#1f6fb4", "#e07b1a", "#8a8f98"


@contextmanager
def canvas(
    path: Path,
    size: tuple[float, float] = SIZE,
    layout: Literal["constrained"] | None = "constrained",
) -> Iterator[Any]:
    """An empty matplotlib figure of ``size`` inches, written to ``path`` at the end."""
    from matplotlib.figure import Figure

    empty = Figure(figsize=size, dpi=110, layout=layout)
    yield empty
    # No software version in the file, so that equal pictures have equal bytes.
    empty.savefig(path, metadata={"Software": None})


@contextmanager
def figure(
    path: Path, title: str, size: tuple[float, float] = SIZE, fixed: bool = False
) -> Iterator[Any]:
    """The axes of a picture with a single plot, written to ``path`` at the end.

    ``fixed`` margins are for axes with numbers: to measure labels takes half the time of a picture.
    """
    with canvas(path, size, None if fixed else "constrained") as empty:
        if fixed:
            empty.subplots_adjust(left=0.15, right=0.97, bottom=0.13, top=0.92)
        axes = empty.add_subplot()
        axes.set_title(title)
        axes.spines[["top", "right"]].set_visible(False)
        yield axes


def log_scale(axis: Any, values: Any) -> None:
    """A logarithmic axis for positive ``values``, with a few plain numbers as labels.

    matplotlib's own labels of minor ticks take most of the time of a picture.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    low, high = float(np.min(values)), float(np.max(values))
    steps = (1.0,) if high > 500 * low else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=steps) if high > 10 * low else MaxNLocator(6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def learning_curve(history: pd.DataFrame, path: Path, model: str) -> None:
    """Mean training and validation loss by step, each fold's validation loss behind them."""
    x = "alpha" if "alpha" in history else "step"
    with figure(path, f"{model}: loss by {x}", fixed=True) as axes:
        for _, own in history.groupby(["repeat", "fold"]):
            curve = own.groupby("step")[[x, "valid_loss"]].mean()
            axes.plot(curve[x], curve["valid_loss"], color=ORANGE, alpha=0.25, linewidth=1)
        means = mean_by_step(history)
        if x == "step":
            axes.plot(means["step"], means["train_loss"], color=BLUE, label="training")
            axes.plot(means["step"], means["valid_loss"], color=ORANGE, label="validation, mean")
            axes.legend(frameon=False)
        else:
            axes.plot(means[x], means["valid_loss"], color=ORANGE)
            log_scale(axes.xaxis, history[x])
        if len(history) and history["valid_loss"].min() > 0:
            log_scale(axes.yaxis, history["valid_loss"])
        axes.set_xlabel(x)
        axes.set_ylabel("loss")


def predicted_vs_actual(
    actual: NDArray[np.float64], predicted: NDArray[np.float64], path: Path, model: str
) -> None:
    """Out-of-fold predictions against true values, on logarithmic axes if all are positive."""
    with figure(path, f"{model}: out-of-fold prediction against truth", fixed=True) as axes:
        axes.scatter(actual, predicted, s=8, alpha=0.4, color=BLUE, linewidths=0)
        ends = [
            float(min(actual.min(), predicted.min())),
            float(max(actual.max(), predicted.max())),
        ]
        axes.plot(ends, ends, color=GREY, linewidth=1)
        if ends[0] > 0:
            log_scale(axes.xaxis, ends)
            log_scale(axes.yaxis, ends)
        axes.set_xlabel("true")
        axes.set_ylabel("predicted")


# Pictures of predicted numbers, by file name: each is drawn for every model, for the blend, and on
# the page. Its function takes true and predicted numbers, the file to write, and the model's name.
NumberPlot = Callable[[NDArray[np.float64], NDArray[np.float64], Path, str], None]
NUMBER_PLOTS: dict[str, NumberPlot] = {"predicted_vs_actual": predicted_vs_actual}


def model_scores(scores: pd.DataFrame, path: Path, metric: Metric) -> None:
    """Every model's cross-validation score and its std over folds; the blend is highlighted."""
    better = "higher" if metric.greater_is_better else "lower"
    with figure(path, f"{metric.title} by model ({better} is better)") as axes:
        # Where the metric is defined on no fold there is the pooled score.
        means, stds = scores["cv_mean"].fillna(scores["cv"]), scores["cv_std"].fillna(0.0)
        rows = scores.assign(cv_mean=means, cv_std=stds).dropna(subset="cv_mean")
        rows = rows.sort_values("cv_mean", ascending=metric.greater_is_better)
        colors = [ORANGE if name == "blend" else BLUE for name in rows["model"]]
        axes.errorbar(
            rows["cv_mean"], rows["model"], xerr=rows["cv_std"], fmt="none", ecolor=GREY, capsize=3
        )
        axes.scatter(rows["cv_mean"], rows["model"], color=colors, zorder=3)
        axes.set_xlabel(f"{metric.title}, mean ± std over folds")
