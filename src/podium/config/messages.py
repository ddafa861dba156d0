"""The words of params.yaml's errors: what was expected, what was found, what is near."""

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

MOST_NAMES = 20


def explain(details: ErrorDetails, kind: type[BaseModel]) -> str:
    """What pydantic found wrong in a block of ``kind``, with the nearest valid key or value."""
    if not details["loc"]:
        # A rule about several knobs together.
        return details["msg"].removeprefix("Value error, ")
    key = str(details["loc"][-1])
    fields = _fields_at(kind, details["loc"][:-1])
    if details["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {nearest(key, fields)}"
    if details["type"] == "missing":
        return f"missing key '{key}'; add it"
    expected = details["msg"].removeprefix("Input should be ")
    return f"expected {expected}, found {shown(details['input'])}"


def _fields_at(kind: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    for part in loc:
        annotation = kind.model_fields[str(part)].annotation if part in kind.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            kind = annotation
    return [name for name in kind.model_fields if name != "name"]


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint: the nearest of ``words`` to a misspelt one, or all of them where none is near."""
    choices = [str(choice) for choice in words]
    close = difflib.get_close_matches(str(word), choices, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else one_of(choices)


def one_of(words: Iterable[str]) -> str:
    """``valid: a, b, c``."""
    names = list(words)
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return "valid: " + ", ".join(names[:MOST_NAMES]) + more


def shown(value: Any) -> str:
    """A bad value as an error quotes it: short, with its type where that is the matter."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f"text {text}" if isinstance(value, str) else "nothing" if value is None else text
