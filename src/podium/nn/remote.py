"""Groups of members trained on a cluster: a worker computes, this process reports and stores.

A group's tables, targets and hyperparameters travel once to each worker; its number goes there,
losses of its epochs come back while it trains, and its members' weights at the end.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from podium.nn.checkpoint import Checkpoint, State
from podium.nn.data import Data, Member
from podium.nn.outcome import EpochLog, Outcome
from podium.nn.plan import Round
from podium.nn.trainer import Score, Trainer
from podium.runtime import compute
from podium.runtime.resources import cores

# A group, the epochs it has done, those of its members that still trained with their newest losses,
# and whether these were read from a checkpoint.
OnGroup = Callable[[list[Member], int, list[Member], list[EpochLog], bool], None]


@dataclass(frozen=True)
class Work:
    """What all groups of a training have in common."""

    data: Data
    score: Score | None
    folder: Path | None
    # The time of day at which members that still train leave.
    until: float | None = None

    def trainer(self, group: list[Member]) -> Trainer:
        """A group before its first epoch."""
        return Trainer(self.data, group, torch.device("cpu"), self.score)


@dataclass(frozen=True)
class Trained:
    """A finished group: each member's tensors and facts; its checkpoint's name and content."""

    members: list[State]
    file: str
    state: State | None


def train_round(work: Work, one: Round, pool: compute.Pool, tell: OnGroup) -> list[Outcome]:
    """The outcomes of a round's groups, trained by a pool; finished ones are read from disk."""
    done: dict[int, list[Outcome]] = {}
    places, items = [], []
    for place, group in enumerate(one.groups):
        trainer = _resumed(work, group)
        if trainer is not None:
            tell(group, trainer.epoch, group, _logs(trainer, group), True)
        if trainer is not None and not trainer.members:
            done[place] = trainer.outcomes
        else:
            places.append(place)
            items.append((group, trainer and trainer.state()))
    results = pool.each(
        partial(train_group, work),
        items,
        threads=one.threads,
        names=[f"networks {group[0].index} to {group[-1].index}" for group, _ in items],
        on_event=lambda number, event: _tell_epoch(tell, items[number][0], event),
    )
    for number, trained in results:
        group = items[number][0]
        if work.folder is not None and trained.state is not None:
            Checkpoint.write(work.folder / trained.file, trained.state)
        done[places[number]] = [_restored(group, *member) for member in trained.members]
        tell(group, max(member.epochs for member in group), [], [], False)
    return [outcome for place in range(len(one.groups)) for outcome in done[place]]


def train_group(work: Work, item: tuple[list[Member], State | None]) -> Trained:
    """On a worker: train one group, from the start or from a checkpoint's state."""
    group, state = item
    torch.set_num_threads(cores())
    trainer = work.trainer(group)
    file = Checkpoint.file_of(trainer) if work.folder else ""
    if state is not None:
        trainer.load_state(*state)
    while trainer.members:
        compute.stop_if_cancelled()
        if work.until is not None and time.time() >= work.until:
            trainer.leave()
            break
        trained = list(trainer.members)
        trainer.run_epoch()
        logs = [vars(log) for log in _logs(trainer, trained)]
        compute.tell((trainer.epoch, [member.index for member in trained], logs))
    members = [(outcome.tensors(), outcome.facts()) for outcome in trainer.outcomes]
    return Trained(members, file, trainer.state() if work.folder else None)


def _resumed(work: Work, group: list[Member]) -> Trainer | None:
    """A group as an earlier run stored it; None if it did not."""
    if work.folder is None or not any(work.folder.glob("*.safetensors")):
        return None
    trainer = work.trainer(group)
    Checkpoint(work.folder, trainer, 0.0).restore(trainer)
    return trainer if trainer.epoch else None


def _logs(trainer: Trainer, members: list[Member]) -> list[EpochLog]:
    """Each member's newest losses."""
    return [trainer.histories[member.index][-1] for member in members]


def _restored(group: list[Member], tensors: dict[str, Tensor], facts: dict[str, Any]) -> Outcome:
    """A member's outcome with the member itself, which did not travel back."""
    (member,) = (member for member in group if member.index == facts["index"])
    return Outcome.restored(member, tensors, facts)


def _tell_epoch(tell: OnGroup, group: list[Member], event: Any) -> None:
    epoch, trained, logs = event
    members = [member for member in group if member.index in trained]
    tell(group, epoch, members, [EpochLog(**log) for log in logs], False)
