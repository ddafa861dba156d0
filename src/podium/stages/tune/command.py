"""``podium tune`` as a list of steps: space, study, search, pictures, confirmation, params.yaml."""

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from podium.config import load_config
from podium.config.space import Space, make_space
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import counted, nearest, printable
from podium.models.trials import TrialFit
from podium.runtime import compute
from podium.runtime.console import console, say
from podium.runtime.progress import SILENT, Reporter, reporting
from podium.runtime.tracking import Run, tracked_run
from podium.stages.common import label, log_scores, run_tags
from podium.stages.run_facts import changed_params, run_name
from podium.stages.tune import plots, report
from podium.stages.tune.apply import apply
from podium.stages.tune.budget import MINUTES, Budget
from podium.stages.tune.confirm import Confirmed, confirm
from podium.stages.tune.evaluate import Evaluator, Task
from podium.stages.tune.features import (
    PREFIX,
    FeatureCandidates,
    FeatureEvaluator,
    feature_space,
    switched_off,
)
from podium.stages.tune.prune import PRUNERS
from podium.stages.tune.samplers import GAUSSIAN, SAMPLERS
from podium.stages.tune.search import Candidates, search, with_history
from podium.stages.tune.shipped import dimensions_of
from podium.stages.tune.study import KNOBS, Asked, Finished, StoredStudy, open_study

# How long the command waits at its end for MLflow, as a share of its time.
WAIT_SHARE, MOST_WAIT = 0.01, 10.0


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    minutes: float | None = None
    trials: int | None = None
    sampler: str = "tpe"
    pruner: str | None = None
    storage: str | None = None
    study: str | None = None
    batch: int | None = None
    seed: int = 0
    features: bool = False
    apply: bool = False

    def checked(self) -> "Options":
        """The same with a budget.

        Raises:
            PodiumError: there is no such sampler or pruner.
        """
        for kind, name, known in (
            ("sampler", self.sampler, SAMPLERS),
            ("pruner", self.pruning, PRUNERS),
        ):
            if name not in known:
                raise PodiumError(f"--{kind}: no {kind} '{name}'; {nearest(name, known)}")
        if self.minutes is None and self.trials is None:
            return replace(self, minutes=MINUTES)
        return self

    @property
    def pruning(self) -> str:
        """The pruner. Gaussian processes learn of finished trials alone, and get none of it."""
        return self.pruner or ("none" if self.sampler in GAUSSIAN else "folds")

    def name(self, model: str) -> str:
        """The study's name."""
        return self.study or (f"{model}-features" if self.features else model)

    @property
    def budget(self) -> str:
        """The budget in words, as runs are tagged with it."""
        minutes = [] if self.minutes is None else [f"{self.minutes:g} min"]
        trials = [] if self.trials is None else [counted(self.trials, "trial")]
        return ", ".join([*minutes, *trials])


def tune(name: str, model: str, options: Options) -> None:
    """Search better values of a model's knobs, and say whether they are better on other folds.

    Raises:
        PodiumError: there is no such model, or nothing to search; the data are not there; the study
            is of other data; or no configuration could be evaluated in time.
    """
    started = time.monotonic()
    options = options.checked()
    task, space = task_and_space(name, model, options)
    with computing(name), parent_run(task, options) as run:
        tuning = run_search(task, space, options, run, started)
        say(report.counts(tuning.study.finished()))
        if options.minutes is not None:
            say(report.time_spent(time.monotonic() - started, 60 * options.minutes))
        folder = _draw(tuning, run)
        best = _best(tuning)
        confirmed = _confirm(tuning, best)
        current = tuning.study.of_values(tuning.candidates.own)
        for line in report.result_lines(task.metric, current, best, confirmed):
            print(line, flush=True)
        _log_result(run, current, best, confirmed)
        say(f"pictures and trials: {folder}")
    _apply(tuning, best, options)


@contextmanager
def computing(name: str) -> Iterator[None]:
    """Trials are fitted where params.yaml says: here, or on a cluster."""
    settings = load_config(only=name).compute
    with compute.executor(settings) as pool, compute.using(pool):
        yield


@dataclass
class Tuning:
    """A search: its task, its study, and what is left of its budget."""

    task: Task
    study: StoredStudy
    candidates: Candidates | FeatureCandidates
    budget: Budget
    options: Options
    folder: Path
    began: float


def task_and_space(name: str, model: str, options: Options) -> tuple[Task, Space]:
    """What is tuned, and what is searched.

    Raises:
        PodiumError: there is no such model, its data are not there, or nothing is to be searched.
    """
    task = _task(name, model)
    if options.features:
        return replace(task, preprocesses=True), feature_space(task.competition)
    return task, make_space(task.params, dimensions_of(task.competition, model))


