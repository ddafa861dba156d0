"""From a page's blocks to HTML: a Jinja2 template, a style, a script, and the library of charts."""

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from podium.io.vega import bundle
from podium.reporting.page.blocks import Chart, Folded, Page, Section, SmallCharts

HERE = Path(__file__).parent
# Significant digits of a chart's numbers.
DIGITS = 6


def render(page: Page) -> str:
    """The page as HTML, all that it needs in it."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    charts = list(_charts(page.sections))
    places = {id(chart): f"chart-{place}" for place, chart in enumerate(charts)}
    specs = {places[id(chart)]: chart.spec for chart in charts}
    page_text = environment.get_template("page.html.jinja").render(
        page=page,
        place_of=lambda chart: places[id(chart)],
        style=_read("style.css"),
        script=_read("page.js"),
        specs=as_json(specs),
        library=bundle() if charts else "",
    )
    # The template's macros leave blank lines above the doctype.
    return page_text.lstrip()


def _charts(sections: Sequence[Section]) -> Iterator[Chart]:
    for section in sections:
        yield from _charts_among(section.blocks)
        yield from _charts(section.sections)


def _charts_among(blocks: Sequence[Any]) -> Iterator[Chart]:
    for block in blocks:
        if isinstance(block, Chart):
            yield block
        elif isinstance(block, SmallCharts):
            yield from block.charts
        elif isinstance(block, Folded):
            yield from _charts_among(block.blocks)


@cache
def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def as_json(value: Any) -> str:
    """JSON that may stand in a script element: short numbers, null for NaN, no ``</``."""
    return json.dumps(_plain(value), separators=(",", ":"), ensure_ascii=False).replace(
        "</", "<\\/"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
