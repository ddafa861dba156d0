"""Charts of scores: models against the best of them, and CV against public scores."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from podium.reporting.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    ZOOM,
    Spec,
    chart,
    name,
    number,
    rule,
    tips,
    values,
)

ROW = 30


def differences(rows: pd.DataFrame, best: str) -> Spec:
    """By how much each model is worse than the best on the same folds, with its standard error.

    Columns: model, difference, low, high. All but the best have them.
    """
    y = name("model", sort=list(rows["model"]), axis={"labelLimit": 220, "labelOverlap": False})
    title = f"worse than {best} ± standard error"
    shown = tips({"=model": "model", "difference": "worse by", "low": "from", "high": "to"})
    return chart(
        [
            rule(x=0),
            {
                "mark": {"type": "rule", "strokeWidth": 2, "color": GREY},
                "encoding": {
                    "x": number("low", title, axis={"tickCount": 5}),
                    "x2": {"field": "high"},
                    "y": y,
                },
            },
            {
                "mark": {"type": "point", "filled": True, "size": 90, "opacity": 1, "color": BLUE},
                "encoding": {"x": number("difference", title), "y": y, "tooltip": shown},
            },
        ],
        height=ROW * len(rows),
        data=values(rows),
    )


def fold_scores(rows: pd.DataFrame, metric: str, models: Sequence[str]) -> Spec:
    """The score of each fold, a point for each model. Columns: model, fold, score, is_best."""
    shown = tips({"=model": "model", "=fold": "fold", "score": metric})
    return chart(
        [
            {
                "mark": {"type": "point", "size": 60, "opacity": 1, "filled": True},
                "encoding": {
                    "x": name("fold", "fold", sort=None, axis={"labelAngle": 0}),
                    "y": number("score", metric),
                    "color": {
                        "condition": {"test": "datum.is_best", "value": ORANGE},
                        "value": GREY,
                    },
                    "shape": name("model", sort=list(models), legend=None),
                    "tooltip": shown,
                },
            }
        ],
        # The best is drawn last, above the others.
        data=values(rows.sort_values("is_best", kind="stable")),
    )


def public_scores(rows: list[dict[str, Any]], metric: str) -> Spec:
    """CV against the public score of each submission. Keys: cv, public, submitted, message."""
    shown = tips(
        {"=submitted": "submitted", "cv": "CV", "public": "public", "=message": "message"}, ".5f"
    )
    return chart(
        [
            {
                "params": [ZOOM],
                "mark": {"type": "point", "filled": True, "size": 80, "opacity": 1, "color": BLUE},
                "encoding": {
                    "x": number("cv", f"CV ({metric})", scale={"padding": 12}),
                    "y": number("public", f"public score ({metric})", scale={"padding": 12}),
                    "tooltip": shown,
                },
            }
        ],
        data=values(rows),
    )
