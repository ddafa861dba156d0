"""Charts of predicted classes: ROC, precision and recall, confusion, calibration."""

from collections.abc import Sequence

import pandas as pd

from podium.reporting.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    TEXT,
    ZOOM,
    Spec,
    chart,
    colour,
    dash,
    name,
    number,
    tips,
    values,
)

UNIT = {"domain": [0, 1], "nice": False}
# Up to so many classes have their counts in the cells.
MOST_COUNTS = 10
# Letters of a class's name that is long in a legend; and of all names that fit below a chart.
LONG, WIDTH_LETTERS = 14, 30


def curve(rows: pd.DataFrame, names: Sequence[str], x: str, y: str, diagonal: bool) -> Spec:
    """A line for each name. Columns: name, x, y, threshold."""
    own = {
        "x": number("x", x, scale=UNIT),
        "y": number("y", y, scale=UNIT),
        "color": {**colour("name", names), "legend": _legend(names)},
    }
    shown = tips({"=name": "class", "x": x, "y": y, "threshold": "threshold"})
    line: Spec = {
        "mark": {"type": "line", "strokeWidth": 2, "clip": True},
        "encoding": {**own, "strokeDash": dash("name", names), "order": {"field": "place"}},
        "params": [ZOOM],
    }
    points: Spec = {
        "mark": {"type": "point", "opacity": 0, "size": 80, "filled": True},
        "encoding": {"x": own["x"], "y": own["y"], "tooltip": shown},
    }
    ends = [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    chance: Spec = {
        "data": values(ends),
        "mark": {"type": "line", "color": GREY, "strokeDash": [4, 3], "clip": True},
        "encoding": {"x": own["x"], "y": own["y"]},
    }
    layers = [line, points, *([chance] if diagonal else [])]
    return chart(layers, height=300, data=values(rows))


def _legend(names: Sequence[str]) -> Spec:
    """Long names below each other."""
    is_long = max(map(len, names)) > LONG
    return {"symbolType": "stroke", "columns": 1 if is_long else 3, "labelLimit": 320}


def confusion(cells: pd.DataFrame, classes: Sequence[str]) -> Spec:
    """Rows by true and predicted class; right ones in blue, mistakes in orange by their share.

    Columns: actual, predicted, rows, share (of the actual class), right.
    """
    order = list(classes)
    fits = max(map(len, order)) * len(order) <= WIDTH_LETTERS
    own: Spec = {
        "x": name("predicted", "predicted class", order,
                  axis={"labelLimit": 110, "labelAngle": 0 if fits else -60}),
        "y": name("actual", "actual class", order,
                  axis={"labelLimit": 150, "labelOverlap": False}),
    }  # fmt: skip
    shown = [
        *tips({"=actual": "actual", "=predicted": "predicted", "rows": "rows"}),
        *tips({"share": "share of the actual class"}, ".1%"),
    ]
    top = max(float(cells.loc[~cells["right"], "share"].max()), 0.01)
    layers: list[Spec] = [
        {
            "transform": [{"filter": f"{'' if right else '!'}datum.right && datum.rows > 0"}],
            "mark": {"type": "rect"},
            "encoding": {
                **own,
                "color": {"field": "share", "type": "quantitative", "legend": None,
                          "scale": {"domain": [0, 1 if right else top], "range": shades}},
                "tooltip": shown,
            },
        }
        for right, shades in ((True, ["#e8f1f8", BLUE]), (False, ["#fdf0e6", ORANGE]))
    ]  # fmt: skip
    if len(order) <= MOST_COUNTS:
        dark = f"datum.share > (datum.right ? 0.55 : {0.6 * top})"
        layers.append(
            {
                "transform": [{"filter": "datum.rows > 0"}],
                "mark": {"type": "text", "fontSize": 12},
                "encoding": {
                    **own,
                    "text": {"field": "rows", "type": "quantitative", "format": "d"},
                    "color": {"condition": {"test": dark, "value": "white"}, "value": TEXT},
                    "tooltip": shown,
                },
            }
        )
    step = max(16, min(34, 340 // len(order)))
    return chart(
        layers,
        height=step * len(order),
        data=values(cells),
        resolve={"scale": {"color": "independent"}},
    )


def reliability(bins: pd.DataFrame) -> Spec:
    """Accuracy by confidence; points on the diagonal are calibrated. See ``classes.reliability``.

    Columns: low, high, confidence, accuracy, rows.
    """
    low = float(bins["low"].min())
    scale = {"domain": [low, 1.0], "nice": False}
    x = number("confidence", "predicted probability of the predicted class", scale=scale)
    y = number("accuracy", "share that is right", scale={"domain": [0, 1]})
    shown = tips({"confidence": "mean probability", "accuracy": "right", "rows": "rows"})
    ends = [{"confidence": low, "accuracy": low}, {"confidence": 1, "accuracy": 1}]
    most = float(bins["rows"].max())
    return chart(
        [
            {
                "data": values(ends),
                "mark": {"type": "line", "color": GREY, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "rule", "color": ORANGE, "strokeWidth": 2},
                "encoding": {"x": x, "y": y, "y2": {"field": "confidence"}},
            },
            {
                "mark": {"type": "point", "filled": True, "opacity": 1, "color": BLUE},
                "encoding": {
                    "x": x,
                    "y": y,
                    "size": {"field": "rows", "type": "quantitative", "legend": None,
                             "scale": {"domain": [0, most], "range": [30, 500]}},
                    "tooltip": shown,
                },
            },
        ],
        height=300,
        data=values(bins),
    )  # fmt: skip
