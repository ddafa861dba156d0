"""The training result of one member: weights, curves, and how training ended."""

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from podium.nn.data import Member

TARGET = "target"


@dataclass(frozen=True)
class EpochLog:
    """One epoch of one member; losses on the training scale, ``valid_metric`` on the target's."""

    epoch: int
    train_loss: float
    valid_loss: float
    valid_metric: float
    learning_rate: float
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """A finished member: ``state`` holds its weights by parameter name.

    ``target`` is the shift and scale that turn outputs into targets, shape (2, outputs), with
    ``clamp_output`` followed by the least and the largest number, (4, outputs).
    ``pruned``: it left before its end.
    """

    member: Member
    state: dict[str, Tensor]
    target: Tensor
    history: list[EpochLog] = field(default_factory=list)
    best_epoch: int | None = None
    diverged: bool = False
    pruned: bool = False

    def tensors(self) -> dict[str, Tensor]:
        """All its tensors by name."""
        return {**self.state, TARGET: self.target}

    def facts(self) -> dict[str, Any]:
        """The rest, as JSON data."""
        return {
            "index": self.member.index,
            "history": [vars(log) for log in self.history],
            "best_epoch": self.best_epoch,
            "diverged": self.diverged,
            "pruned": self.pruned,
        }

    @classmethod
    def restored(
        cls, member: Member, tensors: dict[str, Tensor], facts: dict[str, Any]
    ) -> "Outcome":
        """A member's outcome from ``tensors()`` and ``facts()``."""
        state = {name: value.cpu() for name, value in tensors.items() if name != TARGET}
        history = [EpochLog(**log) for log in facts["history"]]
        target = tensors[TARGET].cpu()
        return cls(
            member,
            state,
            target,
            history,
            facts["best_epoch"],
            facts["diverged"],
            facts["pruned"],
        )
