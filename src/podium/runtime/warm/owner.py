"""The owner of a process that was forked for a stage: its ancestors are not its client's."""

import os
from dataclasses import dataclass

# Where stages run side by side, each in a DVC of its own: the ``podium repro`` that started these,
# as ``processes.describe`` says it. It has the one resident process, and no stage outlives it.
REPRO = "PODIUM_REPRO"


@dataclass(frozen=True)
class Owner:
    """The DVC that the stage belongs to, as ``processes.describe`` says it, and its client.

    ``lifeline`` is the read end of a pipe that closes when the client ends.
    """

    dvc: str = ""
    lifeline: int = -1


current = Owner()


def repro() -> str:
    """The ``podium repro -j`` that this process belongs to; empty if there is none."""
    return os.environ.get(REPRO, "")
