"""Checkpoints: a group's state on disk, so that a killed training continues where it stopped.

A file's name is a hash of everything the result depends on (hyperparameters, data, members), so a
checkpoint of other settings is never read. The random number generator has no state to save.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from podium.io import disk
from podium.nn.trainer import Trainer

# What ``trainer.state()`` gives.
State = tuple[dict[str, Tensor], dict[str, Any]]

# Hyperparameters that don't change training.
_NOT_IN_KEY = {"model", "device", "seeds", "seed", "mc_dropout", "tta", "tta_strength"}


class Checkpoint:
    """A group's checkpoint file, and when it was last written."""

    def __init__(self, folder: Path, trainer: Trainer, every_seconds: float) -> None:
        self.path = folder / self.file_of(trainer)
        self.every_seconds, self.written = every_seconds, time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def file_of(trainer: Trainer) -> str:
        """The name of the file of a trainer that has all its members."""
        return f"{_key(trainer)}.safetensors"

    def restore(self, trainer: Trainer) -> None:
        """Load the saved state into a new trainer; do nothing if there is no file."""
        if not self.path.is_file():
            return
        try:
            with safe_open(self.path, "pt", device=str(trainer.device)) as file:
                facts = json.loads(file.metadata()["facts"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, KeyError):
            # An unreadable checkpoint is treated as a missing one.
            self.path.unlink(missing_ok=True)
            return
        trainer.load_state(tensors, facts)

    def save_if_due(self, trainer: Trainer) -> None:
        """Write the state if the last write is long enough ago, or the group is finished."""
        if trainer.members and time.monotonic() - self.written < self.every_seconds:
            return
        self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write the state.

        Raises:
            OSError: the disk is full or not writable.
        """
        self.write(self.path, trainer.state())
        self.written = time.monotonic()

    @staticmethod
    def write(path: Path, state: State) -> None:
        """Write what ``trainer.state()`` gave, here or on a worker.

        Raises:
            OSError: the disk is full or not writable.
        """
        tensors, facts = state
        scratch = path.with_suffix(".writing")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(tensors, scratch, metadata={"facts": json.dumps(facts)})
            scratch.replace(path)
        except SafetensorError as error:
            raise OSError(disk.errno_in_text(error), str(error), str(scratch)) from None
        finally:
            scratch.unlink(missing_ok=True)


def _key(trainer: Trainer) -> str:
    """A hash of the hyperparameters, the data and the members."""
    digest = hashlib.blake2b(digest_size=16)
    for params, places in trainer.runs:
        own = params.model_dump(exclude=_NOT_IN_KEY)
        digest.update(json.dumps([own, places.stop - places.start], sort_keys=True).encode())
    digest.update(repr((trainer.task, trainer.device.type, torch.__version__)).encode())
    for part in trainer.data.fingerprint():
        digest.update(part)
    for member in trainer.members:
        digest.update(repr((member.index, member.seed, member.table, member.last)).encode())
        for rows in (member.train, member.valid, member.stop):
            digest.update(repr(len(rows)).encode() + rows.tobytes())
    return digest.hexdigest()
