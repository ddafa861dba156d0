"""Pictures of a study: Optuna's own, drawn by matplotlib; and the samplers compared."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from podium.metrics import Metric
from podium.stages.tune.study import Finished

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy

DOTS_PER_INCH = 100
# Inches of a picture with a panel a knob.
PANEL, HEIGHT = 2.8, 4.4
# Trials without which a picture says nothing.
FEWEST = {"history": 1, "slice": 2, "parallel": 2, "importance": 4}
FAILED: tuple[type[Exception], ...] = (ValueError, RuntimeError, ZeroDivisionError, IndexError)


def draw(study: "OptunaStudy", title: str, metric: Metric, folder: Path) -> list[str]:
    """History, slice, parallel coordinates and importance, as ``<name>.png``.

    Returns the names of those that can't be drawn of so few trials.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from optuna.trial import TrialState
    from optuna.visualization import matplotlib as pictures

    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    functions: dict[str, Any] = {
        "history": pictures.plot_optimization_history,
        "slice": pictures.plot_slice,
        "parallel": pictures.plot_parallel_coordinate,
        "importance": pictures.plot_param_importances,
    }
    missing = []
    for name, function in functions.items():
        if len(complete) < FEWEST[name] or not _draw_one(
            study, function, f"{title}: {name}", metric.title, folder / f"{name}.png"
        ):
            missing.append(name)
    return missing


def _draw_one(study: "OptunaStudy", function: Any, title: str, label: str, path: Path) -> bool:
    from matplotlib import pyplot as plt

    with warnings.catch_warnings():
        # Optuna calls its pictures experimental, and draws logarithms of equal bounds.
        warnings.simplefilter("ignore")
        options = {} if function.__name__ == "plot_param_importances" else {"target_name": label}
        try:
            axes = np.atleast_1d(function(study, **options)).ravel()
            axes[0].figure.suptitle(title)
            if len(axes) > 1:
                axes[0].figure.set_size_inches(max(6.4, PANEL * len(axes)), HEIGHT)
            axes[0].figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")
        except FAILED:
            # Equal scores have no importance.
            return False
        finally:
            plt.close("all")
    return True


def best_so_far(
    trials: Sequence[Finished], metric: Metric, started: float
) -> tuple[list[float], list[float]]:
    """Seconds since ``started`` and the best score until then, of complete trials in order."""
    seconds, scores = [], []
    best = None
    for trial in trials:
        if trial.score is None:
            continue
        if best is None or metric.as_loss(trial.score) < metric.as_loss(best):
            best = trial.score
        seconds.append(max(0.0, trial.ended - started))
        scores.append(best)
    return seconds, scores


def draw_compared(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    title: str,
    label: str,
    path: Path,
) -> None:
    """The best score so far against the time, one line a sampler."""
    from podium.reporting.plots import figure

    with figure(path, title) as axes:
        for name, (seconds, scores) in curves.items():
            axes.step(seconds, scores, where="post", marker=".", label=name)
        axes.set_xlabel("seconds")
        axes.set_ylabel(f"best {label} so far")
        axes.legend()
