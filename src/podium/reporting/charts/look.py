"""What all charts of the page have in common: colours, axes, the parts that they are made of."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

Spec = dict[str, Any]
# Of Okabe and Ito's palette (2008), which people with any colour vision tell apart, those of at
# least 3:1 on white, some of them darkened to it.
BLUE, ORANGE, GREEN, PURPLE, BROWN, BLACK = (
    "#0072B2", "#C85200", "#00805E", "#A64D86", "#8A6A00", "#333333",
)  # fmt: skip
GREY = "#767C86"
COLOURS = [BLUE, ORANGE, GREEN, PURPLE, BROWN, BLACK]
# Beside colour, lines differ in this.
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [10, 4]]
TRAIN, VALID = BLUE, ORANGE
TEXT, SOFT, LINE = "#1c2430", "#525c69", "#e3e6ea"
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
HEIGHT = 260
# Vega fits a chart to its place before it chooses the ticks: the last label may stand out to the
# right, by half of it.
PADDING = {"left": 5, "right": 16, "top": 5, "bottom": 5}
CONFIG: Spec = {
    "font": "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif",
    "background": "white",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal",
        "labelColor": SOFT, "titleColor": TEXT, "gridColor": LINE, "domainColor": GREY,
        "tickColor": GREY, "labelOverlap": True, "labelSeparation": 6, "titlePadding": 8,
        "labelLimit": 150,
    },
    "legend": {
        "labelFontSize": 12, "titleFontSize": 12, "labelColor": TEXT, "titleColor": TEXT,
        "orient": "top", "title": None, "labelLimit": 200, "symbolStrokeWidth": 2.5,
        "columns": 3, "offset": 4,
    },
    "text": {"fontSize": 12, "color": TEXT},
    "range": {"category": COLOURS},
    "aria": False,
}  # fmt: skip
# A drag of the mouse moves a chart's part that is seen; the wheel zooms only with a key held, as it
# scrolls the page else; a double click shows all again.
ZOOM: Spec = {
    "name": "zoom",
    "select": {
        "type": "interval",
        "translate": "[mousedown, window:mouseup] > window:mousemove!",
        "zoom": "wheel![event.ctrlKey || event.shiftKey]",
        "clear": "dblclick",
    },
    "bind": "scales",
}


def chart(layers: Sequence[Spec], height: float = HEIGHT, **more: Any) -> Spec:
    """A chart of layers, as wide as its place on the page; the height in pixels is the plot's."""
    return {
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": PADDING,
        "config": CONFIG,
        "layer": list(layers),
        **more,
    }


def values(rows: Any) -> Spec:
    """A layer's or a chart's data: a frame, or a list of rows."""
    return {"values": rows.to_dict("records") if hasattr(rows, "to_dict") else list(rows)}


def number(field: str, title: str | None = None, **more: Any) -> Spec:
    """A quantitative channel; scales need not begin at zero."""
    given = more.pop("scale", {})
    scale = given if given.get("type") == "log" else {"zero": False, "nice": True} | given
    return {"field": field, "type": "quantitative", "title": title, "scale": scale, **more}


def name(field: str, title: str | None = None, sort: Any = None, **more: Any) -> Spec:
    """A nominal channel in the order of the data."""
    return {"field": field, "type": "nominal", "title": title, "sort": sort, **more}


def colour(field: str, names: Sequence[str], colours: Sequence[str] | None = None) -> Spec:
    """A colour for each name, with a legend."""
    own = list(colours or COLOURS)[: len(names)]
    return {
        "field": field, "type": "nominal", "sort": list(names),
        "scale": {"domain": list(names), "range": own},
    }  # fmt: skip


def dash(field: str, names: Sequence[str]) -> Spec:
    """A dash pattern for each name; the legend is the colours'."""
    return {
        "field": field, "type": "nominal",
        "scale": {"domain": list(names), "range": DASHES[: len(names)]},
    }  # fmt: skip


def tips(fields: Mapping[str, str], digits: str = ",.6~r") -> list[Spec]:
    """What is shown under the mouse: titles by field; ``=`` before a field marks a text."""
    return [
        {"field": field.removeprefix("="), "type": "nominal", "title": title}
        if field.startswith("=")
        else {"field": field, "type": "quantitative", "title": title, "format": digits}
        for field, title in fields.items()
    ]


def rule(**at: Any) -> Spec:
    """A thin grey line at a fixed value of an axis, or a diagonal."""
    channels = {channel: {"datum": place} for channel, place in at.items()}
    return {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "color": GREY, "strokeDash": [4, 3]},
        "encoding": channels,
    }


def spread(field: str, title: str, low: float, high: float, margin: float = 1.05) -> Spec:
    """A channel of values from ``low`` to ``high``, logarithmic where they span a factor of 5.

    There is a little room at both ends, so that marks there are seen whole. Where it is
    logarithmic, its few labels are 1, 2 and 5, or powers of ten.
    """
    if low <= 0 or high < 5 * low:
        return number(field, title, scale={"padding": 8})
    low, high = low / margin, high * margin
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1,) if high > 1000 * low else (1, 2, 5)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return number(
        field,
        title,
        scale={"type": "log", "domain": [low, high], "nice": False},
        axis={"values": [tick for tick in ticks if low <= tick <= high], "format": "~g"
              if low < 1 else ",~f"},
    )  # fmt: skip
