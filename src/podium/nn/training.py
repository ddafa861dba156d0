"""Trains the groups of a plan: on this machine, some of them at the same time, or on a cluster."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from podium.nn.checkpoint import Checkpoint
from podium.nn.data import Data, Member
from podium.nn.device import pool_of
from podium.nn.observe import Observe, Snapshot
from podium.nn.outcome import EpochLog, Outcome
from podium.nn.plan import Plan, Round
from podium.nn.remote import Work, train_round
from podium.nn.trainer import Prune, Score, Trainer
from podium.runtime import compute

# Seconds between checkpoints of a running training.
CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Progress:
    """The state of a training: member epochs done and in total, and the epoch just finished.

    ``resumed``: the epochs were read from a checkpoint, not trained now. ``group`` counts from 1;
    ``groups`` of the plan train after or beside each other.
    """

    done: int
    total: int
    epoch: int
    members: list[Member]
    logs: list[EpochLog]
    resumed: bool = False
    group: int = 1
    groups: int = 1


OnEpoch = Callable[[Progress], None]


@dataclass(frozen=True)
class Limits:
    """What ends a member's training before its last epoch.

    ``prune`` says who leaves after an epoch of a group, one thread at a time; not on a cluster.
    ``deadline`` is the ``time.monotonic()`` at which all that still train leave. After
    ``last_epoch`` epochs they are finished, as if they had been stopped early.
    """

    prune: Prune | None = None
    deadline: float | None = None
    last_epoch: int | None = None

    @property
    def clock(self) -> float | None:
        """The deadline as the time of day, which other machines know too."""
        return None if self.deadline is None else time.time() + self.deadline - time.monotonic()

    @property
    def are_over(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline


NO_LIMITS = Limits()


class Training:
    """Trains the groups of a plan, some of them at the same time."""

    def __init__(
        self,
        data: Data,
        device: torch.device,
        score: Score | None,
        on_epoch: OnEpoch | None,
        limits: Limits,
        checkpoint: Path | None,
        observe: Observe | None = None,
    ) -> None:
        self.data, self.device, self.score, self.on_epoch = data, device, score, on_epoch
        self.limits, self.folder, self.observe = limits, checkpoint, observe
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.done = self.total = 0
        # Of groups that a cluster trains: the epochs done, by the first member.
        self.epochs: dict[int, int] = {}
        # The groups' numbers, by the first member.
        self.numbers: dict[int, int] = {}

    def all(self, plan: Plan) -> list[Outcome]:
        """Every member's outcome, in the members' order."""
        self.numbers = {group[0].index: at for at, group in enumerate(plan.groups, 1)}
        self.total = sum(member.epochs for group in plan.groups for member in group)
        outcomes = [outcome for one in plan.rounds for outcome in self._round(one)]
        return sorted(outcomes, key=lambda outcome: outcome.member.index)

    def _round(self, one: Round) -> list[Outcome]:
        """The outcomes of a round's groups."""
        pool = compute.current()
        # One GPU takes all members as one group: there is nothing to divide. An observer is here.
        if pool.is_remote and self.device.type == "cpu" and self.observe is None:
            work = Work(self.data, self.score, self.folder, self.limits.clock)
            return train_round(work, one, pool, self._report_remote)
        return self._local_round(one)

    def _local_round(self, one: Round) -> list[Outcome]:
        with pool_of(one.workers, one.threads) as pool:
            try:
                done = list(pool.map(self._group, one.groups))
            except BaseException:
                # The other groups stop at the end of their epoch and write a checkpoint.
                self.stopped.set()
                raise
        return [outcome for outcomes in done for outcome in outcomes]

    def _group(self, members: list[Member]) -> list[Outcome]:
        prune = self._prune if self.limits.prune else None
        observe = self._observe if self.observe else None
        trainer = Trainer(self.data, members, self.device, self.score, prune, observe)
        checkpoint = Checkpoint(self.folder, trainer, CHECKPOINT_SECONDS) if self.folder else None
        if checkpoint:
            checkpoint.restore(trainer)
            self._report_progress(trainer, members, 0, resumed=True)
        while trainer.members and not self.stopped.is_set():
            if self.limits.are_over:
                trainer.leave()
                break
            before = trainer.epoch
            trainer.run_epoch()
            if checkpoint:
                checkpoint.save_if_due(trainer)
            self._report_progress(trainer, members, before)
        if checkpoint and self.stopped.is_set():
            checkpoint.save(trainer)
        return trainer.outcomes

    def _prune(self, epoch: int, scores: Mapping[int, float]) -> Collection[int]:
        """The members that leave."""
        assert self.limits.prune is not None
        with self.lock:
            return self.limits.prune(epoch, scores)

    def _observe(self, snapshot: Snapshot) -> None:
        """Show the observer a group."""
        assert self.observe is not None
        with self.lock:
            self.observe(snapshot)

    def _report_remote(
        self,
        group: list[Member],
        epoch: int,
        members: list[Member],
        logs: list[EpochLog],
        resumed: bool,
    ) -> None:
        """Report epochs of a group elsewhere; those that are done again are not told again."""
        new = epoch - self.epochs.get(group[0].index, 0)
        if new <= 0:
            return
        self.epochs[group[0].index] = epoch
        self.done += new * len(group)
        if self.on_epoch and logs:
            self._tell(group, epoch, members, logs, resumed)

    def _report_progress(
        self, trainer: Trainer, members: list[Member], before: int, resumed: bool = False
    ) -> None:
        """Report epochs; when a group ends early, its remaining epochs count as done."""
        with self.lock:
            # Of members that have left, the epochs that they would have trained.
            now = trainer.epoch if trainer.members else max(own.epochs for own in members)
            for own in members:
                self.done += min(now, own.epochs) - min(before, own.epochs)
            if self.on_epoch and trainer.epoch > before:
                logs = [trainer.histories[member.index][-1] for member in members]
                self._tell(members, trainer.epoch, members, logs, resumed)

    def _tell(
        self,
        group: list[Member],
        epoch: int,
        members: list[Member],
        logs: list[EpochLog],
        resumed: bool,
    ) -> None:
        assert self.on_epoch is not None
        place = self.numbers[group[0].index], len(self.numbers)
        self.on_epoch(Progress(self.done, self.total, epoch, members, logs, resumed, *place))
