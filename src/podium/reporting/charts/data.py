"""Charts of the data: distributions, missing values, folds."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from podium.reporting.charts.look import (
    BLUE,
    COLOURS,
    GREY,
    ORANGE,
    Spec,
    chart,
    colour,
    name,
    number,
    tips,
    values,
)

TABLES = ["train", "test"]
STEP = 20


def histogram(bins: pd.DataFrame, title: str) -> Spec:
    """Counts of rows in bins. Columns: low, high, rows."""
    shown = tips({"low": "from", "high": "to", "rows": "rows"})
    return chart(
        [
            {
                "mark": {"type": "bar", "color": BLUE, "binSpacing": 1},
                "encoding": {
                    "x": number("low", title, bin="binned", scale={"nice": False}),
                    "x2": {"field": "high"},
                    "y": number("rows", "rows", scale={"zero": True}),
                    "tooltip": shown,
                },
            }
        ],
        height=200,
        data=values(bins),
    )


def class_counts(counts: pd.DataFrame) -> Spec:
    """Rows of each class. Columns: class, rows, share."""
    return chart(
        [
            {
                "mark": {"type": "bar", "color": BLUE},
                "encoding": {
                    "y": name("class", "class", axis={"labelOverlap": False}),
                    "x": number("rows", "rows", scale={"zero": True}),
                    "tooltip": tips({"=class": "class", "rows": "rows", "share": "share"}),
                },
            }
        ],
        height=STEP * len(counts),
        data=values(counts),
    )


def missing(rows: pd.DataFrame) -> Spec:
    """The share of missing values of each column. Columns: column, table, share."""
    y = name("column", axis={"labelOverlap": False})
    return chart(
        [
            {
                "mark": {"type": "rule", "color": GREY},
                "encoding": {
                    "y": y,
                    "x": number("share", aggregate="min", scale={"zero": True}),
                    "x2": {"field": "share", "aggregate": "max"},
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {
                    "y": y,
                    "x": number("share", "missing", axis={"format": ".0%"}, scale={"zero": True}),
                    "color": colour("table", TABLES),
                    "shape": {**name("table", sort=TABLES), "scale": {"domain": TABLES}},
                    "tooltip": [*tips({"=column": "column", "=table": "rows of"}),
                                *tips({"share": "missing"}, ".1%")],
                },
            },
        ],
        height=STEP * rows["column"].nunique(),
        data=values(rows),
    )  # fmt: skip


def two_tables(rows: pd.DataFrame, feature: str, is_number: bool) -> Spec:
    """The shares of train and of test rows by value of a feature.

    Columns: table, share, and value (a level), or low and high (a bin's ends).
    """
    y = number("share", "share of rows", axis={"format": ".0%"}, scale={"zero": True})
    where = {"=table": "rows of", "low": "from", "high": "to"}
    if not is_number:
        where = {"=table": "rows of", "=value": feature}
    shown = [*tips(where), *tips({"share": "share"}, ".1%")]
    if is_number:
        mark: Any = {"type": "line", "interpolate": "step-after", "strokeWidth": 2}
        own = {"x": number("low", feature, scale={"nice": False})}
        own["strokeDash"] = {"field": "table", "type": "nominal", "sort": TABLES,
                             "scale": {"domain": TABLES, "range": [[1, 0], [5, 3]]}}  # fmt: skip
    else:
        mark = {"type": "bar"}
        own = {
            "x": name(
                "value", feature, axis={"labelAngle": -40, "labelLimit": 90, "labelOverlap": False}
            ),
            "xOffset": name("table", sort=TABLES),
        }
    encoding = {**own, "y": y, "color": colour("table", TABLES), "tooltip": shown}
    return chart([{"mark": mark, "encoding": encoding}], height=180, data=values(rows))


def folds_of_numbers(rows: pd.DataFrame, target: str) -> Spec:
    """The target's quantiles by fold. Columns: fold, q05, q25, q50, q75, q95, rows."""
    x = name("fold", "fold", axis={"labelAngle": 0})
    shown = tips({"=fold": "fold", "rows": "rows", "q05": "5 %", "q25": "25 %", "q50": "median",
                  "q75": "75 %", "q95": "95 %"})  # fmt: skip
    return chart(
        [
            {
                "mark": {"type": "rule", "color": GREY, "strokeWidth": 2},
                "encoding": {"x": x, "y": number("q05", target), "y2": {"field": "q95"}},
            },
            {
                "mark": {"type": "bar", "color": BLUE, "width": {"band": 0.5}},
                "encoding": {"x": x, "y": number("q25", target), "y2": {"field": "q75"},
                             "tooltip": shown},
            },
            {
                "mark": {"type": "tick", "color": "white", "thickness": 3},
                "encoding": {"x": x, "y": number("q50", target)},
            },
        ],
        height=220,
        data=values(rows),
    )  # fmt: skip


def folds_of_classes(rows: pd.DataFrame, classes: Sequence[str]) -> Spec:
    """The share of each class by fold. Columns: fold, class, share, rows."""
    few = len(classes) <= len(COLOURS)
    shown = [*tips({"=fold": "fold", "=class": "class", "rows": "rows"}),
             *tips({"share": "share"}, ".1%")]  # fmt: skip
    if not few:
        return _heat_of_classes(rows, classes, shown)
    return chart(
        [
            {
                "mark": {"type": "bar", "width": {"band": 0.7}, "stroke": "white"},
                "encoding": {
                    "x": name("fold", "fold", axis={"labelAngle": 0}),
                    "y": number("share", "share of rows", axis={"format": ".0%"},
                                scale={"zero": True}),
                    "color": colour("class", classes),
                    "order": {"field": "place", "type": "quantitative"},
                    "tooltip": shown,
                },
            }
        ],
        height=220,
        data=values(rows),
    )  # fmt: skip


def _heat_of_classes(rows: pd.DataFrame, classes: Sequence[str], shown: list[Spec]) -> Spec:
    return chart(
        [
            {
                "mark": {"type": "rect", "stroke": "white"},
                "encoding": {
                    "x": name("fold", "fold", axis={"labelAngle": 0}),
                    "y": name("class", "class", sort=list(classes), axis={"labelOverlap": False}),
                    "color": {"field": "share", "type": "quantitative", "title": "share",
                              "scale": {"scheme": "blues", "zero": True},
                              "legend": {"format": ".1%", "orient": "right"}},
                    "tooltip": shown,
                },
            }
        ],
        height=18 * len(classes),
        data=values(rows),
    )  # fmt: skip


def fold_times(rows: pd.DataFrame) -> Spec:
    """Rows of each fold along time. Columns: fold, part (training or validation), low, high."""
    parts = ["training", "validation"]
    return chart(
        [
            {
                "mark": {"type": "bar", "height": {"band": 0.6}},
                "encoding": {
                    "y": name("fold", "fold"),
                    "x": number("low", "place in time (rows in order)"),
                    "x2": {"field": "high"},
                    "color": colour("part", parts, [BLUE, ORANGE]),
                    "tooltip": tips({"=fold": "fold", "=part": "part", "low": "from",
                                     "high": "to"}),
                },
            }
        ],
        height=26 * rows["fold"].nunique(),
        data=values(rows),
    )  # fmt: skip
