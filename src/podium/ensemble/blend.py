"""Blending models' predictions, and what is submitted: the blend, or a model that it doesn't beat.

How predictions are mixed, and what that is fitted by: ``methods/``.

The reported score is nested: each fold is predicted by a mixer fitted on the other folds' rows,
which also decide how it is fitted where there are two ways.
Still, the models that predicted those rows were trained with the scored fold's rows, so that the
score is slightly optimistic; ``benchmarks/nested_score.py`` measures by how much. Given ``inner``
predictions, made without the scored fold's rows, nothing of it is left.

Where folds train on some of the other rows only (in time, with a gap), a fold's mixer is fitted
on these; without any, it is the mean. Rows that are never validated have no part in all this.

Where a metric has thresholds or cut points, a fold's are tuned on the same rows as its mixer, the
test rows' on all OOF rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from podium.config import Ensemble
from podium.data.targets import Target
from podium.ensemble.choice import Candidate, fit, methods, tuned_on
from podium.ensemble.fitting import mix_by_fold
from podium.ensemble.methods.base import Problem
from podium.ensemble.scoring import Mask, Rows, Scored, Scoring
from podium.metrics import Array, Metric, decided, tune


@dataclass(frozen=True)
class Blend:
    """A blend and the models it is made of.

    The blend's ``oof`` and scores are nested; its ``test`` uses ``weights``, which are fitted on
    all OOF rows; ``fold_weights``, shape (folds, models), predict each fold. ``chosen`` is the
    model that is submitted in the blend's place, by its index. ``raised`` test rows were below what
    the target can be, and are at that bound. ``same_rows`` is the score on all OOF rows of what is
    fitted on all of them: by how much it is better than the nested one is optimism. ``method``
    predicts the test rows, and each of ``fold_methods`` a fold: with ``auto`` they are chosen, the
    first from ``candidates``. Of several targets ``parts`` has the blend of each.
    """

    weights: Array
    fold_weights: Array
    blended: Scored
    models: list[Scored]
    chosen: int | None
    raised: int
    same_rows: float = float("nan")
    method: str = ""
    fold_methods: Sequence[str] = ()
    candidates: Sequence[Candidate] = ()
    parts: Mapping[str, "Blend"] = field(default_factory=dict)

    def part(self, name: str) -> "Blend":
        """The blend of one of several targets; of no name the whole."""
        return self.parts[name] if name else self

    def blended_part(self, name: str) -> Scored:
        """What ``blended`` has for one of several targets; of no name the whole.

        That is a model where the blend of all has it alone for the target.
        """
        part = self.part(name)
        return part.submitted if self.chosen is None else part.blended

    @property
    def submitted(self) -> Scored:
        """What the submission is made of."""
        return self.blended if self.chosen is None else self.models[self.chosen]


def blend(
    spec: Ensemble,
    oof: Array,
    test: Array,
    y: Array,
    fold_of_row: Rows,
    target: Target,
    metric: Metric,
    inner: Array | None = None,
    trained: Mask | None = None,
) -> Blend:
    """Blend models on the model scale.

    Args:
        spec: the method.
        oof: decoded OOF predictions, shape (models, n, outputs).
        test: decoded test predictions, shape (models, test rows, outputs).
        y: the target, shape (n,).
        fold_of_row: the fold that validates each row, shape (n,); below 0 where none does.
        target: converts between predictions and the model scale.
        metric: what to optimise and report.
        inner: for each fold, OOF predictions of the other folds' rows by models that were trained
            without it, shape (folds, models, n, outputs); the fold's own rows are not read.
        trained: the rows that each fold trains on, shape (n, folds); by default all others.
    """
    validated = fold_of_row >= 0
    # A view where that is all rows: sums over a copy, which is laid out otherwise, round otherwise.
    seen = slice(None) if validated.all() else np.flatnonzero(validated)
    others = fold_of_row[:, None] != np.arange(fold_of_row.max() + 1)
    trained = (others if trained is None else others & trained)[seen]
    scoring = Scoring(y[seen], fold_of_row[seen], target, metric, trained)
    inner = None if inner is None else inner[:, :, seen]
    result = _blended(spec, scoring, oof[:, seen], test, inner)
    if isinstance(seen, slice):
        return result
    models = [_among_all(one, seen, len(y)) for one in result.models]
    return replace(result, blended=_among_all(result.blended, seen, len(y)), models=models)


def _among_all(scored: Scored, seen: Rows, rows: int) -> Scored:
    """The predictions of some rows as those of all, NaN where there are none."""
    spread = []
    for predictions in (scored.oof, scored.decided):
        all_rows = np.full((rows, predictions.shape[1]), np.nan)
        all_rows[seen] = predictions
        spread.append(all_rows)
    return replace(scored, oof=spread[0], decided=spread[1])


def _blended(
    spec: Ensemble, scoring: Scoring, oof: Array, test: Array, inner: Array | None
) -> Blend:
    """``blend`` of rows that are all validated."""
    y, target, metric = scoring.y, scoring.target, scoring.metric
    models = [scoring.scored(one, of_test) for one, of_test in zip(oof, test, strict=True)]
    coded, coded_test = target.encode(oof), target.encode(test)
    fitted_on = [coded] * scoring.folds if inner is None else [*target.encode(inner)]
    chosen_from = methods(Problem(spec, target, metric))
    fits = [
        fit(scoring, chosen_from, own, scoring.trained[:, fold], spec.tolerance)
        for fold, own in enumerate(fitted_on)
    ]
    rows = np.ones(len(y), dtype=bool)
    whole = fit(scoring, chosen_from, coded, rows, spec.tolerance, scoring.folds)
    mixers = [one.mixer for one in fits]
    nested = mix_by_fold(mixers, coded, scoring.fold_of_row)
    raw = target.decode(whole.mixer.mix(coded_test))
    on = None
    if metric.is_tuned:
        # What a fold's threshold is tuned on is mixed by the fold's own mixer.
        on = [
            tuned_on(scoring, own, predictions, scoring.trained[:, fold])
            for fold, (own, predictions) in enumerate(zip(fits, fitted_on, strict=True))
        ]
    blended = scoring.scored(target.decode(nested), raw, on)
    chosen = _better_model(scoring, blended, models) if spec.submit == "better" else None
    raw = raw if chosen is None else test[chosen]
    raised = int((raw < target.least(metric)).sum())
    by_fold = np.stack([own.weights for own in mixers])
    return Blend(
        weights=whole.mixer.weights,
        fold_weights=by_fold,
        blended=blended,
        models=models,
        chosen=chosen,
        raised=raised,
        same_rows=_same_rows(scoring, target.decode(whole.mixer.mix(coded))),
        method=whole.method.name,
        fold_methods=[one.method.name for one in fits],
        candidates=whole.candidates,
    )


def _same_rows(scoring: Scoring, mixed: Array) -> float:
    """The score of rows that had a part in what predicts them, and in their labels."""
    mixed = np.maximum(mixed, scoring.target.least(scoring.metric))
    labels = decided(tune(scoring.metric, scoring.y, mixed), mixed)
    return scoring.metric(scoring.y, scoring.target.scorable(labels))


def _better_model(scoring: Scoring, blended: Scored, models: Sequence[Scored]) -> int | None:
    """The best model's index, unless the blend beats it, or is just that model."""
    losses = [scoring.losses(model) for model in models]
    best = losses.index(min(losses))
    if len(models) == 1 or scoring.losses(blended) < losses[best]:
        return None
    return best
