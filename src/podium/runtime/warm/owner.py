"""The owner of a process that was forked for a stage: its ancestors are not its client's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Owner:
    """The DVC that the stage belongs to, as ``processes.describe`` says it, and its client.

    ``lifeline`` is the read end of a pipe that closes when the client ends.
    """

    dvc: str = ""
    lifeline: int = -1


current = Owner()
