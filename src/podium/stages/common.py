"""What stages share: scores as they are written, and the facts that runs are tagged with."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from podium.config import Competition
from podium.config.providers import is_sample
from podium.data.dataset import Schema
from podium.data.several_targets import each_target, make_target
from podium.data.targets import Target
from podium.io import paths
from podium.io.errors import PodiumError, warn
from podium.metrics import Array, Decision, Metric
from podium.runtime.tracking import Run

# Digits of a committed score: what lies beyond differs between machines and says nothing.
DIGITS = 6
# The pictures in a model's folder, and what their names begin with.
PICTURES, LEARNING_CURVE = "pictures", "learning_curve"
# What is known of features: how much each matters, and how predictions depend on some.
IMPORTANCE, DEPENDENCE = "importance", "partial_dependence"
# Keys of ``metrics.json`` that several targets have in common.
OF_ALL_TARGETS = ("metric", "resolved")


def read_schema(competition: str) -> Schema:
    """Facts about the preprocessed data."""
    return Schema.read(paths.processed(competition))


def require_trained(competition: Competition) -> None:
    """Check that the blend's models have results.

    Raises:
        PodiumError: one has not been trained.
    """
    for model in competition.blended:
        folder = paths.model(competition.name, model)
        if not (folder / "metrics.json").is_file():
            raise PodiumError(f"{folder}: model '{model}' is not trained; run 'dvc repro'")


def target_of(competition: Competition, schema: Schema) -> Target:
    """The competition's kind of target."""
    classes_of = schema.classes_of or [schema.classes]
    return make_target(
        competition.task, competition.target_transform, competition.targets, classes_of
    )


def true_columns(competition: Competition) -> list[str]:
    """The columns of ``oof.parquet`` that hold the true targets."""
    return [f"true_{name}" for name in competition.targets]


def true_values(oof: pd.DataFrame, competition: Competition) -> Array:
    """The true target in a table of OOF predictions, shape (n,); of several (n, targets)."""
    values = oof[true_columns(competition)].to_numpy(dtype=np.float64)
    return values if values.shape[1] > 1 else values[:, 0]


def with_true_values(oof: pd.DataFrame, y: Array, competition: Competition) -> pd.DataFrame:
    """A table of OOF predictions with the true target beside them."""
    columns = zip(true_columns(competition), y.reshape(len(y), -1).T, strict=True)
    return oof.assign(**dict(columns))


def of_each_target(parts: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """The part of ``metrics.json`` with the facts of each of several targets; else empty.

    What is the same for all stands above them.
    """
    own = {
        name: {key: value for key, value in facts.items() if key not in OF_ALL_TARGETS}
        for name, facts in parts.items()
    }
    return {"targets": own} if own else {}


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


def cv_scores(score: float, fold_scores: list[float], repeats: int = 1) -> dict[str, float]:
    """The pooled OOF score; mean, std and the mean's standard error over folds.

    ``fold_scores`` has the folds of each repeat after those of the one before. Repeats validate the
    same rows again: the standard error is that of one of them, its variance the mean of theirs.
    Folds on which the metric is undefined are left out, as is what is defined nowhere.
    """
    defined = [value for value in fold_scores if value == value]
    scores = {"cv": score}
    if defined:
        scores = {"cv_mean": float(np.mean(defined)), "cv_std": float(np.std(defined))} | scores
    if (error := _standard_error(fold_scores, repeats)) == error:
        scores["cv_se"] = error
    return {name: round(value, DIGITS) for name, value in scores.items() if value == value}


def _standard_error(fold_scores: list[float], repeats: int) -> float:
    """Of the mean over folds; NaN of fewer than two."""
    count = len(fold_scores) // repeats
    parts = [fold_scores[start : start + count] for start in range(0, count * repeats, count or 1)]
    known = [[score for score in part if score == score] for part in parts]
    errors = [float(np.std(part, ddof=1) / len(part) ** 0.5) for part in known if len(part) > 1]
    if len(errors) < 2:
        return errors[0] if errors else float("nan")
    return float(np.sqrt(np.mean(np.square(errors))))


def score_facts(
    metric: str, score: float, fold_scores: list[float], repeats: int = 1
) -> dict[str, object]:
    """The part of ``metrics.json`` that models and blend have in common.

    ``undefined_folds``, where there are some, are those that the mean leaves out.
    """
    folds = {str(index): round(value, DIGITS) for index, value in _defined(fold_scores)}
    undefined = undefined_folds(fold_scores)
    facts = {"metric": metric, **cv_scores(score, fold_scores, repeats), "folds": folds}
    return facts | ({"undefined_folds": undefined} if undefined else {})


def decision_facts(
    decision: Decision | None, of_folds: Sequence[Decision | None], classes: Sequence[str]
) -> dict[str, object]:
    """The part of ``metrics.json`` about tuned thresholds or cut points; empty without."""
    if decision is None:
        return {}
    folds = {str(fold): own.facts(classes) for fold, own in enumerate(of_folds) if own is not None}
    return {"decision": {**decision.facts(classes), "folds": folds}}


def undefined_folds(fold_scores: list[float]) -> list[int]:
    """The folds on which the metric is undefined: ROC AUC of one class, for one."""
    return [index for index, value in enumerate(fold_scores) if value != value]


def _defined(fold_scores: list[float]) -> list[tuple[int, float]]:
    return [(index, value) for index, value in enumerate(fold_scores) if value == value]


def warn_of_undefined(what: str, metric: Metric, fold_scores: list[float]) -> None:
    """Report the folds that the mean leaves out."""
    undefined = undefined_folds(fold_scores)
    if undefined:
        names = ", ".join(map(str, undefined))
        warn(
            f"{what}: {metric.title} is undefined on fold {names} (all its rows have one target), "
            f"and the mean is of the other {len(fold_scores) - len(undefined)} folds; "
            "use fewer folds, or another scheme"
        )


def shown_scores(score: float, fold_scores: list[float]) -> str:
    """Mean and std over folds, and the pooled score, for the terminal."""
    scores = cv_scores(score, fold_scores)
    folds = (
        f"{scores['cv_mean']:.5f} ± {scores['cv_std']:.5f} (std of folds)"
        if "cv_mean" in scores
        else "undefined"
    )
    return f"{folds}, pooled OOF " + (f"{scores['cv']:.5f}" if "cv" in scores else "undefined")


def log_scores(run: Run, score: float, fold_scores: list[float], repeats: int = 1) -> None:
    """The pooled score and its standard error as metrics, each fold's score as a step."""
    scores = cv_scores(score, fold_scores, repeats)
    run.log_metrics({name: scores[name] for name in ("cv", "cv_se") if name in scores})
    run.log_curves({"fold_score": _defined(fold_scores)})


def log_target_scores(run: Run, target: Target, scores: Mapping[str, float]) -> None:
    """The pooled score of each of several targets, ``cv.<target>``."""
    run.log_metrics(
        {
            own.key("cv"): round(scores[own.name], DIGITS)
            for own in each_target(target)
            if own.name in scores and scores[own.name] == scores[own.name]
        }
    )


def label(competition: Competition, schema: Schema) -> str:
    """The competition's name, with the data named where they are not Kaggle's."""
    if not is_sample(schema.provider):
        return competition.name
    kind = "synthetic sample" if schema.synthetic else "sample"
    return f"{competition.name} ({kind} data)"
