"""The report's page: what it is made of, and how that becomes one HTML file that loads nothing."""

from podium.reporting.page.blocks import (
    Block,
    Cell,
    Chart,
    Code,
    Column,
    Facts,
    Folded,
    Gallery,
    Page,
    Picture,
    Section,
    SmallCharts,
    Table,
    Text,
    table_of,
)
from podium.reporting.page.render import render

__all__ = [
    "Block",
    "Cell",
    "Chart",
    "Code",
    "Column",
    "Facts",
    "Folded",
    "Gallery",
    "Page",
    "Picture",
    "Section",
    "SmallCharts",
    "Table",
    "Text",
    "render",
    "table_of",
]
