"""Running the ``podium`` command: options of all commands, signals, exit codes."""

import os
import signal
import sys
import traceback
from contextlib import nullcontext
from types import FrameType
from typing import Annotated

import typer

from podium import __version__
from podium.cli import errors, look, run, stages, start, submit  # noqa: F401
from podium.cli.base import app
from podium.io.errors import warn
from podium.runtime import environment, guard, library_warnings
from podium.runtime.console import QUIET, width

# Read by main, before or after the command.
DEBUG_FLAG, QUIET_FLAG = "--debug", "--quiet"


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"podium {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    quiet: Annotated[
        bool, typer.Option(QUIET_FLAG, help="Only warnings, errors and results asked for.")
    ] = False,
    debug: Annotated[bool, typer.Option(DEBUG_FLAG, help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command; an error that the user can fix is one line and exit code 2."""
    environment.prepare()
    signal.signal(signal.SIGTERM, _terminated)
    guard.follow_dvc()
    arguments, flags = _without_flags(sys.argv[1:])
    debug = DEBUG_FLAG in flags
    if QUIET_FLAG in flags:
        # Stages that DVC starts for this command are as quiet.
        os.environ[QUIET] = "1"
    try:
        with nullcontext() if debug else library_warnings.gathered(warn):
            code = _run(arguments or ["--help"])
    except KeyboardInterrupt:
        code = errors.INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        sys.exit(errors.tell(error))
    # A stage's DVC says it.
    if code == errors.INTERRUPTED and "DVC_STAGE" not in os.environ:
        print("podium: interrupted", file=sys.stderr)
    sys.exit(code)


def _run(arguments: list[str]) -> int | None:
    """The exit code, that of a Ctrl-C too. Errors are raised: typer would print several lines."""
    color = False if os.environ.get("NO_COLOR") else None
    options = {"terminal_width": width(), "color": color}
    return app(arguments, standalone_mode=False, prog_name="podium", **options)


def _without_flags(words: list[str]) -> tuple[list[str], set[str]]:
    """The command line without the options of all commands, and these."""
    end = words.index("--") if "--" in words else len(words)
    flags = {word for word in words[:end] if word in (DEBUG_FLAG, QUIET_FLAG)}
    return [word for word in words[:end] if word not in flags] + words[end:], flags


def _terminated(signum: int, frame: FrameType | None) -> None:
    """SIGTERM ends the run in MLflow as KILLED instead of leaving it open."""
    sys.exit(128 + signum)
