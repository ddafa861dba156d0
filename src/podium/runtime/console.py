"""Where stages and commands print."""

import sys

from rich.console import Console


def console() -> Console:
    """Standard output; a log file gets lines of any length."""
    return Console(file=sys.stdout, soft_wrap=not sys.stdout.isatty(), highlight=False)
