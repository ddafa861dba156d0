"""Blending models' predictions, and what is submitted: the blend, or a model that it doesn't beat.

Weights come from greedy ensemble selection with replacement (Caruana et al. 2004): start with an
empty ensemble, repeatedly add the model that improves the mean prediction most, and keep the best
prefix. A metric of labels or ranks moves in steps, which weights are easily fitted to by chance, so
that log loss guides instead, of numbers the squared error (``_fits``).

The reported score is nested: each fold is predicted with weights fitted on the other folds' rows,
which also decide how they are fitted where there are two ways.
Still, the models that predicted those rows were trained with the scored fold's rows, so that the
score is slightly optimistic; ``benchmarks/nested_score.py`` measures by how much. Given ``inner``
predictions, made without the scored fold's rows, nothing of it is left.

Where folds train on some of the other rows only (in time, with a gap), a fold's weights are fitted
on these; without any, they are equal. Rows that are never validated have no part in all this.

Where a metric has thresholds or cut points, a fold's are tuned on the same rows as its weights, the
test rows' on all OOF rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.config import Ensemble
from podium.data.targets import Target
from podium.metrics import METRICS, Decision, Metric, decided, nested_decisions, tune
from podium.metrics.decisions import best_by_threshold

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
LOG_LOSS, RMSE = METRICS["logloss"], METRICS["rmse"]
# Weights are fitted on no more rows, evenly chosen: a few numbers are known well enough by then.
# Fewer are enough to decide between two ways to fit them.
MOST_ROWS, WAY_ROWS = 50_000, 10_000
# What weights are chosen by, the most important first.
Losses = tuple[float, ...]
# Fits one weight per model on predictions, shape (models, rows, outputs), and the rows' target.
FitWeights = Callable[[Array, Array], Array]
# A number to minimise of a mixed prediction.
MixtureLoss = Callable[[Array], float]


@dataclass(frozen=True)
class Scored:
    """Decoded predictions, shape (n, outputs), and the scores of the OOF ones.

    NaN for rows that are never validated. ``decision``, tuned on all OOF rows, decides the test
    rows' labels; each of ``fold_decisions`` those of a fold; None where the metric has no
    thresholds. ``decided`` OOF predictions are what is scored.
    """

    oof: Array
    test: Array
    score: float
    fold_scores: list[float]
    decided: Array
    decision: Decision | None
    fold_decisions: list[Decision | None]

    @property
    def decided_test(self) -> Array:
        """What is submitted: labels as 1 and 0 where a decision makes them."""
        return decided(self.decision, self.test)


@dataclass(frozen=True)
class Blend:
    """A blend and the models it is made of.

    The blend's ``oof`` and scores are nested; its ``test`` uses ``weights``, which are fitted on
    all OOF rows; ``fold_weights``, shape (folds, models), predict each fold. ``chosen`` is the
    model that is submitted in the blend's place, by its index. ``raised`` test rows were below what
    the target can be, and are at that bound. Of several targets ``parts`` has the blend of each.
    """

    weights: Array
    fold_weights: Array
    blended: Scored
    models: list[Scored]
    chosen: int | None
    raised: int
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
    scoring = _Scoring(y[seen], fold_of_row[seen], target, metric, trained)
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
    spec: Ensemble, scoring: "_Scoring", oof: Array, test: Array, inner: Array | None
) -> Blend:
    """``blend`` of rows that are all validated."""
    y, target, metric = scoring.y, scoring.target, scoring.metric
    models = [scoring.scored(one, of_test) for one, of_test in zip(oof, test, strict=True)]
    coded, coded_test = target.encode(oof), target.encode(test)
    fitted_on = [coded] * scoring.folds if inner is None else [*target.encode(inner)]
    ways = _fits(spec, target, metric)
    by_fold = np.stack(
        [
            _weights(scoring, ways, own, scoring.trained[:, fold])
            for fold, own in enumerate(fitted_on)
        ]
    )
    weights = _weights(scoring, ways, coded, np.ones(len(y), dtype=bool))
    nested = np.einsum("nm,mnk->nk", by_fold[scoring.fold_of_row], coded)
    raw = target.decode(_mix(weights, coded_test))
    tuned_on = None
    if metric.is_tuned:
        # What a fold's threshold is tuned on is mixed with the fold's own weights.
        tuned_on = [target.decode(_mix(*own)) for own in zip(by_fold, fitted_on, strict=True)]
    blended = scoring.scored(target.decode(nested), raw, tuned_on)
    chosen = _better_model(scoring, blended, models) if spec.submit == "better" else None
    raw = raw if chosen is None else test[chosen]
    return Blend(weights, by_fold, blended, models, chosen, int((raw < target.least(metric)).sum()))


@dataclass(frozen=True)
class _Scoring:
    """What predictions are scored with."""

    y: Array
    fold_of_row: Rows
    target: Target
    metric: Metric
    trained: Mask

    @property
    def folds(self) -> int:
        return int(self.fold_of_row.max()) + 1

    def scored(self, oof: Array, test: Array, tuned_on: Sequence[Array] | None = None) -> Scored:
        """Predictions, none below what the target can be, with their scores.

        ``tuned_on``: what each fold's decision is tuned on, if not the OOF predictions themselves.
        """
        least = self.target.least(self.metric)
        oof, test = np.maximum(oof, least), np.maximum(test, least)
        decisions, labels = nested_decisions(
            self.metric, self.y, oof, self.fold_of_row, tuned_on, self.trained
        )
        rows = [self.fold_of_row == fold for fold in range(self.folds)]
        return Scored(
            oof=oof,
            test=test,
            score=self._score(labels),
            fold_scores=[self._score(labels[own], own) for own in rows],
            decided=labels,
            decision=tune(self.metric, self.y, oof),
            fold_decisions=decisions,
        )

    def _score(self, oof: Array, rows: NDArray[np.bool_] | slice = slice(None)) -> float:
        return self.metric(self.y[rows], self.target.scorable(oof))

    def losses(self, one: Scored) -> Losses:
        """What decides between predictions: the metric; a smooth loss where that is equal."""
        first = _ordered(self.metric.as_loss(one.score))
        if not self.metric.stepwise:
            return (first,)
        guide = _guide(self.target)
        return first, _ordered(guide.loss(self.y, self.target.scorable(one.oof)))


def _better_model(scoring: _Scoring, blended: Scored, models: Sequence[Scored]) -> int | None:
    """The best model's index, unless the blend beats it, or is just that model."""
    losses = [scoring.losses(model) for model in models]
    best = losses.index(min(losses))
    if len(models) == 1 or scoring.losses(blended) < losses[best]:
        return None
    return best


