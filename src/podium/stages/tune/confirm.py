"""The honest score: the best configuration and the current one, on folds that no trial has seen.

The best of many scores on the same folds is too good: whoever wins was lucky as well. So both are
fitted again, on folds that are dealt with another seed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
    competition: Competition, model: str, params: Sequence[ModelParams], deadline: float | None
) -> Confirmed | TrialFit:
    """Fit the current and the best configuration on other folds.

    Returns what went wrong if one of them can't be fitted in time.
    """
    other_folds = SCHEMES[competition.folds.scheme].shuffles
    if not other_folds:
        params = [own.model_copy(update={"seed": own.seed + OTHER_SEED}) for own in params]
    with on_other_folds(competition, model) as task:
        fits = list(_fitted(task, params, deadline))
        wrong = next((fit for fit in fits if fit.score is None), None)
        return wrong or _compared(task, fits[0], fits[1], other_folds)


def _fitted(
    task: Task, params: Sequence[ModelParams], deadline: float | None
) -> Iterator[TrialFit]:
    """Each configuration, until one fails; ``oof`` is what the metric scores."""
    with Evaluator(task, Pruner()) as evaluator:
        if task.in_batches and not task.metric.is_tuned:
            # Side by side; thresholds are tuned where a model is fitted alone.
            for fit in evaluator.batch(params, deadline):
                oof = None if fit.oof is None else task.target.scorable(fit.oof)
                yield replace(fit, oof=oof)
            return
        for own in params:
            fit = evaluator.one(own, deadline)
            yield fit
            if fit.score is None:
                return


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
