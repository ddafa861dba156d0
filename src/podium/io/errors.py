"""The error classes for problems that the user can fix, and warnings."""

import re
import sys
from collections.abc import Sequence


class PodiumError(Exception):
    """A problem that the user can fix: one line that says what, where and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


class KeyedError(PodiumError):
    """A problem with the value at some keys of a competition's block.

    A stage adds the file, the line and the competition (``config.load.located``).
    """

    def __init__(self, keys: tuple[str, ...], message: str) -> None:
        self.keys, self.message = keys, message
        super().__init__(f"{'.'.join(keys)}: {message}")


class SettingError(PodiumError):
    """A value of params.yaml that doesn't fit the data; the command line adds file and line.

    ``keys`` is the path to it, with the competition's name.
    """

    def __init__(self, keys: Sequence[str], message: str) -> None:
        self.keys, self.message = tuple(keys), message
        super().__init__(f"params.yaml: {'.'.join(keys)}: {message}")


class EstimatorError(PodiumError):
    """A model that is not Podium's own fails, or predicts what can't be; a stage adds the place."""


def warn(message: str) -> None:
    """Print a one-line warning on standard error."""
    print(f"podium: warning: {' '.join(message.split())}", file=sys.stderr, flush=True)


def without_password(text: str) -> str:
    """The text with user and password removed from URIs."""
    return re.sub(r"://[^/@\s]*@", "://", text)
