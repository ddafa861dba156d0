"""Fits a model on every fold and collects OOF and test predictions, scores and history."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pandas as pd

from podium.config import ModelParams
from podium.config.models import model_spec
from podium.data.dataset import ALL_ROWS, Dataset, Split
from podium.data.targets import Target
from podium.metrics import Decision, Metric, nested_decisions, tune
from podium.models.absent import without_absent_classes
from podium.models.auto import resolve_params
from podium.models.base import Array, Fit, ModelFunction, Probed, SplitFit
from podium.models.explained import Explained, explained
from podium.models.probes import probe
from podium.runtime.progress import SILENT, Reporter

HISTORY = ["repeat", "fold", "seed", "step", "train_loss", "valid_loss"]


@dataclass(frozen=True)
class ModelResult:
    """A fitted model's predictions (decoded) and scores.

    ``oof`` has shape (n, outputs): each training row is predicted by the fold that was not trained
    on it, averaged over repeats; NaN for rows that are never validated, which no score has.
    ``test`` has shape (test rows, outputs): the mean over folds, taken on the model scale, or what
    the knob ``test`` says. ``fold_scores`` has one score per split. ``resolved`` has the values
    of hyperparameters that were ``auto``. The stds (on the model scale) have the shapes of the
    predictions; None if the model has none. ``decided`` is what the metric scores, ``oof`` itself
    but for metrics with thresholds or cut points: ``fold_decisions`` are those, and ``decision``
    the one that is tuned on all OOF rows. Of several targets ``parts`` has the result of each, and
    decisions are there alone. ``predict_seconds`` is how long all folds' models took to predict the
    test rows; ``explained`` what is known of features, if it was asked for, in addition to
    ``fit_seconds``. ``configurations`` has a row for each fold and configuration of a model that
    tries several. ``refit`` are the details of the model that was fitted on all rows, if one was.
    """

    oof: Array
    test: Array
    decided: Array
    decision: Decision | None
    fold_decisions: list[Decision | None]
    score: float
    fold_scores: list[float]
    fit_seconds: float
    predict_seconds: float
    history: pd.DataFrame
    details: list[dict[str, float]]
    weights: dict[str, bytes]
    resolved: dict[str, Any]
    oof_std: Array | None = None
    test_std: Array | None = None
    explained: Explained | None = None
    configurations: pd.DataFrame | None = None
    refit: dict[str, float] | None = None
    parts: Mapping[str, "ModelResult"] = field(default_factory=dict)

    def part(self, name: str) -> "ModelResult":
        """The result of one of several targets; of no name the whole."""
        return self.parts[name] if name else self


def fit_model(
    params: ModelParams,
    dataset: Dataset,
    target: Target,
    metric: Metric,
    reporter: Reporter = SILENT,
    scratch: Path | None = None,
    explain: bool = False,
) -> ModelResult:
    """Fit the model that ``params`` describes on every fold and score its OOF predictions.

    ``scratch`` is a folder for checkpoints, from which a later run can continue. ``explain``: how
    much features matter to a model of a table is found out beside it.
    """
    values = resolve_params(params, dataset, target, metric)
    asked = probe if explain and dataset.kind == "tabular" else None
    fit = Fit(dataset, target, values, metric, reporter, scratch, asked)
    started = time.perf_counter()
    splits = fit_splits(fit)
    whole = None if values.tested_by == "folds" else refit_on_all(fit, splits)
    seconds = time.perf_counter() - started
    found = None if asked is None else _explained(fit, splits)
    scored = score_splits(dataset, target, metric, splits)
    fitted = dict(zip((split.name for split in dataset.splits), splits, strict=True))
    if whole is not None:
        fitted[ALL_ROWS] = whole
    test = of_test_rows(values.tested_by, splits, whole)
    return ModelResult(
        oof=scored.oof,
        test=target.decode(test.test),
        decided=scored.decided,
        decision=tune(metric, dataset.y, scored.oof),
        fold_decisions=scored.decisions,
        score=scored.score,
        fold_scores=scored.fold_scores,
        fit_seconds=seconds - sum(split.probe_seconds for split in splits),
        predict_seconds=test.predict_seconds,
        history=_history(dataset, splits),
        details=[split.details for split in splits],
        resolved={name: getattr(values, name) for name in params.automatic()},
        weights={
            f"{split}.{name}": content
            for split, one in fitted.items()
            for name, content in one.weights.items()
        },
        oof_std=_oof_std(dataset, splits, target.outputs),
        test_std=test.test_std,
        explained=found,
        configurations=_configurations(dataset, splits),
        refit=None if whole is None else _found(splits) | whole.details,
    )


def _explained(fit: Fit[ModelParams], fits: list[SplitFit]) -> Explained:
    """What is known of features; warns of folds in which nothing is."""
    probed = [one.probed or Probed() for one in fits]
    pairs = zip(fit.dataset.splits, probed, strict=True)
    problems = [f"{split.name}: {own.problem}" for split, own in pairs if own.problem]
    if problems:
        more = f" (and {len(problems) - 1} more folds)" if len(problems) > 1 else ""
        fit.reporter.warn(f"no importance of features: {problems[0]}{more}")
    return explained(probed, fit.target.classes)


@dataclass(frozen=True)
class Scored:
    """Decoded OOF predictions, what is scored of them, and the scores: see ``ModelResult``."""

    oof: Array
    decided: Array
    decisions: list[Decision | None]
    score: float
    fold_scores: list[float]


def score_splits(
    dataset: Dataset, target: Target, metric: Metric, splits: list[SplitFit]
) -> Scored:
    """The scores of what each fold predicts for its validation rows."""
    oof = target.decode(_out_of_fold(dataset, splits, target.outputs))
    decisions, decided = nested_decisions(
        metric, dataset.y, oof, dataset.folds[:, 0], trained=dataset.trained
    )
    seen = dataset.validated
    score = metric(dataset.y[seen], target.scorable(decided[seen]))
    of_folds = _fold_scores(dataset, splits, target, metric, decided)
    return Scored(oof, decided, decisions, score, of_folds)


def fit_without_each_fold(fit: Fit[ModelParams]) -> list[Array]:
    """For each fold, OOF predictions of the other folds' rows, by models fitted without its rows.

    Decoded, shape (n, outputs); NaN for the rows of the fold itself, and for those whose fold then
    has no rows to train on. What preprocessing learnt without the target (means, levels) is that
    of the fold that is predicted; learnt features are those that were made without its rows.
    """
    target, predictions = fit.target, []
    for split in fit.dataset.splits:
        rest = fit.dataset.without(split.fold)
        own = fit.scratch / f"without-{split.name}" if fit.scratch is not None else None
        fits = fit_splits(replace(fit, dataset=rest, scratch=own)) if rest.splits else []
        predictions.append(target.decode(_out_of_fold(rest, fits, target.outputs)))
    return predictions


def fit_splits(fit: Fit[ModelParams]) -> list[SplitFit]:
    """Every fold's fit by the function of the model's row in the table of models."""
    spec = model_spec(fit.dataset.kind, fit.params.model)
    function: ModelFunction = resolve_name(spec.fit)
    if not spec.trains:
        # Predictions from elsewhere are on the target's own scale, and know what classes there are.
        return function(fit)
    if fit.target.is_learnt:
        return [_fit_on_own_scale(fit, function, split) for split in fit.dataset.splits]
    return without_absent_classes(fit, function(fit))


def _fit_on_own_scale(fit: Fit[ModelParams], function: ModelFunction, split: Split) -> SplitFit:
    """One fold's fit on a scale that is learnt from its training rows; decoded predictions.

    Folds are fitted one after the other, as each has targets of its own.
    """
    scratch = None if fit.scratch is None else fit.scratch / f"scale-{split.name}"
    target = fit.target.fitted(fit.dataset.y[split.train_rows])
    (fitted,) = function(
        replace(fit, dataset=fit.dataset.only(split), target=target, scratch=scratch)
    )
    assert target.scale is not None
    learnt = json.dumps(target.scale.to_json()).encode()
    return replace(
        fitted,
        valid=target.decode(fitted.valid),
        test=target.decode(fitted.test),
        weights=fitted.weights | {"target_scale.json": learnt},
    )


def _out_of_fold(dataset: Dataset, fits: list[SplitFit], outputs: int) -> Array:
    return _joined(dataset, [fitted.valid for fitted in fits], outputs)


def _joined(dataset: Dataset, parts: list[Array], outputs: int) -> Array:
    """The splits' values for their validation rows as one table, averaged over repeats.

    NaN for rows that no split validates.
    """
    total = np.full((len(dataset.y), outputs), np.nan)
    for split, part in zip(dataset.splits, parts, strict=True):
        before = total[split.valid_rows] if split.repeat else 0.0
        total[split.valid_rows] = before + part
    return total / dataset.folds.shape[1]


def _oof_std(dataset: Dataset, fits: list[SplitFit], outputs: int) -> Array | None:
    stds = [fitted.valid_std for fitted in fits if fitted.valid_std is not None]
    return _joined(dataset, stds, outputs) if stds else None


def _mean(fits: list[SplitFit]) -> SplitFit:
    """The mean of test predictions, and of their stds if there are any; all their seconds."""
    stds = [fitted.test_std for fitted in fits if fitted.test_std is not None]
    return SplitFit(
        valid=fits[0].valid[:0],
        test=np.mean([fitted.test for fitted in fits], axis=0),
        test_std=np.mean(stds, axis=0) if stds else None,
        predict_seconds=sum(fitted.predict_seconds for fitted in fits),
    )


def of_test_rows(tested_by: str, fits: list[SplitFit], whole: SplitFit | None) -> SplitFit:
    """The test predictions of the folds, of the model on all rows, or the mean of the two."""
    if whole is None:
        return _mean(fits)
    return whole if tested_by == "refit" else _mean([_mean(fits), whole])


def refit_on_all(fit: Fit[ModelParams], fits: list[SplitFit]) -> SplitFit:
    """The model on all training rows, by what the folds found.

    What a model tunes without a holdout (alpha) it tunes again, by its own inner folds.
    """
    whole = replace(
        fit,
        dataset=fit.dataset.whole(),
        scratch=None if fit.scratch is None else fit.scratch / "refit",
        probe=None,
        found=_found(fits),
    )
    (fitted,) = fit_splits(whole)
    return fitted


def _found(fits: list[SplitFit]) -> dict[str, float]:
    """The mean of what the folds' early stopping found; a fold may have found nothing."""
    names = dict.fromkeys(name for fitted in fits for name in fitted.found)
    return {
        name: float(np.mean([fitted.found[name] for fitted in fits if name in fitted.found]))
        for name in names
    }


