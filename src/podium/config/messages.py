"""The words of params.yaml's errors: what was expected and what was found."""

from collections.abc import Iterable

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from podium.io.text import nearest, printable, shown


def explain(details: ErrorDetails, kind: type[BaseModel]) -> str:
    """What pydantic found wrong in a block of ``kind``, with the nearest valid key or value."""
    if not details["loc"]:
        # A rule about several knobs together.
        return details["msg"].removeprefix("Value error, ")
    key = printable(str(details["loc"][-1]))
    fields = _fields_at(kind, details["loc"][:-1])
    if details["type"] == "extra_forbidden":
        return f"unknown key '{key}'; {nearest(key, fields)}"
    if details["type"] == "missing":
        return f"missing key '{key}'; add it"
    expected = details["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"expected {expected}, found {shown(details['input'])}"


def _fields_at(kind: type[BaseModel], loc: Iterable[str | int]) -> list[str]:
    for part in loc:
        annotation = kind.model_fields[str(part)].annotation if part in kind.model_fields else None
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            kind = annotation
    return [name for name in kind.model_fields if name != "name"]
