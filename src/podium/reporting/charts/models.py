"""Charts of what models learnt: features' importance, partial dependence, correlated errors."""

import pandas as pd

from podium.reporting.charts.look import (
    BLUE,
    GREY,
    TEXT,
    Spec,
    chart,
    name,
    number,
    rule,
    tips,
    values,
)

SMALL = 130


def importance(rows: pd.DataFrame, metric: str) -> Spec:
    """How much worse the score gets when a feature is shuffled. Columns: feature, mean, low, high.

    The most important first.
    """
    y = name("feature", axis={"labelLimit": 160, "labelOverlap": False})
    title = f"{metric} gets worse by"
    return chart(
        [
            rule(x=0),
            {
                "mark": {"type": "bar", "color": BLUE, "height": {"band": 0.65}},
                "encoding": {
                    "y": y,
                    "x": number("mean", title, scale={"zero": True}, axis={"tickCount": 5}),
                    "tooltip": tips({"=feature": "feature", "mean": "worse by", "low": "from",
                                     "high": "to"}),
                },
            },
            {
                "mark": {"type": "rule", "color": TEXT, "strokeWidth": 1.5},
                "encoding": {"y": y, "x": number("low", title, scale={"zero": True}),
                             "x2": {"field": "high"}},
            },
        ],
        height=22 * len(rows),
        data=values(rows),
    )  # fmt: skip


def dependence(rows: pd.DataFrame, feature: str, output: str, is_number: bool) -> Spec:
    """The mean prediction by a feature's value, all else as it is; the range of folds around it.

    Columns: value, mean, low, high.
    """
    y = number("mean", output, axis={"tickCount": 4})
    shown = tips({"value" if is_number else "=value": feature, "mean": "mean prediction",
                  "low": "low", "high": "high"})  # fmt: skip
    if is_number:
        x = number("value", feature, scale={"nice": False}, axis={"tickCount": 4})
        layers: list[Spec] = [
            {
                "mark": {"type": "area", "opacity": 0.2, "color": BLUE},
                "encoding": {"x": x, "y": number("low", output), "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "color": BLUE, "strokeWidth": 2, "point": True},
                "encoding": {"x": x, "y": y, "tooltip": shown},
            },
        ]
        return chart(layers, height=SMALL, data=values(rows))
    x = name("value", feature, axis={"labelAngle": -40, "labelLimit": 90, "labelOverlap": False})
    layers = [
        {
            "mark": {"type": "rule", "color": GREY, "strokeWidth": 2},
            "encoding": {"x": x, "y": number("low", output), "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1, "color": BLUE},
            "encoding": {"x": x, "y": y, "tooltip": shown},
        },
    ]
    return chart(layers, height=SMALL, data=values(rows))


def correlation(rows: pd.DataFrame, models: list[str]) -> Spec:
    """How alike the models' errors are. Columns: one, other, correlation (None on the diagonal)."""
    low = float(rows["correlation"].min()) if rows["correlation"].notna().any() else 0.0
    own = {
        "x": name("one", None, models, axis={"labelAngle": -40, "labelOverlap": False,
                                              "labelLimit": 110}),
        "y": name("other", None, models, axis={"labelOverlap": False}),
    }  # fmt: skip
    dark = f"datum.correlation > {(1 + low) / 2}"
    shown = tips({"=one": "model", "=other": "model", "correlation": "correlation"}, ".3f")
    return chart(
        [
            {
                "mark": {"type": "rect", "stroke": "white"},
                "encoding": {
                    **own,
                    "color": {"field": "correlation", "type": "quantitative", "legend": None,
                              "scale": {"domain": [low, 1], "range": ["#e8f1f8", "#00527f"]}},
                    "tooltip": shown,
                },
            },
            {
                "transform": [{"filter": "datum.correlation != null"}],
                "mark": {"type": "text"},
                "encoding": {
                    **own,
                    "text": {"field": "correlation", "type": "quantitative", "format": ".2f"},
                    "color": {"condition": {"test": dark, "value": "white"}, "value": TEXT},
                },
            },
        ],
        height=34 * len(models),
        data=values(rows),
    )  # fmt: skip
