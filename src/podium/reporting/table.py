"""The scores of a competition as text: for the terminal and for the page."""

import pandas as pd
from rich.markup import escape
from rich.table import Table

HEADINGS = ["model", "mean ± std of folds", "pooled OOF", "seconds", "weight"]


UNDEFINED = "undefined"


def scores_rows(scores: pd.DataFrame, nested: bool) -> list[list[str]]:
    """One row per model under ``HEADINGS``, the blend last; ``nested``: the blend's score is."""
    rows = []
    for row in scores.to_dict("records"):
        folds = f"{row['cv_mean']:.5f} ± {row['cv_std']:.5f}"
        cells = [
            row["model"],
            UNDEFINED if pd.isna(row["cv_mean"]) else folds,
            UNDEFINED if pd.isna(row["cv"]) else f"{row['cv']:.5f}",
        ]
        if row["model"] == "blend":
            rows.append([*cells[:2], cells[2] + (" nested" if nested else ""), "", ""])
        else:
            seconds = "" if pd.isna(row["seconds"]) else f"{row['seconds']:.1f}"
            rows.append([*cells, seconds, f"{row['weight']:.2f}"])
    return rows


def submitted_of(scores: pd.DataFrame) -> str:
    """The name of what is submitted: the blend, or a model."""
    return str(scores["model"][scores["submitted"]].iloc[0])


def targets_view(title: str, scores: pd.DataFrame) -> Table:
    """The scores of several targets, a row each."""
    table = Table(title=title, title_justify="left")
    for place, heading in enumerate(scores):
        table.add_column(escape(str(heading)), justify="right" if place else "left")
    for row in scores.to_dict("split")["data"]:
        cells = (UNDEFINED if pd.isna(one) else one for one in row)
        table.add_row(
            *(f"{one:.5f}" if isinstance(one, float) else escape(str(one)) for one in cells)
        )
    return table


def scores_view(title: str, rows: list[list[str]], submitted: str) -> Table:
    """The table at the end of a run; what is submitted is bold."""
    table = Table(title=title, title_justify="left")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for row in rows:
        table.add_row(*row, style="bold" if row[0] == submitted else None)
    return table
