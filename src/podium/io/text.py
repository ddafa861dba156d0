"""Text from users' files in messages: shortened, printable, and the nearest valid name."""

import difflib
from collections.abc import Iterable
from typing import Any

MOST_NAMES = 20
# Longer text is not a name, and comparing it with names would take too long.
MOST_LETTERS = 200


def counted(number: int, what: str) -> str:
    """A number with its noun: ``1 trial``, ``3 trials``."""
    return f"{number} {what}{'s' * (number != 1)}"


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint: the nearest of ``words`` to a misspelt one, or all of them if none is near."""
    choices = [str(choice) for choice in words]
    short = [choice for choice in choices if len(choice) <= MOST_LETTERS]
    close = difflib.get_close_matches(str(word)[:MOST_LETTERS], short, n=1, cutoff=0.6)
    return f"did you mean '{printable(close[0])}'?" if close else one_of(choices)


def one_of(words: Iterable[str]) -> str:
    """``valid: a, b, c``."""
    names = list(words)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return "valid: " + ", ".join(map(printable, names[:MOST_NAMES])) + more


def either(names: Iterable[str]) -> str:
    """``a, b or c``."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def printable(text: str) -> str:
    """Text from a file made safe for error messages: short, one line, no control characters.

    A name in an archive or a table can contain control sequences for the terminal.
    """
    short = text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 3] + "..."
    return visible(short)


def visible(text: str) -> str:
    """The text without control characters and unpaired surrogates."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def shown(value: Any) -> str:
    """A bad value for an error message: short, with its type if it is text."""
    text = repr(value[:60]) if isinstance(value, str) else printable(str(value))
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"text {text}" if isinstance(value, str) else "nothing" if value is None else text
