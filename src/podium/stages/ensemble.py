"""Stage ensemble: blend the models' predictions into a checked submission."""

import shutil
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition, load_config
from podium.data.targets import Target
from podium.ensemble.blend import Blend, blend
from podium.ensemble.submission import check_submission, make_submission, read_sample
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.reporting import plots
from podium.runtime.console import console
from podium.runtime.tracking import SUBMISSION_TAG, Run, tracked_run
from podium.stages.class_report import class_report, draw_worst_of
from podium.stages.common import (
    cv_scores,
    label,
    log_scores,
    read_schema,
    run_params,
    run_tags,
    score_facts,
    target_column,
    target_of,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """What the models left: predictions stacked by model, shape (models, rows, outputs)."""

    names: list[str]
    metrics: list[dict[str, float]]
    oof: Array
    test: Array
    ids: "pd.Series[object]"
    test_ids: "pd.Series[object]"
    y: Array
    fold_of_row: NDArray[np.int64]


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
    tags = run_tags(competition, schema, "ensemble") | {"podium.model": "blend"}
    with tracked_run(name, "blend", tags) as run:
        spec = competition.ensemble.model_dump() | {"models": " ".join(models.names)}
        run.log_params({**run_params(competition), "model": "blend", "ensemble": spec})
        run.log_data(name, schema.data_sha256, schema.provider)
        result = blend(
            competition.ensemble,
            models.oof,
            models.test,
            models.y,
            models.fold_of_row,
            target,
            competition.scoring,
        )
        submission = _submission(competition, models, result, target)
        _write(competition, models, result, target, submission)
        _log(run, competition, models, result, target)
    console().print(
        f"{label(competition, schema)}  blend of {len(models.names)}  {competition.metric} "
        f"nested OOF {result.score:.5f} -> {paths.submission(name)} ({len(submission)} rows)"
    )


def read_predictions(competition: Competition, target: Target) -> Predictions:
    """Read the predictions of every model that the blend may use.

    Raises:
        PodiumError: a model has not been trained, or on other rows than the rest.
    """
    names = competition.blended
    folders = [paths.model(competition.name, model) for model in names]
    for model, folder in zip(names, folders, strict=True):
        if not (folder / "metrics.json").is_file():
            raise PodiumError(f"{folder}: model '{model}' is not trained; run 'dvc repro'")
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
        y=first[target_column(competition)].to_numpy(dtype=np.float64),
        fold_of_row=first["fold"].to_numpy(dtype=np.int64),
    )


def _submission(
    competition: Competition, models: Predictions, result: Blend, target: Target
) -> pd.DataFrame:
    sample = read_sample(competition.name)
    ids = models.test_ids.astype(str)
    submission = make_submission(sample, ids, result.test, target, competition.scoring)
    check_submission(submission, sample, target, competition.scoring, "submission")
    return submission


def scores_table(models: Predictions, result: Blend) -> pd.DataFrame:
    """One row per model and one for the blend: CV, seconds and weight."""
    rows = [
        {
            "model": name,
            "cv_mean": metrics["cv_mean"],
            "cv_std": metrics["cv_std"],
            "cv": metrics["cv"],
            "weight": round(float(weight), 4),
        }
        for name, metrics, weight in zip(models.names, models.metrics, result.weights, strict=True)
    ]
    rows.append({"model": "blend", **cv_scores(result.score, result.fold_scores)})
    return pd.DataFrame(rows)


def _write(
    competition: Competition,
    models: Predictions,
    result: Blend,
    target: Target,
    submission: pd.DataFrame,
) -> None:
    name = competition.name
    oof = target.frame(models.ids, result.oof)
    oof[target_column(competition)] = models.y
    oof["fold"] = models.fold_of_row
    with files.publish(paths.blend(name)) as folder:
        table = scores_table(models, result)
        table.to_csv(folder / "scores.csv", index=False, lineterminator="\n")
        oof.to_parquet(folder / "oof.parquet", index=False)
        files.write_json(folder / "metrics.json", _metrics(competition, models, result))
    files.write_text(paths.submission(name), submission.to_csv(index=False, lineterminator="\n"))


def _metrics(competition: Competition, models: Predictions, result: Blend) -> dict[str, object]:
    return {
        **score_facts(competition.metric, result.score, result.fold_scores),
        "weights": {
            name: round(float(weight), 4)
            for name, weight in zip(models.names, result.weights, strict=True)
        },
    }


def _log(
    run: Run, competition: Competition, models: Predictions, result: Blend, target: Target
) -> None:
    log_scores(run, result.score, result.fold_scores)
    run.tag(SUBMISSION_TAG, files.sha256(paths.submission(competition.name)))
    for model, weight in zip(models.names, result.weights, strict=True):
        run.log_metrics({f"weight.{model}": float(weight)})
        # The run that this model came from has the same sum as its tag oof.sha256.
        oof = paths.model(competition.name, model) / "oof.parquet"
        run.tag(f"oof.sha256.{model}", files.sha256(oof))
    with files.scratch() as folder:
        plots.model_scores(scores_table(models, result), folder / "scores.png", competition.scoring)
        if target.is_regression:
            for name, draw in plots.NUMBER_PLOTS.items():
                draw(models.y, result.oof[:, 0], folder / f"{name}.png", "blend")
        else:
            found = class_report(models.y, result.oof, models.ids, target.classes)
            run.log_metrics({"ece": found.ece})
            found.write(folder)
            found.draw(folder, "blend")
            draw_worst_of(competition, found, folder / "worst.png", "blend")
        shutil.copy(paths.submission(competition.name), folder)
        run.log_artifacts(folder)
    run.log_artifacts(paths.blend(competition.name))
