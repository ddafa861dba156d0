"""The keys ``id`` and ``target``: a column, or several together, of which there is one name."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator

from podium.config.block import Name

# Between the columns, in the one name; and between the parts of an id in its values.
SEPARATOR = " | "


def _joined(example: str) -> Callable[[Any], Any]:
    """What makes one name of several columns, which ``columns_of`` takes apart."""

    def join(value: Any) -> Any:
        if not isinstance(value, list):
            if isinstance(value, str) and SEPARATOR in value:
                what = f"a column without '{SEPARATOR}' in its name; rename it in the files"
                raise ValueError(what)
            return value
        for name in value:
            if not isinstance(name, str) or not name or SEPARATOR in name:
                raise ValueError(f"names of columns, without '{SEPARATOR}' in them")
        if not value or len(set(value)) < len(value):
            raise ValueError(f"a column, or several different ones: {example}")
        return SEPARATOR.join(value)

    return join


Id = Annotated[Name, BeforeValidator(_joined("[store, date]"))]
TargetColumns = Annotated[Name, BeforeValidator(_joined("[height, width]"))]


def columns_of(name: str) -> list[str]:
    """The columns of an id or a target."""
    return name.split(SEPARATOR)
