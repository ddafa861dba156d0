"""Warnings of libraries and of users' own code: each once, as one line of Podium's."""

import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from podium.io.text import visible

# For who writes the code that calls a library, not for the user.
FOR_PROGRAMMERS = (
    DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning, ResourceWarning,
)  # fmt: skip
# Of a library's message.
LONGEST = 300


@contextmanager
def gathered(tell: Callable[[str], None]) -> Iterator[None]:
    """Hand on each warning once, at the end, with how often it came.

    Those that differ in numbers alone are one. Where Python is told by ``-W`` or
    ``PYTHONWARNINGS`` what to do with warnings, it does that.
    """
    if sys.warnoptions:
        yield
        return
    found: dict[str, str] = {}
    times: Counter[str] = Counter()

    def note(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if not issubclass(category, FOR_PROGRAMMERS):
            line = _line(message, category)
            alike = re.sub(r"\d+", "0", line)
            found.setdefault(alike, line)
            times[alike] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note
        try:
            yield
        finally:
            for alike, line in found.items():
                tell(line + (f" ({times[alike]} times)" if times[alike] > 1 else ""))


def _line(message: Warning | str, category: type[Warning]) -> str:
    """The type and the first line."""
    lines = [visible(line.strip()) for line in str(message).splitlines() if line.strip()]
    return f"{category.__name__}: {lines[0][:LONGEST]}" if lines else category.__name__
