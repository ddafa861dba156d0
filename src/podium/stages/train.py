"""Stage train: one model by k-fold, its artefacts in ``models/<competition>/<model>/``."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition, Config, load_config
from podium.data import kinds
from podium.data.dataset import Dataset, folds_frame
from podium.data.several_targets import OneTarget, each_target, shown_targets
from podium.data.targets import Target
from podium.io import files, paths
from podium.io.errors import EstimatorError, PodiumError, SettingError
from podium.io.text import nearest, printable
from podium.io.usercode.load import OWN
from podium.metrics.trial import try_metric
from podium.models import Fit, ModelResult, fit_targets, fit_targets_without_each_fold
from podium.models.explained import NOTHING
from podium.models.several_targets import resolve_for_first
from podium.reporting import plots
from podium.reporting.curves import mlflow_curves
from podium.runtime import compute
from podium.runtime.console import console
from podium.runtime.progress import Reporter, reporting
from podium.runtime.tracking import Run, git_commit, tracked_run
from podium.stages.class_report import class_report
from podium.stages.common import (
    DEPENDENCE,
    DIGITS,
    IMPORTANCE,
    LEARNING_CURVE,
    PICTURES,
    decision_facts,
    label,
    log_scores,
    log_target_scores,
    of_each_target,
    run_tags,
    score_facts,
    shown_scores,
    target_of,
    warn_of_undefined,
    with_true_values,
)
from podium.stages.run_facts import log_model, run_name
from podium.stages.shown_curves import loss_name, shown_curves

Array = NDArray[np.float64]


def train(name: str, model: str) -> None:
    """Fit every fold, write predictions, scores, curves and weights, and log it all.

    Raises:
        PodiumError: there is no such model in params.yaml, or training diverged; an earlier
            result stays.
    """
    config = load_config(only=name)
    competition = config[name]
    if model not in competition.models:
        hint = nearest(model, competition.models)
        raise PodiumError(f"MODEL: no model '{printable(model)}' in {name}; {hint}")
    dataset = kinds.of(competition).read(paths.processed(name))
    target = target_of(competition, dataset.schema)
    params = competition.models[model]
    if params.tested_by != "folds":
        dataset = dataset.with_whole(paths.refit(name))
    if competition.metric == OWN:
        own = next(each_target(target))
        try_metric(competition.scoring, own.y(dataset.y), len(own.target.classes))
    tags = run_tags(competition, dataset.schema, "train") | {"podium.model": model}
    with tracked_run(name, run_name(model, dataset.schema, params), tags) as run:
        resolved = resolve_for_first(params, dataset, target, competition.scoring)
        log_model(run, competition, params, resolved)
        run.log_data(name, dataset.schema.data_sha256, dataset.schema.provider)
        scratch, title = paths.checkpoint(name, model), f"{name} {model}"
        # What is said of a Ctrl-C comes after the bar has left its lines.
        with (
            _report_if_stopped(scratch),
            reporting(title, console(), run.log_live) as reporter,
            pool_of(config),
        ):
            explain = competition.report.importance != "none"
            result, inner = fit(competition, model, dataset, reporter, scratch, explain)
        where = paths.model(name, model)
        loss = loss_name(resolved, target.is_regression)
        _write(where, result, inner, dataset, target, competition, loss)
        run.tag("oof.sha256", files.sha256(where / "oof.parquet"))
        _log(run, result, model, dataset, target, where)
    _print_score(competition, dataset, model, result)


def fit(
    competition: Competition,
    model: str,
    dataset: Dataset,
    reporter: Reporter,
    scratch: Path,
    explain: bool = False,
) -> tuple[ModelResult, list[Array]]:
    """A model's result on every fold; with ``nested: full`` also those without each fold.

    ``scratch`` is for checkpoints; ``explain`` finds out how much features matter.

    Raises:
        PodiumError: training diverged, or an estimator fails.
    """
    target, metric = target_of(competition, dataset.schema), competition.scoring
    params, full = competition.models[model], competition.ensemble.nested == "full"
    with _located_in_params(competition.name, model):
        result = fit_targets(params, dataset, target, metric, reporter, scratch, explain)
        again = Fit(dataset, target, params, metric, reporter, scratch)
        return result, fit_targets_without_each_fold(again) if full else []


def write_predictions(
    folder: Path,
    result: ModelResult,
    inner: list[Array],
    dataset: Dataset,
    competition: Competition,
) -> None:
    """What the blend reads of a model: ``oof.parquet``, ``test.parquet``, ``metrics.json``."""
    target = target_of(competition, dataset.schema)
    oof = target.frame(dataset.train_ids, result.oof, result.oof_std)
    oof = with_true_values(oof, dataset.y, competition)
    oof["fold"] = dataset.folds[:, 0]
    for fold, predictions in enumerate(inner):
        oof[target.columns_without(fold)] = predictions
    oof.to_parquet(folder / "oof.parquet", index=False)
    test = target.frame(dataset.test_ids, result.test, result.test_std)
    test.to_parquet(folder / "test.parquet", index=False)
    files.write_json(
        folder / "metrics.json", summary(result, competition.metric, target, dataset.folds.shape[1])
    )
    files.write_json(folder / paths.TIMING, _timing(result))


@contextmanager
def pool_of(config: Config) -> Iterator[None]:
    """Folds and groups of networks are computed where params.yaml says."""
    with compute.executor(config.compute) as pool, compute.using(pool):
        yield


@contextmanager
def _located_in_params(name: str, model: str) -> Iterator[None]:
    """Say where params.yaml names the estimator that fails."""
    try:
        yield
    except EstimatorError as error:
        raise SettingError((name, "models", model), str(error)) from error


@contextmanager
def _report_if_stopped(scratch: Path) -> Iterator[None]:
    """After Ctrl-C say that the next run goes on, where it does."""
    try:
        yield
    except KeyboardInterrupt:
        if scratch.is_dir():
            console().print("stopped; the next run continues from here", highlight=False)
        raise


def _write(
    where: Path,
    result: ModelResult,
    inner: list[Array],
    dataset: Dataset,
    target: Target,
    competition: Competition,
    loss: str,
) -> None:
    with files.publish(where) as folder:
        write_predictions(folder, result, inner, dataset, competition)
        result.history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        curves = _shown_curves(result, target, loss)
        curves.to_csv(folder / "curves.csv", index=False, float_format="%.6g", lineterminator="\n")
        _draw_curves(folder / PICTURES, where.name, result, target)
        (folder / "weights").mkdir()
        for file, content in result.weights.items():
            (folder / "weights" / file).write_bytes(content)
        for name, table in _explained(result, target).items():
            path = folder / f"{name}.csv"
            table.to_csv(path, index=False, float_format="%.8g", lineterminator="\n")


def _explained(result: ModelResult, target: Target) -> dict[str, pd.DataFrame]:
    """How much features matter, by file; without rows where nothing of it is known."""
    tables: dict[str, list[pd.DataFrame]] = {IMPORTANCE: [], DEPENDENCE: []}
    for own in each_target(target):
        found = result.part(own.name).explained or NOTHING
        for name, table in ((IMPORTANCE, found.importance), (DEPENDENCE, found.dependence)):
            tables[name].append(table.assign(target=own.name)[["target", *table]])
    return {name: pd.concat(parts) for name, parts in tables.items()}


def _timing(result: ModelResult) -> dict[str, object]:
    """``timing.json``: what differs from run to run. How long, when, and of which commit."""
    finished = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    seconds = {
        "fit_seconds": round(result.fit_seconds, 2),
        "predict_seconds": round(result.predict_seconds, 4),
    }
    return {**seconds, "finished": finished, **git_commit()}


def _draw_curves(folder: Path, model: str, result: ModelResult, target: Target) -> None:
    """The learning curves, which MLflow and the report show."""
    folder.mkdir()
    for own in shown_targets(target):
        path = folder / f"{own.file(LEARNING_CURVE)}.png"
        plots.learning_curve(result.part(own.name).history, path, f"{model} {own.name}".strip())


def _shown_curves(result: ModelResult, target: Target, loss: str) -> pd.DataFrame:
    """The mean curves that DVC plots; of several targets those of the first, each named."""
    tables = []
    for own in shown_targets(target):
        curves = shown_curves(result.part(own.name).history, loss)
        tables.append(curves.assign(part=[f"{part} {own.name}".strip() for part in curves["part"]]))
    return pd.concat(tables)


def summary(
    result: ModelResult, metric: str, target: Target, repeats: int = 1
) -> dict[str, object]:
    """``metrics.json``: scores, tuned thresholds, what ``auto`` was resolved to.

    ``repeats`` is that of the folds. Of several targets each has the same facts under ``targets``.
    """
    resolved = {"resolved": result.resolved} if result.resolved else {}
    return {
        **score_facts(metric, result.score, result.fold_scores, repeats),
        **decision_facts(result.decision, result.fold_decisions, target.classes),
        "details": mean_details(result),
        **_refit_facts(result),
        **resolved,
        **_weighted_configurations(result),
        **of_each_target(
            {
                own.name: summary(result.part(own.name), metric, own.target, repeats)
                for own in each_target(target)
                if own.name
            }
        ),
    }


def _weighted_configurations(result: ModelResult) -> dict[str, object]:
    """The configurations of a model that tries several: knobs and mean weight of those with any."""
    if result.configurations is None:
        return {}
    by_number = result.configurations.groupby("configuration")
    weights, knobs = by_number["weight"].mean().round(DIGITS), by_number["knobs"].first()
    used = weights[weights > 0].sort_values(ascending=False, kind="stable")
    return {
        "configurations": [
            {"configuration": int(number), "weight": float(weight), "knobs": knobs[number]}
            for number, weight in used.items()
        ]
    }


def _refit_facts(result: ModelResult) -> dict[str, object]:
    """What is known of the model on all rows, if there is one."""
    if result.refit is None:
        return {}
    return {"refit": {name: round(value, DIGITS) for name, value in result.refit.items()}}


def mean_details(result: ModelResult) -> dict[str, float]:
    """What a search chose (alpha, rounds ...), the mean over folds."""
    return {
        key: round(float(np.mean([split[key] for split in result.details])), DIGITS)
        for key in result.details[0]
    }


def _log(
    run: Run, result: ModelResult, model: str, dataset: Dataset, target: Target, where: Path
) -> None:
    """Scores, curves and artefacts of a finished training."""
    log_scores(run, result.score, result.fold_scores, dataset.folds.shape[1])
    log_target_scores(run, target, {name: part.score for name, part in result.parts.items()})
    run.log_metrics({"fit_seconds": round(result.fit_seconds, 2), **mean_details(result)})
    with files.scratch() as folder:
        for own in shown_targets(target):
            _log_target(run, result.part(own.name), model, dataset, own, folder)
        result.history.to_csv(folder / "history.csv", index=False)
        _write_configurations(folder, result, target)
        folds = folds_frame(dataset.train_ids, dataset.folds, trained=dataset.trained)
        folds.to_csv(folder / "folds.csv", index=False)
        # By these a run can be compared with another ('podium compare').
        shutil.copy(where / "oof.parquet", folder)
        if any(result.part(own.name).explained for own in each_target(target)):
            shutil.copy(where / f"{IMPORTANCE}.csv", folder)
        shutil.copytree(where / PICTURES, folder, dirs_exist_ok=True)
        run.log_artifacts(folder)


def _write_configurations(folder: Path, result: ModelResult, target: Target) -> None:
    """A table for each target of what a model that tries several configurations made of them."""
    for own in each_target(target):
        table = result.part(own.name).configurations
        if table is not None:
            told = table.assign(knobs=table["knobs"].map(json.dumps))
            told.to_csv(folder / f"{own.file('configurations')}.csv", index=False)


def _log_target(
    run: Run, result: ModelResult, model: str, dataset: Dataset, own: OneTarget, folder: Path
) -> None:
    """Curves and pictures of the predictions of one target, or of the only one."""
    curves, y = mlflow_curves(result.history), own.y(dataset.y)
    prefix = f"{own.label}/" if own.label else ""
    run.log_curves({f"{prefix}{name}": curve for name, curve in curves.items()})
    title = f"{model} {own.name}".strip()
    if own.target.is_regression:
        seen = dataset.validated
        for name, draw in plots.NUMBER_PLOTS.items():
            draw(y[seen], result.oof[seen, 0], folder / f"{own.file(name)}.png", title)
        return
    found = class_report(y, result.oof, dataset.train_ids, own.target.classes, result.decided)
    run.log_metrics({own.key("ece"): found.ece})
    where = folder / own.label
    found.write(where)
    found.draw(where, title)
    found.draw_worst(dataset, where / "worst.png", title)


def _print_score(
    competition: Competition, dataset: Dataset, model: str, result: ModelResult
) -> None:
    warn_of_undefined(model, competition.scoring, result.fold_scores)
    console().print(
        f"{label(competition, dataset.schema)}  {model}  {competition.metric} "
        f"{shown_scores(result.score, result.fold_scores)}, {result.fit_seconds:.1f} s"
    )