def _fits(spec: Ensemble, target: Target, metric: Metric) -> list[FitWeights]:
    """The ways to fit weights, between which ``_better_way`` decides."""
    if spec.method == "mean":
        return [_equal]
    greedy = _Greedy(spec.rounds, target, metric)
    if not metric.stepwise:
        return [greedy.by_log_loss if metric.name == LOG_LOSS.name else greedy.by_metric]
    if target.is_regression:
        return [greedy.by_squared_error]
    # Ranks are the more sensitive and by far the slower guide of the two.
    by_metric = [greedy.by_metric] if metric.needs == "labels" else []
    return [greedy.by_log_loss, *by_metric]


def _equal(predictions: Array, y: Array) -> Array:
    return np.full(len(predictions), 1.0 / len(predictions))


@dataclass(frozen=True)
class _Greedy:
    """Weights by greedy selection, guided by a loss."""

    rounds: int
    target: Target
    metric: Metric

    def by_metric(self, predictions: Array, y: Array) -> Array:
        """The metric itself, labels by the best threshold; log loss where labels are as good."""

        def loss(mixed: Array) -> float:
            predicted = self._decoded(mixed)
            if not self.metric.stepwise:
                return self.metric.loss(y, predicted)
            return self.metric.as_loss(best_by_threshold(self.metric, y, predicted))

        def log_loss(mixed: Array) -> float:
            return LOG_LOSS.loss(y, self._decoded(mixed))

        tie = log_loss if self.metric.stepwise else None
        return select_greedily(predictions, loss, self.rounds, tie)

    def by_log_loss(self, predictions: Array, y: Array) -> Array:
        """The log loss, which needs but the true class's probability of each row."""
        true_class = predictions[:, np.arange(len(y)), y.astype(int)]
        return select_greedily(true_class, _log_loss_of_true_class, self.rounds)

    def by_squared_error(self, predictions: Array, y: Array) -> Array:
        """The RMSE of decoded predictions."""
        return select_greedily(
            predictions, lambda mixed: RMSE.loss(y, self._decoded(mixed)), self.rounds
        )

    def _decoded(self, mixed: Array) -> Array:
        return self.target.scorable(self.target.decode(mixed))


