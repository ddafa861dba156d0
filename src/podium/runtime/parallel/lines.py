"""The output of several stages on one screen: whole lines, each with its stage's name."""

import re
import sys
from collections.abc import Sequence
from typing import TextIO

from podium.runtime.console import is_quiet

# What DVC says around each stage: the same for all, or about git.
_CHATTER = re.compile(
    r"$|> sh scripts/podium |(Generating|Updating) lock file |To track the changes with git, run:"
    r"|\tgit add |To enable auto staging, run:|\tdvc config core\.autostage |Use `dvc push` "
    r"|Data and pipelines are up to date|Stage '.+' didn't change, skipping"
)
_BEGINS = re.compile(r"(?:Running stage|Stage) '(?P<name>[^']+)'")
_SKIPPED = re.compile(r"Stage '.+' didn't change, skipping")


class Lines:
    """Prints what the DVC of a job prints, and notes where it is.

    ``seen`` are stages that it has come to, ``skipped`` how many of them had nothing to do.
    """

    def __init__(self, stages: Sequence[str], width: int) -> None:
        self.label, self.width = short(stages[0]), width
        self.seen: list[str] = []
        self.skipped = 0
        self._rest: dict[TextIO, bytes] = {}

    def take(self, chunk: bytes, stream: TextIO) -> None:
        """Print the lines that are whole; an empty chunk is the end, which completes the last."""
        *whole, rest = (self._rest.get(stream, b"") + chunk).split(b"\n")
        if not chunk and rest:
            whole, rest = [*whole, rest], b""
        self._rest[stream] = rest
        for line in whole:
            # A bar that is drawn over itself: the last of it.
            text = line.decode(errors="replace").rstrip("\r").rpartition("\r")[2]
            self._note(text)
            if not _CHATTER.match(text):
                self.say(text, stream)

    def say(self, text: str, stream: TextIO) -> None:
        """One line with the stage's name before it; with ``--quiet`` only of standard error."""
        if stream is sys.stdout and is_quiet():
            return
        stream.write(f"{self.label:<{self.width}} | {text}\n")
        stream.flush()

    def _note(self, text: str) -> None:
        found = _BEGINS.match(text)
        if found:
            self.seen.append(found["name"])
            self.label = short(found["name"])
            self.skipped += bool(_SKIPPED.match(text))


def short(stage: str) -> str:
    """A stage's name for people: its competition, then the model or what is done."""
    name = stage.rpartition(":")[2]
    first, _, second = name.partition("@")
    return f"{first} {second}" if ":" in stage else f"{second} {first}".strip()
