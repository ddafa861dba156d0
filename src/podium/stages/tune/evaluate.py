"""Trials are evaluated on the competition's folds.

Networks train together, a batch at a time. Other models are fitted one after the other, in a child
process where there is a deadline: that ends what can't be stopped otherwise. On a cluster
(``compute`` of params.yaml) they are fitted side by side, a worker each.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import wait
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from podium.config import Competition, ModelParams, NetworkParams
from podium.data import kinds
from podium.data.dataset import Dataset
from podium.data.targets import Target
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.metrics import Metric
from podium.models.trials import OUT_OF_TIME, TrialFit, fit_alone, fit_trials
from podium.runtime import compute
from podium.runtime.progress import SILENT, Reporter
from podium.stages.common import target_of
from podium.stages.tune.prune import Pruner

# What a child gets: a competition to preprocess, or None for the data that are there; the model.
Job = tuple[Competition | None, ModelParams]


@dataclass(frozen=True)
class Task:
    """What is tuned: a model of a competition, on preprocessed data in ``folder``.

    ``preprocesses``: it is the preprocessing that is tuned, so that each trial makes its own data.
    """

    competition: Competition
    model: str
    folder: Path
    dataset: Dataset
    target: Target
    preprocesses: bool = False

    @classmethod
    def read(cls, competition: Competition, model: str, folder: Path | None = None) -> "Task":
        """The task, with its data."""
        folder = folder or paths.processed(competition.name)
        dataset = kinds.of(competition).read(folder)
        return cls(competition, model, folder, dataset, target_of(competition, dataset.schema))

    @property
    def params(self) -> ModelParams:
        """The model as it is in params.yaml."""
        return self.competition.models[self.model]

    @property
    def metric(self) -> Metric:
        """The competition's metric."""
        return self.competition.scoring

    @property
    def in_batches(self) -> bool:
        """Whether several configurations train as one."""
        is_single = len(self.competition.targets) == 1 and not self.target.is_learnt
        is_network = isinstance(self.params, NetworkParams)
        return is_network and is_single and not self.preprocesses


class Evaluator:
    """Evaluates batches of configurations; a context, which ends what it started."""

    def __init__(self, task: Task, pruner: Pruner, reporter: Reporter = SILENT) -> None:
        self.task, self.pruner, self.reporter = task, pruner, reporter
        self.child: _Child | None = None
        self.shared: Task | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.child is not None:
            self.child.end()

    def batch(
        self, params: Sequence[ModelParams], deadline: float | None, kept: Collection[int] = ()
    ) -> list[TrialFit]:
        """Evaluate configurations until ``deadline``, on the clock ``time.monotonic``.

        Those at the places ``kept`` are not pruned.
        """
        if not self.task.in_batches and compute.current().is_remote:
            return self.elsewhere(params, deadline)
        if not self.task.in_batches:
            return [self.one(own, deadline) for own in params]
        task, pruner = self.task, self.pruner
        pruner.start([getattr(own, "epochs", 0) for own in params], kept)
        return fit_trials(
            params,
            task.dataset,
            task.target,
            task.metric,
            reporter=self.reporter,
            prune=None if pruner.races else pruner,
            race=pruner.race if pruner.races else None,
            deadline=deadline,
        )

    def elsewhere(self, params: Sequence[ModelParams], deadline: float | None) -> list[TrialFit]:
        """Evaluate configurations on a cluster; those that are not ready at the deadline stop."""
        pool = compute.current()
        task = self.shared = pool.share(self.task) if self.shared is None else self.shared
        futures = [pool.submit(fit_one, task, own) for own in params]
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        wait(futures, left)
        late = [future for future in futures if not future.done()]
        for future in late:
            future.cancel()
        return [OUT_OF_TIME if future in late else future.result() for future in futures]

    def one(self, params: ModelParams, deadline: float | None) -> TrialFit:
        """Evaluate one configuration."""
        if deadline is None:
            return fit_one(self.task, params, self.reporter)
        if deadline <= time.monotonic():
            return OUT_OF_TIME
        return self.living().ask((None, params), deadline)

    def living(self) -> "_Child":
        """The child, a new one where the last was ended."""
        if self.child is None or not self.child.process.is_alive():
            self.child = _Child(self.task)
        return self.child


def fit_one(task: Task, params: ModelParams, reporter: Reporter = SILENT) -> TrialFit:
    """Fit one configuration on every fold, in this process."""
    return fit_alone(params, task.dataset, task.target, task.metric, reporter)


class _Child:
    """A process that fits one configuration after the other, and is ended at a deadline."""

    def __init__(self, task: Task) -> None:
        # Forked, a child would lack the threads that OpenMP and PyTorch have started.
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        job = task.competition, task.model, task.folder
        self.process = context.Process(target=_serve, args=(other, job))
        self.process.start()
        other.close()

    def ask(self, job: Job, deadline: float) -> TrialFit:
        """The result; where there is no time for one, or it crashes, the child is gone."""
        self.pipe.send(job)
        try:
            if self.pipe.poll(max(0.0, deadline - time.monotonic())):
                answer: TrialFit = self.pipe.recv()
                return answer
        except EOFError:
            self.process.join()
            what = f"its process ended with code {self.process.exitcode}"
            return TrialFit(None, [], 0.0, "failed", [], what)
        self.end()
        return OUT_OF_TIME

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe: Connection, job: tuple[Any, str, Path]) -> None:
    """The child's part: fit what comes, until nobody is there any more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task = Task.read(*job)
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            competition, params = pipe.recv()
            if competition is None:
                pipe.send(fit_one(task, params))
            else:
                pipe.send(fit_prepared(competition, task.model, params))


def fit_prepared(competition: Competition, model: str, params: ModelParams) -> TrialFit:
    """Preprocess a competition in a temporary folder, and fit one configuration there."""
    started = time.monotonic()
    try:
        with files.scratch() as folder:
            task = Task.read(competition, model, prepared(competition, folder))
            fit = fit_one(task, params)
    except PodiumError as error:
        what = " ".join(str(error).split())
        return TrialFit(None, [], time.monotonic() - started, "failed", [], what)
    return replace(fit, seconds=time.monotonic() - started)


def prepared(competition: Competition, folder: Path) -> Path:
    """Preprocess a competition's raw files into a folder of their own."""
    raw = paths.raw(competition.name)
    where = folder / "processed"
    where.mkdir()
    manifest = files.read_json(raw / files.MANIFEST)
    kinds.of(competition).prepare(raw, competition, manifest, where)
    return where


def _end_with_parent() -> None:
    """A killed parent leaves no child that goes on."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