def _task(name: str, model: str) -> Task:
    competition = load_config(only=name)[name]
    if model not in competition.models:
        hint = nearest(model, competition.models)
        raise PodiumError(f"MODEL: no model '{printable(model)}' in {name}; {hint}")
    return Task.read(competition, model)


def study_folder(competition: str, study: str) -> Path:
    """Where a study, its pictures and its table of trials are; git and DVC don't look there."""
    return paths.report(competition).parent / "tune" / study


@contextmanager
def parent_run(task: Task, options: Options) -> Iterator[Run]:
    """The run in MLflow below which the trials' runs are."""
    competition, schema = task.competition, task.dataset.schema
    tags = run_tags(competition, schema, "tune") | _tags(task, options)
    wait = MOST_WAIT if options.minutes is None else 60 * WAIT_SHARE * options.minutes
    title = run_name(f"tune {task.model} {options.sampler}", schema)
    with tracked_run(competition.name, title, tags, wait=min(wait, MOST_WAIT)) as run:
        run.log_params(changed_params(task.params, task.params))
        run.log_data(competition.name, schema.data_sha256, schema.provider)
        yield run


def _tags(task: Task, options: Options) -> dict[str, str]:
    return {
        "podium.model": task.model,
        "sampler": options.sampler,
        "pruner": options.pruning if task.in_batches else "none",
        "budget": options.budget,
        "study": options.name(task.model),
    }


def run_search(
    task: Task, space: Space, options: Options, run: Run, started: float | None = None
) -> Tuning:
    """Search with one sampler; what it has found, and what it has left of its time."""
    budget = Budget(options.minutes, options.trials, task.in_batches, options.batch)
    pool = compute.current()
    budget.side_by_side = pool.slots if pool.is_remote and not options.features else 1
    budget.started = budget.started if started is None else started
    tuning = _opened(task, space, options, budget)
    pruner = PRUNERS[options.pruning](-1.0 if task.metric.greater_is_better else 1.0)
    say(
        f"{label(task.competition, task.dataset.schema)}  {task.model}: {options.sampler}, "
        f"{options.budget}, {', '.join(knob.name for knob in tuning.study.space.knobs)}"
    )
    told = _teller(tuning, run)
    evaluators = FeatureEvaluator if options.features else Evaluator
    with (
        _progress(task) as reporter,
        evaluators(task, with_history(pruner, tuning.study), reporter) as evaluator,
    ):
        search(tuning.study, tuning.candidates, evaluator, budget, told)
    return tuning


def _progress(task: Task) -> AbstractContextManager[Reporter]:
    """How far a batch is; trials that come one by one are told of anyway."""
    if not task.in_batches:
        return nullcontext(SILENT)
    return reporting(f"{task.competition.name} {task.model}", console())


def _opened(task: Task, space: Space, options: Options, budget: Budget) -> Tuning:
    """The study, with the current configuration and what a killed process left queued."""
    name = options.name(task.model)
    folder = study_folder(task.competition.name, name)
    folder.mkdir(parents=True, exist_ok=True)
    makers: type[Candidates] | type[FeatureCandidates] = Candidates
    if options.features:
        makers = FeatureCandidates
    candidates = makers.of(task, [knob.name for knob in space.knobs])
    study = open_study(
        options.storage or f"journal:///{folder / 'study.log'}",
        f"{task.competition.name}/{name}",
        _about(task, space, candidates),
        space,
        space.including(candidates.current),
        task.metric,
        options.sampler,
        options.seed,
        budget.wall,
    )
    candidates = candidates.on(study.space.standing(candidates.current))
    known = study.finished()
    if known:
        say(f"the study '{name}' goes on: {report.counts(known)} so far")
    if taken := study.take_over():
        say(f"queued again, from a process that was ended: {counted(taken, 'trial')}")
    budget.dearer = candidates.dearer
    study.queue_current(candidates.current)
    if options.sampler == "grid":
        study.queue(study.space.grid(options.seed))
        study.only_queued = True
    return Tuning(task, study, candidates, budget, options, folder, time.time())


def _about(task: Task, space: Space, candidates: Candidates | FeatureCandidates) -> dict[str, Any]:
    """What must be the same for two trials to be comparable."""
    schema, competition = task.dataset.schema, task.competition
    searched = {knob.name for knob in space.knobs}
    own = set() if task.preprocesses else searched
    fixed = task.params.model_dump(mode="json", exclude={*own, "model"})
    keys = ("preprocess", "features", "task", "target", "target_transform")
    made_of = competition.model_dump(mode="json", include=set(keys))
    if task.preprocesses:
        made_of["preprocess"] = {
            knob: value for knob, value in made_of["preprocess"].items() if knob not in searched
        }
    return {
        "data": schema.data_sha256,
        "folds": schema.folds_sha256,
        "metric": competition.metric,
        "preprocessing": files.digest(repr(made_of).encode()),
        "model": task.params.model,
        KNOBS: {**fixed, **candidates.cheaper},
    }


