"""The error class for problems that the user can fix, and warnings."""

import re
import sys


class PodiumError(Exception):
    """A problem that the user can fix: one line that says what, where and what to do.

    The command line prints it without a traceback and exits with code 2.
    """


def warn(message: str) -> None:
    """Print a one-line warning on standard error."""
    print(f"podium: warning: {' '.join(message.split())}", file=sys.stderr, flush=True)


def without_password(text: str) -> str:
    """The text with user and password removed from URIs."""
    return re.sub(r"://[^/@\s]*@", "://", text)
