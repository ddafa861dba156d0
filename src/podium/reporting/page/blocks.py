"""What a page is made of. The template has a macro for each of these, by its ``kind``.

Blocks that are ``beside`` share rows of the page, two each where it is wide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd

# Digits of numbers in tables that don't say otherwise.
DIGITS = 4


@dataclass(frozen=True)
class Text:
    """A paragraph; ``strong`` is what a reader must not miss."""

    text: str
    strong: bool = False
    beside: ClassVar[bool] = False
    kind: ClassVar[str] = "text"


@dataclass(frozen=True)
class Code:
    """Commands to copy, a line each."""

    lines: Sequence[str]
    beside: ClassVar[bool] = False
    kind: ClassVar[str] = "code"


@dataclass(frozen=True)
class Facts:
    """Names and values."""

    items: Mapping[str, str]
    beside: bool = False
    kind: ClassVar[str] = "facts"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart. ``description`` says in words and numbers what it shows.

    ``note`` is a line below it.
    """

    title: str
    spec: Mapping[str, Any]
    description: str
    note: str = ""
    beside: ClassVar[bool] = True
    kind: ClassVar[str] = "chart"


@dataclass(frozen=True)
class SmallCharts:
    """Charts of the same kind, as many beside each other as there is room for."""

    charts: Sequence[Chart]
    beside: ClassVar[bool] = False
    kind: ClassVar[str] = "small_charts"


@dataclass(frozen=True)
class Picture:
    """An image as a data URI, what it shows, and the lines below it."""

    source: str
    description: str
    lines: Sequence[str] = ()


@dataclass(frozen=True)
class Gallery:
    """Small pictures beside each other."""

    pictures: Sequence[Picture]
    beside: ClassVar[bool] = False
    kind: ClassVar[str] = "gallery"


@dataclass(frozen=True)
class Column:
    """A table's column; ``note`` explains it in a line below the heading."""

    name: str
    number: bool = False
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """A value as it is shown; ``order`` is what a table is sorted by, ``link`` a section's id."""

    text: str
    order: float | None = None
    link: str = ""
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under columns; ``bold`` is the row that stands out. Readers may sort it."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    bold: int | None = None
    beside: bool = False
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Folded:
    """Blocks that are seen when a reader opens them."""

    title: str
    blocks: Sequence[Any]
    beside: ClassVar[bool] = False
    kind: ClassVar[str] = "folded"


Block = Text | Code | Facts | Chart | SmallCharts | Gallery | Table | Folded


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; ``id`` is its place in the page's address."""

    id: str
    title: str
    blocks: Sequence[Block] = ()
    sections: Sequence["Section"] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self.blocks and not self.sections


@dataclass(frozen=True)
class Page:
    """The whole page; ``lead`` are the lines below its title."""

    title: str
    lead: Sequence[str]
    sections: Sequence[Section]


def table_of(
    caption: str, table: pd.DataFrame, digits: int = DIGITS, beside: bool = False
) -> Table:
    """A table of a frame: numbers to the right, with so many significant digits."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    columns = [
        Column(str(name), number) for name, number in zip(table.columns, numeric, strict=True)
    ]
    rows = [
        [_cell(value, number, digits) for value, number in zip(row, numeric, strict=True)]
        for row in table.itertuples(index=False, name=None)
    ]
    return Table(caption, columns, rows, beside=beside)


def _cell(value: Any, number: bool, digits: int) -> Cell:
    if pd.isna(value):
        return Cell("")
    if not number or isinstance(value, bool):
        return Cell(str(value))
    return Cell(shown(float(value), digits), float(value))


def counted(count: int, noun: str, several: str = "") -> str:
    """A number with its noun: ``1 column``, ``2 columns``."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"


def shown(value: float, digits: int = DIGITS) -> str:
    """A number with so many significant digits, without an exponent where it is readable so."""
    if value != value:
        return "undefined"
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.{digits - 1}e}"
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"
