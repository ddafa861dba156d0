"""The ledger as a table, and how well CV foretells the public score."""

import math

from rich import box
from rich.table import Table
from rich.text import Text

from podium.kaggle import Listed
from podium.submissions.ledger import COMPLETE, Entry

# Fewer say nothing about an order.
FEWEST = 3


def table(title: str, entries: list[Entry], listed: list[Listed] | None) -> Table:
    """One row a submission, newest first; what only one side knows is said in the last column.

    The gap is the public score less the CV.
    """
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("submitted", "ref", "CV", "public", "gap", "private"):
        shown.add_column(column, justify="left" if column == "submitted" else "right", no_wrap=True)
    shown.add_column("message", no_wrap=True, overflow="ellipsis")
    shown.add_column("", no_wrap=True)
    refs = None if listed is None else {str(one.ref) for one in listed}
    for entry in sorted(entries, key=lambda entry: entry.submitted, reverse=True):
        shown.add_row(
            entry.submitted[:16].replace("T", " "),
            entry.ref or "?",
            entry.cv,
            entry.public_score or ("" if entry.status == COMPLETE else entry.status),
            _gap(entry),
            entry.private_score,
            Text(entry.message),
            _remark(entry, refs),
        )
    return shown


def _gap(entry: Entry) -> str:
    if entry.public is None or entry.score is None:
        return ""
    return f"{entry.public - entry.score:+.5f}"


def _remark(entry: Entry, refs: set[str] | None) -> str:
    if refs is not None and entry.ref not in refs:
        return "not in Kaggle's list"
    return "" if entry.sender == "podium" else "by hand"


def rank_correlation(entries: list[Entry]) -> str:
    """Spearman's correlation of CV and public score, in words; what is lacking if there is none."""
    from scipy.stats import spearmanr

    pairs = [
        (one.score, one.public)
        for one in entries
        if one.score is not None and one.public is not None
    ]
    if len(pairs) < FEWEST:
        return f"rank correlation of CV and public score: from {FEWEST} scored runs on"
    found = float(spearmanr(*zip(*pairs, strict=True)).statistic)
    if math.isnan(found):
        return "rank correlation of CV and public score: none, one of the two never changes"
    return f"rank correlation of CV and public score: {found:+.2f} over {len(pairs)} submissions"
