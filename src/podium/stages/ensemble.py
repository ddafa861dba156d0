"""Stage ensemble: blend the models' predictions into a checked submission."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition, load_config
from podium.config.blending import AUTO
from podium.config.names import BLEND
from podium.data.dataset import FOLDS, Schema, read_folds
from podium.data.ids import in_own_columns
from podium.data.sample_submission import note
from podium.data.several_targets import OneTarget, each_target, shown_targets
from podium.data.targets import Target
from podium.ensemble.blend import Blend
from podium.ensemble.scoring import Scored
from podium.ensemble.several_targets import blend_targets
from podium.ensemble.submission import check_submission, make_submission, read_form
from podium.ensemble.worth import worth
from podium.io import files, paths
from podium.io.errors import PodiumError, warn
from podium.metrics import Metric
from podium.reporting import plots
from podium.runtime.console import console
from podium.runtime.tracking import (
    SUBMISSION_TAG,
    SUBMITTED_CV,
    SUBMITTED_TAG,
    Run,
    tracked_run,
)
from podium.stages.blend_facts import WORTH, method_facts, worth_table
from podium.stages.class_report import class_report, draw_worst_of
from podium.stages.common import (
    cv_scores,
    decision_facts,
    label,
    log_scores,
    log_target_scores,
    of_each_target,
    read_schema,
    require_trained,
    run_tags,
    score_facts,
    target_of,
    true_values,
    warn_of_undefined,
    with_true_values,
)
from podium.stages.run_facts import log_all, log_competition, run_name

Array = NDArray[np.float64]
SCORES = ("cv_mean", "cv_std", "cv", "cv_se")
# What the files for ``dvc metrics`` have.
HEADLINE = ("cv",)


@dataclass(frozen=True)
class Predictions:
    """What the models left: predictions stacked by model, shape (models, rows, outputs).

    ``inner``: with ``nested: full``, shape (folds, models, rows, outputs). ``trained``: the rows
    that each fold trains on, shape (rows, folds), where that is not all others.
    """

    names: list[str]
    metrics: list[dict[str, Any]]
    oof: Array
    test: Array
    ids: "pd.Series[object]"
    test_ids: "pd.Series[object]"
    y: Array
    fold_of_row: NDArray[np.int64]
    inner: Array | None
    trained: NDArray[np.bool_] | None


def ensemble(name: str) -> None:
    """Blend, check against the sample submission, write, and log.

    Raises:
        PodiumError: a model has no predictions, or the submission would be refused; an earlier
            submission stays.
    """
    competition = load_config(only=name)[name]
    schema = read_schema(name)
    target = target_of(competition, schema)
    models = read_predictions(competition, target)
    tags = run_tags(competition, schema, "ensemble") | {"podium.model": BLEND}
    with tracked_run(name, run_name(BLEND, schema), tags) as run:
        spec = competition.ensemble.model_dump() | {"models": " ".join(models.names)}
        log_competition(run, competition, {"model": BLEND, "ensemble": spec})
        log_all(run, competition)
        run.log_data(name, schema.data_sha256, schema.provider)
        result = blended(competition, models, target)
        submission = _submission(competition, models, result, target)
        with files.scratch() as pictures:
            facts = _publish(competition, models, result, target, submission, pictures)
            run.log_metrics(facts)
            _log(run, competition, models, result, target, pictures)
    _print(competition, schema, models, result, len(submission))


def blended(competition: Competition, models: Predictions, target: Target) -> Blend:
    """The blend of predictions, by the block ``ensemble``."""
    return blend_targets(
        competition.ensemble,
        models.oof,
        models.test,
        models.y,
        models.fold_of_row,
        target,
        competition.scoring,
        models.inner,
        models.trained,
    )


def read_predictions(competition: Competition, target: Target) -> Predictions:
    """Read the predictions of every model that the blend may use.

    Raises:
        PodiumError: a model has not been trained, or on other rows than the rest.
    """
    require_trained(competition)
    name = competition.name
    folders = {model: paths.model(name, model) for model in competition.blended}
    return predictions_in(folders, paths.processed(name) / FOLDS, competition, target)


def predictions_in(
    of_models: Mapping[str, Path], folds: Path, competition: Competition, target: Target
) -> Predictions:
    """The same from folders of models, by their names, and the file of their folds.

    Raises:
        PodiumError: a model was trained on other rows than the rest.
    """
    names, folders = list(of_models), list(of_models.values())
    oof = [pd.read_parquet(folder / "oof.parquet") for folder in folders]
    test = [pd.read_parquet(folder / "test.parquet") for folder in folders]
    first = oof[0]
    for model, table in zip(names, oof, strict=True):
        same = table[competition.id].equals(first[competition.id])
        if not same or not table["fold"].equals(first["fold"]):
            raise PodiumError(
                f"models/{competition.name}: '{model}' was trained on other rows or folds than "
                f"'{names[0]}'; run 'dvc repro'"
            )
    return Predictions(
        names=names,
        metrics=[files.read_json(folder / "metrics.json") for folder in folders],
        oof=np.stack([table[target.columns].to_numpy(dtype=np.float64) for table in oof]),
        test=np.stack([table[target.columns].to_numpy(dtype=np.float64) for table in test]),
        ids=first[competition.id],
        test_ids=test[0][competition.id],
        y=true_values(first, competition),
        fold_of_row=first["fold"].to_numpy(dtype=np.int64),
        inner=_inner(competition, target, names, oof),
        trained=read_folds(pd.read_parquet(folds))["trained"],
    )


def _inner(
    competition: Competition, target: Target, names: list[str], oof: list[pd.DataFrame]
) -> Array | None:
    """Predictions by models that were fitted without each fold, if the blend is to use them.

    Raises:
        PodiumError: a model has none.
    """
    if competition.ensemble.nested != "full":
        return None
    columns = [target.columns_without(fold) for fold in range(int(oof[0]["fold"].max()) + 1)]
    for model, table in zip(names, oof, strict=True):
        if columns[-1][0] not in table:
            raise PodiumError(
                f"models/{competition.name}: '{model}' was trained before ensemble.nested was set "
                "to full; run 'dvc repro'"
            )
    return np.stack([[table[own].to_numpy(np.float64) for table in oof] for own in columns])


def _submission(
    competition: Competition, models: Predictions, result: Blend, target: Target
) -> pd.DataFrame:
    sample, form = read_form(competition, target)
    ids = models.test_ids.astype(str)
    submitted = result.submitted
    # Where probabilities are asked for, no label is decided.
    prediction = submitted.test if form.kind == "probabilities" else submitted.decided_test
    submission = make_submission(sample, ids, prediction, form)
    check_submission(submission, sample, form, target, competition.scoring, "submission")
    return submission


def scores_table(models: Predictions, result: Blend, metric: Metric) -> pd.DataFrame:
    """One row per model and one for the blend: CV, weight, and whether it is what is submitted.

    A score is missing where the metric is undefined. ``place`` is 1 for the best; ``measure`` is
    what DVC's plot has at its axis.
    """
    rows: list[dict[str, object]] = [
        {
            "model": name,
            **{key: metrics.get(key) for key in SCORES},
            "weight": round(float(weight), 4),
        }
        for name, metrics, weight in zip(models.names, models.metrics, result.weights, strict=True)
    ]
    blended = cv_scores(result.blended.score, result.blended.fold_scores)
    rows.append({"model": BLEND, **{key: blended.get(key) for key in SCORES}})
    table = pd.DataFrame(rows).astype(dict.fromkeys(SCORES, float))
    table["submitted"] = table["model"] == _submitted(models, result)
    table["place"] = table["cv"].rank(ascending=not metric.greater_is_better, method="first")
    better = "higher" if metric.greater_is_better else "lower"
    return table.assign(measure=f"{metric.title}, {better} is better")


def _write_headlines(scores: pd.DataFrame, folder: Path) -> None:
    """A file for each model and the blend, so that ``dvc metrics`` has a line for each.

    Several in one file would be columns: of two competitions 14.
    """
    for row in scores.to_dict("records"):
        facts = {key: row[key] for key in HEADLINE if row[key] == row[key]}
        files.write_json(folder / f"{row['model']}.json", facts)


def _submitted(models: Predictions, result: Blend) -> str:
    """The name of what is submitted: the blend, or a model."""
    return BLEND if result.chosen is None else models.names[result.chosen]


def _publish(
    competition: Competition,
    models: Predictions,
    result: Blend,
    target: Target,
    submission: pd.DataFrame,
    pictures: Path,
) -> dict[str, float]:
    """Write all results or none: what can fail is done before the first file is replaced.

    Returns facts to log beside the scores; the run's pictures and tables are in ``pictures``.
    """
    name = competition.name
    oof = _oof(competition, models, result, target)
    with files.publish(paths.blend(name)) as folder, files.publish(paths.cv(name)) as headlines:
        scores = scores_table(models, result, competition.scoring)
        scores.to_csv(folder / "scores.csv", index=False, lineterminator="\n")
        _write_headlines(scores, headlines)
        oof.to_parquet(folder / "oof.parquet", index=False)
        metrics = _metrics(competition, models, result, target)
        files.write_json(folder / "metrics.json", metrics)
        worths = _worth(competition, models, result, target)
        worths.to_csv(folder / WORTH, index=False, lineterminator="\n")
        facts = _draw(competition, models, result, target, pictures)
        table = in_own_columns(submission, competition.id_columns)
        text = table.to_csv(index=False, lineterminator="\n")
        files.write_text(paths.submission(name), text)
    return facts


def _oof(
    competition: Competition, models: Predictions, result: Blend, target: Target
) -> pd.DataFrame:
    """OOF predictions of what is submitted; beside a model's the blend's own."""
    oof = target.frame(models.ids, result.submitted.oof)
    oof = with_true_values(oof, models.y, competition)
    oof["fold"] = models.fold_of_row
    is_tuned = competition.scoring.is_tuned
    if is_tuned:
        oof[target.decided_columns] = result.submitted.decided
    if result.chosen is not None:
        oof[target.nested_columns] = result.blended.oof
        if is_tuned:
            oof[target.nested_decided_columns] = result.blended.decided
    return oof


def _metrics(
    competition: Competition, models: Predictions, result: Blend, target: Target
) -> dict[str, object]:
    """``metrics.json``: the scores of what is submitted; the blend's too where it is a model."""
    submitted, blended = result.submitted, result.blended
    facts = score_facts(competition.metric, submitted.score, submitted.fold_scores)
    facts |= decision_facts(submitted.decision, submitted.fold_decisions, target.classes)
    if result.chosen is not None:
        own = score_facts(competition.metric, blended.score, blended.fold_scores)
        facts["blend"] = {key: value for key, value in own.items() if key != "metric"}
    weights = {
        name: round(float(weight), 4)
        for name, weight in zip(models.names, result.weights, strict=True)
    }
    of_targets = of_each_target(
        {
            own.name: _metrics(competition, models, result.parts[own.name], own.target)
            for own in each_target(target)
            if own.name
        }
    )
    return {
        **facts,
        "submitted": _submitted(models, result),
        "weights": weights,
        **method_facts(result, competition.scoring),
        **of_targets,
    }


