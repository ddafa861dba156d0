"""True and false, in whatever case a file has them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

WORDS = {"true": True, "false": False}
NUMBERS = {"1": True, "0": False, "1.0": True, "0.0": False}


def as_boolean(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """1.0 for true and 1, 0.0 for false and 0, whatever the case; all else is missing."""
    codes = {word: float(value) for word, value in (WORDS | NUMBERS).items()}
    return text.str.lower().map(codes).astype("float64")


def in_title_case(text: "pd.Series[Any]") -> "pd.Series[Any]":
    """``True`` and ``False`` for these words in any case; other values stay."""
    words = {
        value: str(value).title() for value in text.dropna().unique() if str(value).lower() in WORDS
    }
    return text.replace(words) if words else text


def spelled_as(labels: "pd.Series[Any]", wanted: Sequence[str]) -> "pd.Series[Any]":
    """True and false among ``labels`` (or 1 and 0) in the spelling of ``wanted``.

    Only if every label is one of the two. ``wanted`` may hold one of them alone; if it holds none
    or something else, words are spelled as the first label is.
    """
    found, known = labels.dropna().unique(), WORDS | NUMBERS
    if not len(found) or any(str(label).lower() not in known for label in found):
        return labels
    if not wanted or any(value.lower() not in known for value in wanted):
        if any(str(label).lower() not in WORDS for label in found):
            return labels
        wanted = [str(found[0])]
    words = spelling(wanted[0])
    return labels.map({label: words[known[str(label).lower()]] for label in found})


def spelling(style: str) -> dict[bool, str]:
    """How true and false are spelled where one of them is ``style``."""
    if style in NUMBERS:
        return {False: "0.0", True: "1.0"} if style.endswith(".0") else {False: "0", True: "1"}
    change = str.upper if style.isupper() else str.lower if style.islower() else str.title
    return {value: change(word) for word, value in WORDS.items()}
