"""What stages share: where they print, and the facts they tag runs with."""

import sys
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console

from podium.config import Competition, ModelParams
from podium.config.providers import is_sample
from podium.data.dataset import Schema
from podium.data.targets import Target
from podium.io import paths
from podium.io.csv_files import SAMPLE, read_csv
from podium.runtime.tracking import Run

NAME_LENGTH = 120
# Digits of a committed score: what lies beyond differs between machines and says nothing.
DIGITS = 6
# Seconds differ from run to run: neither git nor DVC looks at this file of a model's folder.
TIMING = "timing.json"


def console() -> Console:
    """Standard output; a log file gets lines of any length."""
    return Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty(), highlight=False)


def read_schema(competition: str) -> Schema:
    """Facts about the preprocessed data."""
    return Schema.read(paths.processed(competition))


def read_sample(competition: Competition) -> pd.DataFrame:
    """The sample submission as text, as Kaggle gave it.

    Raises:
        PodiumError: it is missing or no csv.
    """
    return read_csv(paths.raw(competition.name) / SAMPLE, na_values=[])


def target_of(competition: Competition, schema: Schema) -> Target:
    """The competition's kind of target."""
    return Target(competition.task, competition.target_transform, tuple(schema.classes))


def target_column(competition: Competition) -> str:
    """The column of ``oof.parquet`` that holds the true target."""
    return f"true_{competition.target}"


def run_tags(competition: Competition, schema: Schema, stage: str) -> dict[str, str]:
    """Tags by which a run is found again."""
    return {
        "podium.stage": stage,
        "podium.competition": competition.name,
        "data.provider": schema.provider,
        "data.synthetic": str(schema.synthetic).lower(),
        "data.sha256": schema.data_sha256,
        "folds.sha256": schema.folds_sha256,
    }


def run_params(competition: Competition) -> dict[str, Any]:
    """The competition's block, without its models."""
    return competition.model_dump(
        exclude={"models": True, "name": True, "ensemble": True, "source": {"files"}}
    )


def run_name(model: str, params: ModelParams) -> str:
    """The model's name and the knobs that differ from the defaults: ``mlp dropout=0.5``."""
    changed = params.model_dump(exclude_defaults=True, exclude={"model"})
    knobs = " ".join(f"{key}={value}" for key, value in changed.items()).replace(", ", ",")
    name = f"{model} {knobs}".strip()
    return name if len(name) <= NAME_LENGTH else name[: NAME_LENGTH - 1] + "…"


def cv_scores(score: float, fold_scores: list[float]) -> dict[str, float]:
    """The pooled OOF score, and mean and std over folds."""
    mean, std = float(np.mean(fold_scores)), float(np.std(fold_scores))
    return {
        "cv_mean": round(mean, DIGITS),
        "cv_std": round(std, DIGITS),
        "cv": round(score, DIGITS),
    }


def score_facts(metric: str, score: float, fold_scores: list[float]) -> dict[str, object]:
    """The part of ``metrics.json`` that models and blend have in common."""
    folds = {str(index): round(value, DIGITS) for index, value in enumerate(fold_scores)}
    return {"metric": metric, **cv_scores(score, fold_scores), "folds": folds}


def log_scores(run: Run, score: float, fold_scores: list[float]) -> None:
    """The scores as metrics, each fold's score as a step."""
    run.log_metrics(cv_scores(score, fold_scores))
    run.log_curves({"fold_score": list(enumerate(fold_scores))})


def label(competition: Competition, schema: Schema) -> str:
    """The competition's name, with the data named where they are not Kaggle's."""
    if not is_sample(schema.provider):
        return competition.name
    kind = "synthetic sample" if schema.synthetic else "sample"
    return f"{competition.name} ({kind} data)"
