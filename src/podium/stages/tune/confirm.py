"""The honest score: the best configuration and the current one, on folds that no trial has seen.

The best of many scores on the same folds is too good: whoever wins was lucky as well. So both are
fitted again, on folds that are dealt with another seed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from podium.config import Competition, ModelParams
from podium.config.folds import SCHEMES
from podium.data.several_targets import scored_by
from podium.ensemble.paired import Paired, paired
from podium.io import files
from podium.models.trials import TrialFit
from podium.stages.tune.evaluate import Evaluator, Task, prepared
from podium.stages.tune.features import FeatureEvaluator
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


def confirm(
    task: Task, both: Sequence[ModelParams | Competition], deadline: float | None
) -> Confirmed | TrialFit:
    """Fit the current and the best configuration on other folds.

    They are models' blocks, or competitions that differ in preprocessing. Folds that no seed deals
    (in time, given) stay as they are: then the models get another seed.

    Returns what went wrong if one of them can't be fitted in time.
    """
    competition = with_other_seed(task.competition, task.model)
    other_folds = SCHEMES[competition.folds.scheme].shuffles
    jobs = [with_other_seed(one, task.model, other_folds) for one in both]
    with files.scratch() as folder:
        other = Task.read(competition, task.model, prepared(competition, folder))
        other = replace(other, preprocesses=task.preprocesses)
        fits = list(_fitted(other, jobs, deadline))
        wrong = next((fit for fit in fits if fit.score is None), None)
        return wrong or _compared(other, fits[0], fits[1], other_folds)


J = TypeVar("J", bound=ModelParams | Competition)


def with_other_seed(job: J, model: str, other_folds: bool = True) -> J:
    """The same on folds of another seed; where no seed deals them, the model gets another."""
    if isinstance(job, ModelParams):
        return job if other_folds else job.model_copy(update={"seed": job.seed + OTHER_SEED})
    if SCHEMES[job.folds.scheme].shuffles:
        folds = job.folds.model_copy(update={"seed": job.folds.seed + OTHER_SEED})
        return job.model_copy(update={"folds": folds})
    params = job.models[model]
    own = params.model_copy(update={"seed": params.seed + OTHER_SEED})
    return job.model_copy(update={"models": {**job.models, model: own}})


def _fitted(task: Task, jobs: Sequence[Any], deadline: float | None) -> Iterator[TrialFit]:
    """Each job, until one fails."""
    with FeatureEvaluator(task, Pruner()) as evaluator:
        if task.in_batches:
            # Side by side.
            yield from Evaluator.batch(evaluator, jobs, deadline)
            return
        fit_job = evaluator.prepared if task.preprocesses else evaluator.one
        for job in jobs:
            fit = fit_job(job, deadline)
            yield fit
            if fit.score is None:
                return


def _compared(task: Task, current: TrialFit, best: TrialFit, other_folds: bool) -> Confirmed:
    assert current.scored is not None
    assert current.score is not None
    assert best.scored is not None
    assert best.score is not None
    seen = task.dataset.validated
    found = paired(
        scored_by(task.target, task.metric),
        task.dataset.y[seen],
        best.scored[seen],
        current.scored[seen],
        task.dataset.folds[seen, 0],
    )
    return Confirmed(current.score, best.score, found, other_folds)