def _teller(tuning: Tuning, run: Run) -> Any:
    """What is done with every trial: a line, and a run below the search's."""
    task = tuning.task

    def told(asked: Asked, fit: TrialFit) -> None:
        best = tuning.study.best()
        is_current = tuning.candidates.is_current(asked.values)
        is_best = best is not None and best.number == asked.number
        say(report.trial_line(asked.number, asked.values, fit, is_best, is_current))
        tags = _tags(task, tuning.options) | {
            "podium.stage": "trial",
            "state": fit.state,
            "data.sha256": task.dataset.schema.data_sha256,
            "folds.sha256": task.dataset.schema.folds_sha256,
        }
        title = f"{task.model} trial {asked.number}"
        with tracked_run(task.competition.name, title, tags, parent=run) as own:
            own.log_params(asked.values)
            if fit.score is not None:
                log_scores(own, fit.score, fit.fold_scores, task.dataset.folds.shape[1])
            own.log_metrics({"seconds": round(fit.seconds, 2)})

    return told


def _best(tuning: Tuning) -> Finished:
    """The best trial.

    Raises:
        PodiumError: no configuration was evaluated in time.
    """
    best = tuning.study.best()
    if best is None:
        raise PodiumError(
            f"{tuning.task.competition.name} {tuning.task.model}: no configuration could be "
            f"evaluated within {tuning.options.budget}, of which a part is kept for the "
            "confirmation; give it more time, or a smaller model"
        )
    return best


def _draw(tuning: Tuning, run: Run) -> Path:
    """Pictures and a table of the study, in its folder and in MLflow."""
    task, folder = tuning.task, tuning.folder
    title = f"{task.competition.name} {task.model}"
    with files.scratch() as scratch:
        write_trials(tuning.study.finished(), scratch / "trials.csv")
        plots.draw(tuning.study.study, title, task.metric, scratch)
        run.log_artifacts(scratch)
        shutil.copytree(scratch, folder, dirs_exist_ok=True)
    return folder


def write_trials(trials: list[Finished], path: Path) -> None:
    """A table of trials: how each ended, its score, and its values."""
    import pandas as pd

    rows = [
        {
            "trial": one.number,
            "state": one.state,
            "score": one.score,
            "seconds": one.seconds,
            # Since 1970.
            "ended": round(one.ended, 2),
            **one.values,
        }
        for one in trials
    ]
    pd.DataFrame(rows).to_csv(path, index=False, lineterminator="\n")


def _confirm(tuning: Tuning, best: Finished) -> Confirmed | TrialFit | None:
    """Both configurations on other folds; None where the best is the current one."""
    candidates, task = tuning.candidates, tuning.task
    if candidates.is_current(best.values):
        return None
    made = candidates.whole if tuning.budget.confirms_whole else candidates.trial
    seeds = "" if made == candidates.whole else ", with one seed"
    say(f"fitting the current and the best configuration on folds that no trial has seen{seeds}")
    both = [made(values) for values in (candidates.own, best.values)]
    return confirm(task, both, tuning.budget.last_moment)


def _log_result(
    run: Run, current: Finished | None, best: Finished, confirmed: Confirmed | TrialFit | None
) -> None:
    """The few numbers that a search is about."""
    scores: dict[str, float | None] = {
        "tuned_best": best.score,
        "tuned_current": current.score if current else None,
    }
    if isinstance(confirmed, Confirmed):
        scores |= {
            "confirmed_best": confirmed.best,
            "confirmed_current": confirmed.current,
            "confirmed_gain": confirmed.found.fold_gain,
            "confirmed_gain_error": confirmed.found.standard_error,
        }
    run.log_metrics({name: score for name, score in scores.items() if score is not None})
    run.log_params({f"best.{name}": value for name, value in best.values.items()})


def _apply(tuning: Tuning, best: Finished, options: Options) -> None:
    """Write the best values to params.yaml, if that is wanted and they are new."""
    changed = changes(tuning, best)
    task = tuning.task
    if not changed:
        if options.apply:
            say("params.yaml has the best values already: nothing is written")
        return
    if not options.apply:
        say("'--apply' with '--trials 0' writes the best values to params.yaml")
        return
    block = ("preprocess",) if task.preprocesses else ("models", task.model)
    knobs = {name: value for name, value in changed.items() if not name.startswith(PREFIX)}
    for line in apply((task.competition.name, *block), knobs) if knobs else ():
        say(line)
    if off := list(switched_off(changed)):
        say(f"better without these features; remove them by hand: {', '.join(off)}")
    say("next: 'dvc repro' trains with them")


def changes(tuning: Tuning, best: Finished) -> dict[str, Any]:
    """The knobs whose best value is another than the current one."""
    current: Mapping[str, Any] = tuning.candidates.current
    if tuning.candidates.is_current(best.values):
        return {}
    return {name: value for name, value in best.values.items() if value != current.get(name)}
