"""Text of users' files in messages: shortened, printable, and the nearest valid name."""

import difflib
from collections.abc import Iterable
from typing import Any

MOST_NAMES = 20
# What is longer is no name, and comparing it with names takes for ever.
MOST_LETTERS = 200


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint: the nearest of ``words`` to a misspelt one, or all of them where none is near."""
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
    """Text out of a file as an error may show it: short, in one line, no control characters.

    A name in an archive or a table can hold what moves a terminal's cursor.
    """
    short = text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 3] + "..."
    return visible(short)


def visible(text: str) -> str:
    """The text without control characters and halves of characters."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def shown(value: Any) -> str:
    """A bad value as an error quotes it: short, with its type where that is the matter."""
    text = repr(value[:60]) if isinstance(value, str) else printable(str(value))
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"text {text}" if isinstance(value, str) else "nothing" if value is None else text
