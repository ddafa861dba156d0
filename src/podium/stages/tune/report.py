"""What a search tells: lines while it runs, and the answer at the end."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from podium.config.space import shown
from podium.metrics import Metric
from podium.models.trials import TrialFit
from podium.stages.tune.confirm import Confirmed
from podium.stages.tune.study import Finished

DIGITS = 5
STATES = {"pruned": "pruned", "out_of_time": "no time left", "failed": "failed"}


def trial_line(
    number: int, values: Mapping[str, Any], fit: TrialFit, is_best: bool, is_current: bool
) -> str:
    """A trial's line: its score or how it ended, its values, and a star for a new best score."""
    result = (
        f"{fit.score:.{DIGITS}f}" if fit.score is not None else STATES.get(fit.state, fit.state)
    )
    star = "*" if is_best else " "
    own = "  (the current configuration)" if is_current else ""
    error = f"  {fit.error}" if fit.error else ""
    return f"  trial {number:>4} {star} {result:<12} {shown(values)}{own}{error}"


def counts(trials: list[Finished]) -> str:
    """How many trials there are, and how they ended."""
    complete = sum(trial.score is not None for trial in trials)
    pruned = len(trials) - complete
    return f"{complete} configuration{'s' * (complete != 1)} finished" + (
        f", {pruned} pruned" if pruned else ""
    )


def time_spent(seconds: float, budget: float) -> str:
    """What the search took of its time, and what the rest is for."""
    return (
        f"the search took {seconds:.0f} s of {budget:.0f}; the rest is kept for the confirmation "
        "and the pictures"
    )


def result_lines(
    metric: Metric,
    current: Finished | None,
    best: Finished,
    confirmed: Confirmed | TrialFit | None,
) -> Iterator[str]:
    """The answer: the best values, both scores on both sets of folds, and what they say."""
    yield f"best: {shown(best.values)}"
    assert best.score is not None
    if current is None or current.score is None:
        yield f"tuning folds: {metric.title} {best.score:.{DIGITS}f}; the current one has no score"
        return
    tuned = metric.as_loss(current.score) - metric.as_loss(best.score)
    yield f"{'':<22}{'current':>12}{'best':>12}{'better by':>12}"
    yield _row("tuning folds", current.score, best.score, tuned)
    if isinstance(confirmed, Confirmed):
        yield _row(_where(confirmed), confirmed.current, confirmed.best, confirmed.found.gain)
        yield from verdict(tuned, confirmed)
    elif current.number == best.number:
        yield "the current configuration is the best that was found: there is nothing to confirm"
    elif confirmed is not None and confirmed.state == "out_of_time":
        yield "not confirmed: no time was left to fit both on new folds; give it more --minutes"
    elif confirmed is not None:
        yield f"not confirmed: the fit on new folds failed: {confirmed.error}"


def _where(confirmed: Confirmed) -> str:
    return "new folds" if confirmed.other_folds else "same folds, new seed"


def _row(name: str, current: float, best: float, gain: float) -> str:
    return f"{name:<22}{current:>12.{DIGITS}f}{best:>12.{DIGITS}f}{gain:>+12.{DIGITS}f}"


def verdict(tuned: float, confirmed: Confirmed) -> Iterator[str]:
    """Whether the gain holds on folds that no trial has seen, and how much the search promised."""
    found = confirmed.found
    gain, error = found.fold_gain, found.standard_error
    how = f"{gain:+.{DIGITS}f} ± {error:.{DIGITS}f} (mean over folds, standard error)"
    if math.isnan(error):
        yield f"the gain on {_where(confirmed)} is {gain:+.{DIGITS}f}; its error is not known"
    elif confirmed.is_confirmed:
        yield f"the gain is confirmed: {how} is at least one standard error"
    else:
        yield f"the gain is not confirmed: {how} is less than one standard error"
    excess = tuned - found.gain
    if excess > 0:
        yield (
            f"the tuned score promised {excess:.{DIGITS}f} too much: "
            f"{tuned:+.{DIGITS}f} where the trials were chosen, {found.gain:+.{DIGITS}f} "
            f"on {_where(confirmed)}"
        )
    else:
        yield f"the tuned score promised no more than {_where(confirmed)} gave"