def _fold_scores(
    dataset: Dataset, fits: list[SplitFit], target: Target, metric: Metric, decided: Array
) -> list[float]:
    """One score a split; thresholds are tuned on the other folds of the same repeat.

    ``decided`` are the OOF predictions by such thresholds, averaged over repeats.
    """
    if dataset.folds.shape[1] == 1:
        parts = [split.valid_rows for split in dataset.splits]
        return [metric(dataset.y[part], target.scorable(decided[part])) for part in parts]
    scores = []
    for repeat, fold_of_row in enumerate(dataset.folds.T):
        own = [
            (split, target.decode(fitted.valid))
            for split, fitted in zip(dataset.splits, fits, strict=True)
            if split.repeat == repeat
        ]
        oof = np.full((len(dataset.y), target.outputs), np.nan)
        for split, predicted in own:
            oof[split.valid_rows] = predicted
        _, decided = nested_decisions(metric, dataset.y, oof, fold_of_row, trained=dataset.trained)
        rows = (split.valid_rows for split, _ in own)
        scores += [metric(dataset.y[part], target.scorable(decided[part])) for part in rows]
    return scores


def _configurations(dataset: Dataset, fits: list[SplitFit]) -> pd.DataFrame | None:
    """Every fold's configurations, below each other; None where there are none."""
    rows = [
        {"repeat": split.repeat, "fold": split.fold, **own}
        for split, fitted in zip(dataset.splits, fits, strict=True)
        for own in fitted.configurations
    ]
    return pd.DataFrame(rows) if rows else None


def _history(dataset: Dataset, fits: list[SplitFit]) -> pd.DataFrame:
    rows = [
        {"repeat": split.repeat, "fold": split.fold, "seed": 0, **row}
        for split, fitted in zip(dataset.splits, fits, strict=True)
        for row in fitted.history
    ]
    table = pd.DataFrame(rows, columns=None if rows else HISTORY)
    return table[[*HISTORY, *(name for name in table if name not in HISTORY)]]
