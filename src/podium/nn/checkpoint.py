"""Stop and go: a group's state on disk, so that a killed training continues where it was.

A file's name is a hash of all that the result depends on (knobs, data, members): what belongs to
other settings is never read. Random numbers have no state to save.
"""

import hashlib
import json
import time
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from podium.io import disk
from podium.nn.trainer import Trainer

# Knobs that don't change what is trained.
_NO_MATTER = {"model", "device", "seeds", "seed", "mc_dropout", "tta", "tta_strength"}


class Checkpoint:
    """Where a group's state is kept, and when it was last written."""

    def __init__(self, folder: Path, trainer: Trainer, every_seconds: float) -> None:
        self.path = folder / f"{_key(trainer)}.safetensors"
        self.every_seconds, self.written = every_seconds, time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self, trainer: Trainer) -> None:
        """Put a trainer that hasn't begun where the saved one was; without a file, nothing."""
        if not self.path.is_file():
            return
        try:
            with safe_open(self.path, "pt", device=str(trainer.device)) as file:
                facts = json.loads(file.metadata()["facts"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError, ValueError, KeyError):
            # Not readable: as good as not there.
            self.path.unlink(missing_ok=True)
            return
        trainer.load_state(tensors, facts)

    def save_if_due(self, trainer: Trainer) -> None:
        """Write the state if the last time is long enough ago, or the group is done."""
        if trainer.members and time.monotonic() - self.written < self.every_seconds:
            return
        self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write the state.

        Raises:
            OSError: the disk is full, or may not be written.
        """
        tensors, facts = trainer.state()
        scratch = self.path.with_suffix(".writing")
        try:
            save_file(tensors, scratch, metadata={"facts": json.dumps(facts)})
            scratch.replace(self.path)
        except SafetensorError as error:
            raise OSError(disk.said_code(error), str(error), str(scratch)) from None
        finally:
            scratch.unlink(missing_ok=True)
        self.written = time.monotonic()


def _key(trainer: Trainer) -> str:
    """A hash of the knobs, the data and the members."""
    digest = hashlib.blake2b(digest_size=16)
    knobs = trainer.params.model_dump(exclude=_NO_MATTER)
    digest.update(json.dumps(knobs, sort_keys=True).encode())
    digest.update(repr((trainer.task, trainer.device.type, torch.__version__)).encode())
    for part in trainer.data.fingerprint():
        digest.update(part)
    for member in trainer.members:
        digest.update(repr((member.index, member.seed, member.table)).encode())
        for rows in (member.train, member.valid, member.stop):
            digest.update(repr(len(rows)).encode() + rows.tobytes())
    return digest.hexdigest()
