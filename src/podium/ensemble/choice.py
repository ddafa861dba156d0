"""``method: auto``: the simplest method that is about as good as the best, by nested CV.

On the rows that are given, each method is fitted on some of their folds and scored on the others.
Of the methods that are worse than the best one by no more than ``tolerance`` standard errors of
that very difference, the simplest is taken (with 1, the one-standard-error rule of Breiman et al.
1984, paired). Rows that are scored with the choice have no part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pkgutil import resolve_name

import numpy as np

from podium.config.blending import METHODS, methods_of
from podium.ensemble.fitting import fit_mixer, fitted_rows, mix_by_fold, spread
from podium.ensemble.jackknife import difference
from podium.ensemble.methods.base import FitMixer, Mixer, Problem, equal
from podium.ensemble.scoring import Losses, Mask, Scored, Scoring
from podium.metrics import Array

# A choice takes no more rows, evenly chosen, no more rounds of greedy selection, and inside of a
# fold's training rows no more parts of them: folds are put together where there are more.
MOST_ROWS, MOST_ROUNDS, MOST_PARTS = 5_000, 25, 5


@dataclass(frozen=True)
class Method:
    """A method with the ways to fit it, and those that are quick enough to be tried often."""

    name: str
    ways: Sequence[FitMixer]
    quick: Sequence[FitMixer]


@dataclass(frozen=True)
class Candidate:
    """A method's nested score, and by how much it is worse than the best one's.

    ``error`` is the standard error of that difference, over rows; NaN for the best itself.
    """

    name: str
    score: float
    worse: float
    error: float


@dataclass(frozen=True)
class Fitted:
    """A mixer, the method it is fitted by, and what that was chosen from."""

    mixer: Mixer
    method: Method
    candidates: Sequence[Candidate] = ()


def methods(problem: Problem) -> list[Method]:
    """The method that is asked for, or all that ``auto`` chooses from; the simplest first."""
    spec = problem.spec.model_copy(update={"rounds": min(problem.spec.rounds, MOST_ROUNDS)})
    quick = replace(problem, spec=spec)
    names = methods_of(spec.method, spec.candidates)
    ways = [resolve_name(METHODS[name].ways) for name in names]
    pairs = zip(names, ways, strict=True)
    # Which of two ways is the better is found out for the method that is chosen.
    return [Method(name, own(problem), own(quick)[:1]) for name, own in pairs]


def fit(
    scoring: Scoring,
    chosen_from: Sequence[Method],
    predictions: Array,
    rows: Mask,
    tolerance: float,
    most_parts: int = MOST_PARTS,
) -> Fitted:
    """The best method fitted on these rows alone, which also decide which one that is.

    Args:
        scoring: what decides.
        chosen_from: the simplest first.
        predictions: on the model scale, shape (models, n, outputs).
        rows: shape (n,).
        tolerance: by how many standard errors a simpler method may be worse than the best.
        most_parts: into how many parts the rows' folds are put together at most.
    """
    candidates: list[Candidate] = []
    method = chosen_from[0]
    if len(predictions) == 1:
        # A single model is the blend.
        return Fitted(equal(predictions), method)
    if len(chosen_from) > 1:
        method, candidates = _choose(scoring, chosen_from, predictions, rows, tolerance, most_parts)
    mixer = fit_mixer(scoring, method.ways, predictions, rows)
    return Fitted(mixer, method, candidates)


def _choose(
    scoring: Scoring,
    chosen_from: Sequence[Method],
    predictions: Array,
    rows: Mask,
    tolerance: float,
    most_parts: int,
) -> tuple[Method, list[Candidate]]:
    own = fitted_rows(predictions, rows)
    own = own[spread(len(own), MOST_ROWS)]
    inside = scoring.within(own, most_parts)
    if inside.folds < 2:
        # Nothing tells them apart.
        return chosen_from[0], []
    given = np.ascontiguousarray(predictions[:, own])
    decoded = [_nested(inside, method, given) for method in chosen_from]
    scored = [inside.scored(one, one[:1]) for one in decoded]
    losses: list[Losses] = [inside.losses(one) for one in scored]
    best = losses.index(min(losses))
    candidates = [
        _candidate(inside, method.name, one, scored[best])
        for method, one in zip(chosen_from, scored, strict=True)
    ]
    for method, found in zip(chosen_from, candidates, strict=True):
        if method is chosen_from[best] or found.worse <= tolerance * found.error:
            return method, candidates
    raise AssertionError("the best method is among them")


def _nested(scoring: Scoring, method: Method, predictions: Array) -> Array:
    """Each fold predicted by the method as it is fitted on the rows that the fold trains on."""
    mixers = [
        fit_mixer(scoring, method.quick, predictions, scoring.trained[:, fold])
        for fold in range(scoring.folds)
    ]
    return scoring.target.decode(mix_by_fold(mixers, predictions, scoring.fold_of_row))


def tuned_on(scoring: Scoring, fitted: Fitted, predictions: Array, rows: Mask) -> Array:
    """Decoded predictions by which thresholds are tuned, shape (n, outputs).

    They are those of the mixer itself, unless it fits its own rows so well that these are no
    measure: then of mixers fitted on other ones of the ``rows``, and NaN elsewhere.
    """
    if not METHODS[fitted.method.name].is_flexible:
        return scoring.target.decode(fitted.mixer.mix(predictions))
    own = fitted_rows(predictions, rows)
    mixed = np.full(predictions.shape[1:], np.nan)
    inside = scoring.within(own, MOST_PARTS)
    mixed[own] = _nested(inside, fitted.method, np.ascontiguousarray(predictions[:, own]))
    return mixed


def _candidate(scoring: Scoring, name: str, own: Scored, best: Scored) -> Candidate:
    if own is best:
        return Candidate(name, own.score, 0.0, float("nan"))
    first, second = (scoring.target.scorable(one.decided) for one in (own, best))
    return Candidate(name, own.score, *difference(scoring.metric, scoring.y, first, second))
