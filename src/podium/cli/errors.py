"""What ends a command, in one line: errors that the user can fix, bugs, Ctrl-C."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from podium.io import disk
from podium.io.errors import PodiumError, SettingError
from podium.runtime import resources

BUG, WRONG, INTERRUPTED = 1, 2, 130


class StoppedError(Exception):
    """A Ctrl-C in a command that says how to go on."""


@contextmanager
def interruptible(next_step: str) -> Iterator[None]:
    """Say after a Ctrl-C what there is, and what to do."""
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(next_step) from None


def tell(error: Exception) -> int:
    """Say in one line what went wrong, and what to do; returns the exit code."""
    if isinstance(error, StoppedError):
        print(f"podium: interrupted: {error}", file=sys.stderr)
        return INTERRUPTED
    if message := _explained(error):
        print(f"podium: error: {' '.join(message.split())}", file=sys.stderr)
        return WRONG
    print(
        f"podium: unexpected {type(error).__name__}: {error}; this is a bug: please report "
        "what it prints with --debug",
        file=sys.stderr,
    )
    return BUG


def _explained(error: Exception) -> str:
    """The message of an error that the user can fix; empty for any other."""
    if isinstance(error, typer.TyperException):
        return _usage(error)
    if isinstance(error, SettingError):
        return _located(error)
    if isinstance(error, PodiumError):
        return str(error)
    if isinstance(error, OSError):
        return disk.describe(error)
    if resources.is_out_of_memory(error):
        return (
            f"not enough memory: {error}; smaller networks, batches or images need less; earlier "
            "results are as they were"
        )
    return ""


def _located(error: SettingError) -> str:
    """The message with the line of params.yaml, if that can be read."""
    from podium.config.load import located

    with suppress(PodiumError):
        return located(error.keys, error.message)
    return str(error)


def _usage(error: typer.TyperException) -> str:
    """What is wrong with the words of a command, and where its help is."""
    context = getattr(error, "ctx", None)
    words = context.command_path if context else "podium"
    what = getattr(error, "format_message", lambda: str(error))().rstrip(".?")
    what = what.replace(". Did you mean", ", did you mean")
    return f"{words}: {what[:1].lower()}{what[1:]}; '{words} --help' shows how it is used"