def _worth(
    competition: Competition, models: Predictions, result: Blend, target: Target
) -> pd.DataFrame:
    """What each model is worth; ``auto`` does not choose again without it."""
    found = worth(
        competition.ensemble,
        models.oof,
        models.y,
        models.fold_of_row,
        target,
        competition.scoring,
        models.inner,
        models.trained,
        {own.name: result.part(own.name).method for own in each_target(target)},
    )
    return worth_table(models.names, found)


def _draw(
    competition: Competition, models: Predictions, result: Blend, target: Target, folder: Path
) -> dict[str, float]:
    """The run's pictures and tables, of the blend; returns facts to log."""
    scores = scores_table(models, result, competition.scoring)
    plots.model_scores(scores, folder / "scores.png", competition.scoring)
    facts: dict[str, float] = {}
    for own in shown_targets(target):
        facts |= _draw_target(competition, models, result.blended_part(own.name), own, folder)
    return facts


def _draw_target(
    competition: Competition, models: Predictions, blended: Scored, own: OneTarget, folder: Path
) -> dict[str, float]:
    """The same of one target, or of the only one."""
    name, oof = f"{BLEND} {own.name}".strip(), blended.oof
    y = own.y(models.y)
    if own.target.is_regression:
        seen = models.fold_of_row >= 0
        for picture, draw in plots.NUMBER_PLOTS.items():
            draw(y[seen], oof[seen, 0], folder / f"{own.file(picture)}.png", name)
        return {}
    found = class_report(y, oof, models.ids, own.target.classes, blended.decided)
    where = folder / own.label
    found.write(where)
    found.draw(where, name)
    draw_worst_of(competition, found, where / "worst.png", name)
    return {own.key("ece"): found.ece}


