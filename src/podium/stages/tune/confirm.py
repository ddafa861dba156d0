"""The honest score: the best configuration and the current one, on folds that no trial has seen.

The best of many scores on the same folds is too good: whoever wins was lucky as well. So both are
fitted again, on folds that are dealt with another seed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from podium.config import Competition, ModelParams
from podium.config.folds import SCHEMES
from podium.data.several_targets import scored_by
from podium.ensemble.paired import Paired, paired
from podium.io import files
from podium.models.trials import TrialFit
from podium.stages.tune.evaluate import Evaluator, Task, prepared
from podium.stages.tune.prune import Pruner

# Added to the seeds of the folds that the trials were scored on.
OTHER_SEED = 1000


@dataclass(frozen=True)
class Confirmed:
    """Scores of the current and the best configuration, on the same new folds.

    ``found`` has their difference: how much better the best one is.
    """

    current: float
    best: float
    found: Paired
    other_folds: bool

    @property
    def is_confirmed(self) -> bool:
        """Whether the gain is at least one standard error."""
        return self.found.fold_gain >= self.found.standard_error and self.found.gain > 0


@contextmanager
def on_other_folds(competition: Competition, model: str) -> Iterator[Task]:
    """The task on folds with another seed, preprocessed again in a temporary folder.

    Folds that no seed deals (in time, given) stay as they are: then the models get another seed.
    """
    scheme = SCHEMES[competition.folds.scheme]
    folds = competition.folds
    if scheme.shuffles:
        folds = folds.model_copy(update={"seed": folds.seed + OTHER_SEED})
    other = competition.model_copy(update={"folds": folds})
    with files.scratch() as folder:
        yield Task.read(other, model, prepared(other, folder))


def confirm(
    competition: Competition,
    model: str,
    current: ModelParams,
    best: ModelParams,
    deadline: float | None,
) -> Confirmed | TrialFit:
    """Fit both on other folds; what went wrong if one of them can't be fitted in time."""
    other_folds = SCHEMES[competition.folds.scheme].shuffles
    with on_other_folds(competition, model) as task, Evaluator(task, Pruner()) as evaluator:
        fits = []
        for params in (current, best):
            own = params
            if not other_folds:
                own = params.model_copy(update={"seed": params.seed + OTHER_SEED})
            fit = evaluator.one(own, deadline)
            if fit.score is None or fit.oof is None:
                return fit
            fits.append(fit)
        return _compared(task, fits[0], fits[1], other_folds)


def _compared(task: Task, current: TrialFit, best: TrialFit, other_folds: bool) -> Confirmed:
    assert current.oof is not None
    assert current.score is not None
    assert best.oof is not None
    assert best.score is not None
    seen = task.dataset.validated
    found = paired(
        scored_by(task.target, task.metric),
        task.dataset.y[seen],
        best.oof[seen],
        current.oof[seen],
        task.dataset.folds[seen, 0],
    )
    return Confirmed(current.score, best.score, found, other_folds)
