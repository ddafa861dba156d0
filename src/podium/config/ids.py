"""The key ``id``: a column, or several that are an id together."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from podium.config.block import Name

# Between the parts of an id, in its name and in its values.
SEPARATOR = " | "


def _joined(value: Any) -> Any:
    """Several columns as one name, which ``columns_of_id`` takes apart."""
    if not isinstance(value, list):
        if isinstance(value, str) and SEPARATOR in value:
            raise ValueError(f"a column without '{SEPARATOR}' in its name; rename it in the files")
        return value
    for name in value:
        if not isinstance(name, str) or not name or SEPARATOR in name:
            raise ValueError(f"names of columns, without '{SEPARATOR}' in them")
    if not value or len(set(value)) < len(value):
        raise ValueError("a column, or several different ones: [store, date]")
    return SEPARATOR.join(value)


Id = Annotated[Name, BeforeValidator(_joined)]


def columns_of_id(name: str) -> list[str]:
    """The columns of an id."""
    return name.split(SEPARATOR)
