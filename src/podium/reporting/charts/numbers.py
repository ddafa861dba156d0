"""Charts of predicted numbers: against the truth, and what is left."""

import pandas as pd

from podium.reporting.charts.look import (
    BLUE,
    GREY,
    ORANGE,
    ZOOM,
    Spec,
    chart,
    number,
    spread,
    tips,
    values,
)


def predicted_vs_actual(rows: pd.DataFrame, target: str) -> Spec:
    """A point for each row, the diagonal being right. Columns: id, actual, predicted, fold."""
    both = rows[["actual", "predicted"]]
    low, high = float(both.min().min()), float(both.max().max())
    x = spread("actual", f"{target}, actual", low, high)
    y = spread("predicted", f"{target}, predicted", low, high)
    ends = [{"actual": low, "predicted": low}, {"actual": high, "predicted": high}]
    return chart(
        [
            {
                "params": [ZOOM],
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 0.55,
                         "color": BLUE, "clip": True},
                "encoding": {"x": x, "y": y, "tooltip": _tips()},
            },
            {
                "data": values(ends),
                "mark": {"type": "line", "color": GREY, "strokeDash": [4, 3], "clip": True},
                "encoding": {"x": x, "y": y},
            },
        ],
        height=320,
        data=values(rows),
    )  # fmt: skip


def residuals(rows: pd.DataFrame, target: str, residual: str) -> Spec:
    """The residual by prediction, with its median and its middle 80 % in bins of equal size.

    Columns: id, actual, predicted, residual, fold.
    """
    low, high = float(rows["predicted"].min()), float(rows["predicted"].max())
    x = spread("predicted", f"{target}, predicted", low, high)
    running = values(_running(rows))
    return chart(
        [
            {
                "params": [ZOOM],
                "data": values(rows),
                "mark": {"type": "point", "filled": True, "size": 22, "opacity": 0.55,
                         "color": BLUE, "clip": True},
                "encoding": {"x": x, "y": number("residual", residual),
                             "tooltip": [*_tips(), *tips({"residual": "residual"})]},
            },
            {
                "data": running,
                "mark": {"type": "area", "opacity": 0.25, "color": ORANGE, "clip": True},
                "encoding": {"x": x, "y": number("low", residual), "y2": {"field": "high"}},
            },
            {
                "data": running,
                "mark": {"type": "line", "strokeWidth": 2.5, "color": ORANGE, "clip": True},
                "encoding": {"x": x, "y": number("median", residual)},
            },
        ],
        height=320,
    )  # fmt: skip


def _running(rows: pd.DataFrame, bins: int = 12) -> pd.DataFrame:
    """Median and 10 % to 90 % of the residual in bins of equal size by prediction."""
    ordered = rows.sort_values("predicted", kind="stable").reset_index(drop=True)
    count = max(1, min(bins, len(ordered) // 10))
    own = ordered.groupby(ordered.index * count // max(len(ordered), 1))
    return pd.DataFrame(
        {
            "predicted": own["predicted"].median(),
            "median": own["residual"].median(),
            "low": own["residual"].quantile(0.1),
            "high": own["residual"].quantile(0.9),
        }
    )


def _tips() -> list[Spec]:
    return tips({"=id": "id", "actual": "actual", "predicted": "predicted", "=fold": "fold"})
