"""The ledger as a table, and the CV-leaderboard correlation."""

import re

from rich import box
from rich.console import JustifyMethod
from rich.table import Table
from rich.text import Text

from podium.io.kaggle import Listed
from podium.io.text import printable
from podium.submissions.ledger import COMPLETE, Entry

# Fewer runs say nothing about a rank correlation.
FEWEST = 3
MESSAGE_LENGTH = 60


def table(title: str, entries: list[Entry], listed: list[Listed] | None) -> Table:
    """One row per submission, newest first, with a note if it is in only one of the two lists.

    The gap is the public score minus the CV.
    """
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    refs = None if listed is None else {str(one.ref) for one in listed}
    newest_first = sorted(entries, key=lambda entry: entry.submitted, reverse=True)
    columns = {
        "submitted": [entry.submitted[:16].replace("T", " ") for entry in newest_first],
        "ref": [entry.ref or "?" for entry in newest_first],
        "CV": [entry.cv for entry in newest_first],
        "public": [_public(entry) for entry in newest_first],
        "gap": [_gap(entry) for entry in newest_first],
        "private": [entry.private_score for entry in newest_first],
        "": [_note(entry, refs) for entry in newest_first],
    }
    for name in list(columns):
        # Empty optional columns are left out.
        if not any(columns[name]) and name in ("private", ""):
            del columns[name]
        else:
            justify: JustifyMethod = "left" if name in ("submitted", "") else "right"
            shown.add_column(name, justify=justify, no_wrap=True)
    # The only column that is cut if the terminal is narrow.
    shown.add_column("message", overflow="ellipsis")
    for row, entry in enumerate(newest_first):
        shown.add_row(*(cells[row] for cells in columns.values()), _message(entry))
    return shown


def _message(entry: Entry) -> Text:
    """The message in one line, with run ids shortened."""
    short = re.sub(r"\b([0-9a-f]{8})[0-9a-f]{24}\b", r"\1", entry.message)
    return Text(printable(short)[:MESSAGE_LENGTH], no_wrap=True, overflow="ellipsis")


def _public(entry: Entry) -> str:
    return entry.public_score or ("" if entry.status == COMPLETE else entry.status)


def _gap(entry: Entry) -> str:
    if entry.public is None or entry.score is None:
        return ""
    return f"{entry.public - entry.score:+.5f}"


def _note(entry: Entry, refs: set[str] | None) -> str:
    if refs is not None and entry.ref not in refs:
        return "not in Kaggle's list"
    return "" if entry.sender == "podium" else "by hand"


def rank_correlation(entries: list[Entry]) -> str:
    """Spearman's correlation of CV and public score, or why there is none, as a sentence.

    A run that was sent several times counts once.
    """
    from scipy.stats import spearmanr

    pairs = {
        entry.run_id or entry.sha256 or entry.ref: (entry.score, entry.public)
        for entry in entries
        if entry.score is not None and entry.public is not None
    }
    if len(pairs) < FEWEST:
        return (
            f"rank correlation of CV and public score: needs {FEWEST} scored runs, has {len(pairs)}"
        )
    scores, publics = zip(*pairs.values(), strict=True)
    if len(set(scores)) == 1 or len(set(publics)) == 1:
        return "rank correlation of CV and public score: undefined, one of the two is constant"
    found = float(spearmanr(scores, publics).statistic)
    return f"rank correlation of CV and public score: {found:+.2f} over {len(pairs)} runs"
