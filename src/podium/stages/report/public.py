"""CV against the public scores of the ledger: whether the folds tell what Kaggle will say."""

from typing import Any

import numpy as np
import pandas as pd

from podium.io import paths
from podium.reporting.charts import scores as charts
from podium.reporting.page import Block, Chart, Section, Text, table_of
from podium.stages.report.results import Results

COLUMNS = ("submitted", "cv", "public_score", "message")
# Fewer points have no correlation.
FEWEST = 3


def public_section(results: Results) -> Section:
    """All scored submissions; nothing where there are none."""
    table = scored_submissions(results.name)
    if table.empty:
        return Section("public", "Public score")
    metric = results.metric.title
    title = f"Submissions ({len(table)} with a score)"
    blocks: list[Block] = [Text(_words(table))]
    known = table.dropna(subset="CV")
    if len(known) >= 2:
        names = {"CV": "cv", "public score": "public"}
        rows: list[dict[str, Any]] = known.rename(columns=names).to_dict("records")
        said = "; ".join(f"CV {row['cv']:.5f}, public {row['public']:.5f}" for row in rows[-5:])
        blocks.append(
            Chart(
                "CV against public score",
                charts.public_scores(rows, metric),
                f"Scatter plot of CV and public score of {len(rows)} submissions, the last ones: "
                f"{said}.",
            )
        )
    return Section("public", "Public score", [*blocks, table_of(title, table, digits=5)])


def _words(table: pd.DataFrame) -> str:
    known = table.dropna(subset="CV")
    said = "As of the last run of this page; 'podium submissions --sync' brings new scores."
    if len(known) < FEWEST:
        return said
    with np.errstate(invalid="ignore"):
        rank = known["CV"].rank().corr(known["public score"].rank())
    return (
        f"{said} Rank correlation of CV and public score: {rank:.2f} of {len(known)} submissions."
    )


def scored_submissions(name: str) -> pd.DataFrame:
    """Submissions with a public score, oldest first: columns submitted, CV, public score, message.

    A ledger that can't be read has none: the page is not what its errors are for.
    """
    path = paths.ledger(name)
    empty = pd.DataFrame(columns=["submitted", "CV", "public score", "message"])
    if not path.is_file():
        return empty
    try:
        table = pd.read_csv(path, dtype=str, encoding="utf-8-sig")
    except (ValueError, OSError):
        return empty
    if not set(COLUMNS) <= set(table):
        return empty
    found = table[list(COLUMNS)].set_axis(empty.columns, axis=1)
    for column in ("CV", "public score"):
        found[column] = pd.to_numeric(found[column], errors="coerce")
    found["message"] = found["message"].fillna("")
    return found.dropna(subset="public score").reset_index(drop=True)
