"""Learning curves with a band over folds, and the score by alpha of each fold."""

import pandas as pd

from podium.reporting.charts.look import (
    COLOURS,
    DASHES,
    GREY,
    TEXT,
    TRAIN,
    VALID,
    ZOOM,
    Spec,
    chart,
    colour,
    dash,
    number,
    spread,
    tips,
    values,
)

# Of the width, on either side of the alphas.
MARGIN = 0.04
PARTS = ["training", "validation"]


def learning(curves: pd.DataFrame, x: str, best: float, loss: str = "loss") -> Spec:
    """Mean loss of training and validation by step, and the range of folds around each.

    Columns: part, step, mean, low, high. ``best`` is the step of the lowest mean validation loss;
    ``x`` names the steps.
    """
    horizontal = number("step", x, axis={"tickMinStep": 1}, scale={"nice": False})
    ends = float(curves["low"].min()), float(curves["high"].max())
    parts = colour("part", PARTS, [TRAIN, VALID])
    shown = tips({"=part": "loss of", "step": x, "mean": "mean", "low": "lowest fold",
                  "high": "highest fold"})  # fmt: skip
    return chart(
        [
            *(
                _band(part, shade, horizontal, spread("low", loss, *ends))
                for part, shade in zip(PARTS, (TRAIN, VALID), strict=True)
            ),
            {
                "params": [ZOOM],
                "mark": {"type": "line", "strokeWidth": 2, "clip": True},
                "encoding": {
                    "x": horizontal,
                    "y": spread("mean", loss, *ends),
                    "color": parts,
                    "strokeDash": dash("part", PARTS),
                },
            },
            _nearest(horizontal, spread("mean", loss, *ends), shown),
            *_best(curves[curves["part"] == "validation"], best),
        ],
        data=values(curves),
    )


def _band(part: str, shade: str, x: Spec, y: Spec) -> Spec:
    """The range of folds of one part; it has no colour scale, which would have a legend."""
    return {
        "transform": [{"filter": f"datum.part === '{part}'"}],
        "mark": {"type": "area", "opacity": 0.2, "clip": True, "color": shade},
        "encoding": {"x": x, "y": y, "y2": {"field": "high"}},
    }


def _nearest(x: Spec, y: Spec, shown: list[Spec]) -> Spec:
    """Points that are seen under the mouse alone, and say their values."""
    return {
        "mark": {"type": "point", "filled": True, "size": 120, "opacity": 0, "clip": True},
        "encoding": {"x": x, "y": y, "tooltip": shown, "detail": {"field": "part"}},
    }


def _best(curve: pd.DataFrame, best: float) -> list[Spec]:
    """A mark at the best step."""
    at = curve[curve["step"] == best]
    if at.empty:
        return []
    encoding = {"x": {"field": "step", "type": "quantitative"},
                "y": {"field": "mean", "type": "quantitative"}}  # fmt: skip
    is_left = best < curve["step"].median()
    text = {
        "type": "text", "text": "lowest", "dy": -14, "color": TEXT,
        "align": "left" if is_left else "right",
    }  # fmt: skip
    point = {"type": "point", "shape": "diamond", "size": 140, "filled": True, "color": TEXT,
             "opacity": 1}  # fmt: skip
    return [
        {"data": values(at), "mark": point, "encoding": encoding},
        {"data": values(at), "mark": text, "encoding": encoding},
    ]


def by_alpha(curves: pd.DataFrame, score: str) -> Spec:
    """The validation score of each fold by alpha, the best alpha of each marked.

    Columns: fold (its name), alpha, score, is_best.
    """
    folds = list(dict.fromkeys(curves["fold"]))
    own = {"alpha": "alpha", "score": score}
    shown = tips({"=fold": "fold", **own})
    low, high = float(curves["alpha"].min()), float(curves["alpha"].max())
    # Room at both sides: a mark at the end of the grid is seen whole, and to be at the end.
    margin = (high / low) ** MARGIN if low > 0 else 1.0
    x = spread("alpha", "alpha (strength of the penalty)", low, high, margin)
    y = spread("score", score, float(curves["score"].min()), float(curves["score"].max()))
    few = len(folds) <= len(COLOURS)
    line = {"color": colour("fold", folds)} if few else {"detail": {"field": "fold"}}
    dashed = {"strokeDash": dash("fold", folds)} if few and len(folds) <= len(DASHES) else {}
    fixed = {} if few else {"color": GREY}
    return chart(
        [
            {
                "params": [ZOOM],
                "mark": {"type": "line", "strokeWidth": 1.75, "clip": True, **fixed},
                "encoding": {"x": x, "y": y, **line, **dashed},
            },
            {
                "mark": {"type": "point", "opacity": 0, "filled": True, "size": 90},
                "encoding": {"x": x, "y": y, "tooltip": shown},
            },
            {
                "transform": [{"filter": "datum.is_best"}],
                "mark": {"type": "point", "shape": "diamond", "size": 110, "filled": True,
                         "opacity": 1, "color": TEXT},
                "encoding": {"x": x, "y": y, "tooltip": shown},
            },
        ],
        data=values(curves),
    )  # fmt: skip
