"""A model on several targets: fitted for each alone, as if it were the only one; results joined."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from podium.config import ModelParams
from podium.data.dataset import Dataset
from podium.data.several_targets import OneTarget, each_target, shown_targets
from podium.data.targets import Target
from podium.metrics import Metric
from podium.models.auto import resolve_params
from podium.models.base import Array, Fit
from podium.models.fit import ModelResult, fit_model, fit_without_each_fold
from podium.reporting.curves import TARGET
from podium.runtime.progress import SILENT, Points, Reporter


def fit_targets(
    params: ModelParams,
    dataset: Dataset,
    target: Target,
    metric: Metric,
    reporter: Reporter = SILENT,
    scratch: Path | None = None,
    explain: bool = False,
) -> ModelResult:
    """``fit_model``, for each of several targets.

    Predictions are joined; scores are means over the targets, and NaN where one of them is.
    """
    fitted = {
        own.name: fit_model(params, own.dataset(dataset), own.target, metric, *where, explain)
        for own, where in _each(target, reporter, scratch)
    }
    return next(iter(fitted.values())) if len(fitted) == 1 else _joined(target, fitted)


def fit_targets_without_each_fold(fit: Fit[ModelParams]) -> list[Array]:
    """``fit_without_each_fold``, predictions of several targets beside each other."""
    of_each = []
    for own, (reporter, scratch) in _each(fit.target, fit.reporter, fit.scratch):
        dataset = own.dataset(fit.dataset)
        params = resolve_params(fit.params, dataset, own.target, fit.metric)
        alone = Fit(dataset, own.target, params, fit.metric, reporter, scratch)
        of_each.append(fit_without_each_fold(alone))
    return [np.concatenate(parts, axis=1) for parts in zip(*of_each, strict=True)]


def resolve_for_first(
    params: ModelParams, dataset: Dataset, target: Target, metric: Metric
) -> ModelParams:
    """The hyperparameters in use; of several targets those of the first."""
    own = next(each_target(target))
    return resolve_params(params, own.dataset(dataset), own.target, metric)


def _each(
    target: Target, reporter: Reporter, scratch: Path | None
) -> list[tuple[OneTarget, tuple[Reporter, Path | None]]]:
    """Each target with its reporter and its folder for checkpoints."""
    shown = {own.name for own in shown_targets(target)}
    found = []
    for own in each_target(target):
        where: tuple[Reporter, Path | None] = (reporter, scratch)
        if own.place is not None:
            folder = None if scratch is None else scratch / f"target{own.place}"
            where = (_OfTarget(reporter, own, own.name in shown), folder)
        found.append((own, where))
    return found


class _OfTarget(Reporter):
    """Passes on what the training of one of several targets reports, with the target's name."""

    def __init__(self, reporter: Reporter, own: OneTarget, has_curves: bool) -> None:
        self.reporter, self.own, self.has_curves = reporter, own, has_curves

    def start(self, total: float) -> None:
        self.reporter.start(total)

    def update(self, done: float, what: str, loss: float | None = None) -> None:
        self.reporter.update(done, f"{self.own.name}  {what}", loss)

    def resume(self, done: float, what: str) -> None:
        self.reporter.resume(done, f"{self.own.name}  {what}")

    def warn(self, text: str) -> None:
        self.reporter.warn(f"{self.own.name}: {text}")

    def points(self, points: Points) -> None:
        if self.has_curves:
            self.reporter.points({f"{self.own.label}/{key}": at for key, at in points.items()})


def _joined(target: Target, fitted: Mapping[str, ModelResult]) -> ModelResult:
    """The results of all targets as those of one model."""
    results = list(fitted.values())
    same = all(one.resolved == results[0].resolved for one in results)
    return ModelResult(
        oof=_beside([one.oof for one in results]),
        test=_beside([one.test for one in results]),
        decided=_beside([one.decided for one in results]),
        decision=None,
        fold_decisions=[],
        score=float(np.mean([one.score for one in results])),
        fold_scores=np.mean([one.fold_scores for one in results], axis=0).tolist(),
        fit_seconds=sum(one.fit_seconds for one in results),
        predict_seconds=sum(one.predict_seconds for one in results),
        history=_histories(fitted),
        details=[split for one in results for split in one.details],
        weights={
            f"target{own.place}.{file}": content
            for own in each_target(target)
            for file, content in fitted[own.name].weights.items()
        },
        resolved=results[0].resolved if same else {},
        oof_std=_stds([one.oof_std for one in results]),
        test_std=_stds([one.test_std for one in results]),
        parts=fitted,
    )


def _beside(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts, axis=1)


def _stds(parts: Sequence[Array | None]) -> Array | None:
    there = [part for part in parts if part is not None]
    return _beside(there) if len(there) == len(parts) else None


def _histories(fitted: Mapping[str, ModelResult]) -> pd.DataFrame:
    """The histories below each other, with a column that names the target."""
    tables = []
    for name, result in fitted.items():
        table = result.history.copy()
        table.insert(0, TARGET, name)
        tables.append(table)
    there = [table for table in tables if len(table)]
    return pd.concat(there or tables[:1], ignore_index=True)