def _log(
    run: Run,
    competition: Competition,
    models: Predictions,
    result: Blend,
    target: Target,
    pictures: Path,
) -> None:
    """The blend's own scores; of a model that is submitted in its place, its name and score."""
    submitted = _submitted(models, result)
    log_scores(run, result.blended.score, result.blended.fold_scores)
    of_each = {name: result.blended_part(name).score for name in result.parts}
    log_target_scores(run, target, of_each)
    run.tag(SUBMITTED_TAG, submitted)
    scores = cv_scores(result.submitted.score, [])
    if submitted != BLEND and scores:
        run.log_metrics({SUBMITTED_CV: scores["cv"]})
    run.tag(SUBMISSION_TAG, files.sha256(paths.submission(competition.name)))
    for model, weight in zip(models.names, result.weights, strict=True):
        run.log_metrics({f"weight.{model}": float(weight)})
        # The run that this model came from has the same sum as its tag oof.sha256.
        oof = paths.model(competition.name, model) / "oof.parquet"
        run.tag(f"oof.sha256.{model}", files.sha256(oof))
    shutil.copy(paths.submission(competition.name), pictures)
    run.log_artifacts(pictures)
    run.log_artifacts(paths.blend(competition.name))


def _print(
    competition: Competition, schema: Schema, models: Predictions, result: Blend, rows: int
) -> None:
    """What was blended, what is submitted, and what a reader should know about it."""
    blended, metric = result.blended, competition.scoring
    warn_of_undefined(BLEND, metric, blended.fold_scores)
    if competition.ensemble.method == AUTO and result.method:
        console().print(f"{label(competition, schema)}  method: auto chose {result.method}")
    if result.raised:
        warn(
            f"{competition.name}: {result.raised} of {rows * len(competition.targets)} test "
            "predictions were below "
            f"{target_of(competition, schema).least(metric):g}, the least that metric "
            f"{metric.name} with target_transform {competition.target_transform} can take, and "
            "are set to it"
        )
    console().print(
        f"{label(competition, schema)}  blend of {len(models.names)}  {competition.metric} "
        f"nested OOF {blended.score:.5f} -> {paths.submission(competition.name)} ({rows} rows)"
    )
    if unasked := note(schema.classes, competition):
        console().print(f"{label(competition, schema)}  {unasked}")
    if result.chosen is not None:
        console().print(
            f"{label(competition, schema)}  submitted: {_submitted(models, result)}, "
            f"{competition.metric} {result.submitted.score:.5f}, which the blend doesn't beat"
        )