def _guide(target: Target) -> Metric:
    """The smooth loss beside a metric of steps."""
    return RMSE if target.is_regression else LOG_LOSS


def _log_loss_of_true_class(probabilities: Array) -> float:
    """The log loss from each row's probability of its own class, shape (rows,)."""
    return -float(np.mean(np.log(np.clip(probabilities, 1e-15, 1.0))))


def select_greedily(
    predictions: Array, loss: MixtureLoss, rounds: int, tie: MixtureLoss | None = None
) -> Array:
    """Greedy selection with replacement; returns weights, shape (models,), that sum to 1.

    ``predictions`` has shape (models, rows, ...); ``loss`` maps a mixed prediction, of the shape
    of one model's, to a number to minimise, and ``tie`` decides where that is equal. Weights are
    equal where the loss is defined for no mixture.
    """
    if len(predictions) == 1:
        return np.ones(1)
    counts = np.zeros(len(predictions))
    best_counts = counts
    # An undefined loss is never the best.
    best_loss = (np.inf, -np.inf)
    total = np.zeros_like(predictions[0])
    for size in range(1, rounds + 1):
        mixtures = [(total + one) / size for one in predictions]
        losses = [_ordered(loss(mixed)) for mixed in mixtures]
        least = min(losses)
        # The second loss is asked for where the first is equal: it may be the slower of the two.
        ties = {
            index: _ordered(tie(mixtures[index])) if tie else 0.0
            for index, found in enumerate(losses)
            if found == least
        }
        chosen = min(ties, key=ties.__getitem__)
        total = total + predictions[chosen]
        counts = counts + (np.arange(len(counts)) == chosen)
        if (least, ties[chosen]) < best_loss:
            best_counts, best_loss = counts, (least, ties[chosen])
    if not best_counts.any():
        return np.full(len(predictions), 1.0 / len(predictions))
    return best_counts / best_counts.sum()


def _ordered(loss: float) -> float:
    """The loss, infinite where it is undefined: NaN is neither above nor below another."""
    return loss if loss == loss else np.inf


def _weights(
    scoring: _Scoring, ways: Sequence[FitWeights], predictions: Array, rows: Mask
) -> Array:
    """Weights fitted on these rows alone: they decide between the ways to fit them as well."""
    own = np.flatnonzero(rows & np.isfinite(predictions).all(axis=(0, 2)))
    is_clear = len(ways) == 1 or len(predictions) == 1
    way = ways[0] if is_clear else _better_way(scoring, ways, predictions, own)
    return _fitted(way, predictions[:, own], scoring.y[own])


def _better_way(
    scoring: _Scoring, ways: Sequence[FitWeights], predictions: Array, rows: Rows
) -> FitWeights:
    """The way whose weights are the better on each fold when fitted on the other ones."""
    rows = rows[_spread(len(rows), WAY_ROWS)]
    _, fold = np.unique(scoring.fold_of_row[rows], return_inverse=True)
    count, own = int(fold.max(initial=0)) + 1, predictions[:, rows]
    if count == 1:
        return ways[0]
    others = fold[:, None] != np.arange(count)
    inside = replace(scoring, y=scoring.y[rows], fold_of_row=fold, trained=others)

    def losses(way: FitWeights) -> Losses:
        each = [_fitted(way, own[:, fitted], inside.y[fitted]) for fitted in others.T]
        decoded = scoring.target.decode(np.einsum("nm,mnk->nk", np.stack(each)[fold], own))
        return inside.losses(inside.scored(decoded, decoded))

    return min(ways, key=losses)


def _fitted(fit: FitWeights, predictions: Array, y: Array) -> Array:
    """Weights fitted on rows, or on some of very many; equal ones without any."""
    if not len(y):
        return np.full(len(predictions), 1.0 / len(predictions))
    own = _spread(len(y), MOST_ROWS)
    return fit(predictions[:, own], y[own])


def _spread(count: int, most: int) -> Rows:
    """All of so many places, or ``most`` of them, evenly chosen."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)


def _mix(weights: Array, predictions: Array) -> Array:
    return np.einsum("m,mnk->nk", weights, predictions)
