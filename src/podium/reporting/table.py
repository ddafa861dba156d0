"""The table at the end of a run."""

import pandas as pd
from rich.table import Table

from podium.metrics import Metric


def scores_view(title: str, scores: pd.DataFrame, metric: Metric) -> Table:
    """Model, CV mean ± std, pooled score, seconds and blend weight; the blend last."""
    table = Table(title=f"{title}: {metric.title}", title_justify="left")
    table.add_column("model")
    for name in ("CV mean ± std", "pooled OOF", "seconds", "weight"):
        table.add_column(name, justify="right")
    for row in scores.to_dict("records"):
        is_blend = row["model"] == "blend"
        table.add_row(
            row["model"],
            f"{row['cv_mean']:.5f} ± {row['cv_std']:.5f}",
            f"{row['cv']:.5f}" + (" nested" if is_blend else ""),
            "" if is_blend else f"{row['seconds']:.1f}",
            "" if is_blend else f"{row['weight']:.2f}",
            style="bold" if is_blend else None,
        )
    return table
