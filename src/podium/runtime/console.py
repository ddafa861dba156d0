"""Where stages and commands print, on a terminal and in a pipe.

There are two kinds of lines: news (what is going on, what was done) and results that a command was
asked for. ``--quiet`` leaves out the news. Warnings and errors are not for here: ``io.errors``.
"""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# Set by ``--quiet``, for the stages that a command starts, too.
QUIET = "PODIUM_QUIET"
# Of lines in a pipe or a file: nothing wraps.
UNLIMITED = 10_000


def is_quiet() -> bool:
    """Whether news are left out."""
    return bool(os.environ.get(QUIET))


def width() -> int | None:
    """Of lines that a pipe or a file gets; None on a terminal, which knows its own."""
    return None if sys.stdout.isatty() or os.environ.get("COLUMNS") else UNLIMITED


def console() -> "Console":
    """Standard output for news; a log file gets lines of any length."""
    return _console(quiet=is_quiet())


def results() -> "Console":
    """Standard output for what the command was asked for."""
    return _console(quiet=False)


def say(line: str) -> None:
    """Print a line of news, as it is."""
    if not is_quiet():
        print(line, flush=True)


def _console(quiet: bool) -> "Console":
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        width=width(),
        soft_wrap=not terminal,
        highlight=False,
        quiet=quiet,
        # FORCE_COLOR gives a pipe colours, not a bar that moves.
        force_interactive=None if terminal else False,
    )
