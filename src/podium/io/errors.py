"""The one kind of error that a user is meant to read, and warnings."""

import re
import sys


class PodiumError(Exception):
    """Something the user can fix: one line that says what, where and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


def warn(message: str) -> None:
    """Say in one line what may be wrong, on standard error, and go on."""
    print(f"podium: warning: {' '.join(message.split())}", file=sys.stderr, flush=True)


def without_password(text: str) -> str:
    """The text, its URIs without user and password."""
    return re.sub(r"://[^/@\s]*@", "://", text)
