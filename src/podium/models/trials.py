"""Trials of a search: several configurations of one model on the same folds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.typing import NDArray

from podium.config import ModelParams
from podium.data.dataset import Dataset
from podium.data.targets import Target
from podium.io.errors import PodiumError
from podium.metrics import Array, Metric
from podium.models.fit import fit_model
from podium.runtime.progress import SILENT, Reporter

# After each epoch: the scores of each living trial's folds, by its place; returns who leaves.
Prune = Callable[[int, dict[int, NDArray]], set[int]]  # type: ignore[type-arg]


@dataclass(frozen=True)
class TrialFit:
    """What became of one configuration.

    ``score`` is the pooled OOF score, ``curve`` the mean validation score after each epoch, ``oof``
    the decoded OOF predictions, shape (n, outputs).
    """

    score: float | None
    fold_scores: list[float]
    seconds: float
    state: Literal["complete", "pruned", "out_of_time", "failed"]
    curve: list[float]
    error: str = ""
    oof: Array | None = None


def fit_trials(
    params: Sequence[ModelParams],
    dataset: Dataset,
    target: Target,
    metric: Metric,
    *,
    reporter: Reporter = SILENT,
    prune: Prune | None = None,
    deadline: float | None = None,
) -> list[TrialFit]:
    """Fit each configuration on every fold, one after the other, until the deadline."""
    fits = []
    for own in params:
        started = time.monotonic()
        if deadline is not None and started >= deadline:
            fits.append(TrialFit(None, [], 0.0, "out_of_time", []))
            continue
        try:
            result = fit_model(own, dataset, target, metric, reporter)
        except PodiumError as error:
            seconds = time.monotonic() - started
            fits.append(TrialFit(None, [], seconds, "failed", [], str(error)))
            continue
        curve = result.history.groupby("step")["valid_metric"].mean().tolist()
        seconds = time.monotonic() - started
        scores = result.score, result.fold_scores
        fits.append(TrialFit(*scores, seconds, "complete", curve, oof=result.oof))
    return fits
