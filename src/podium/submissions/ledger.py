"""The ledger: a CSV with one line per submission, oldest first."""

import csv
import io
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import printable

# A line in this state was written before the upload: Kaggle may or may not have the submission.
SENDING = "sending"
COMPLETE, ERROR = "complete", "error"


@dataclass(frozen=True)
class Entry:
    """A submission. All fields are text as in the ledger; unknown values are empty.

    ``sender`` is ``podium``, or ``kaggle`` for a submission that was made without Podium;
    ``error`` is Kaggle's message for a file that it can't score; ``own`` holds the user's own
    columns, as pairs of column and value.
    """

    ref: str = ""
    submitted: str = ""
    status: str = SENDING
    public_score: str = ""
    private_score: str = ""
    metric: str = ""
    cv: str = ""
    run_id: str = ""
    commit: str = ""
    sha256: str = ""
    message: str = ""
    sender: str = "podium"
    error: str = ""
    own: tuple[tuple[str, str], ...] = ()

    @property
    def public(self) -> float | None:
        """The public score."""
        return _number(self.public_score)

    @property
    def score(self) -> float | None:
        """The CV of the run that made the file."""
        return _number(self.cv)


COLUMNS = [field.name for field in fields(Entry) if field.name != "own"]
NUMBERS = ("cv", "public_score", "private_score")
# Free text from users and from Kaggle. A spreadsheet reads text that starts like this as a formula;
# a leading apostrophe, which it hides, prevents that.
FREE_TEXT = ("message", "error")
FORMULA = ("=", "+", "-", "@")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def read(competition: str) -> list[Entry]:
    """The ledger of a competition, empty if there is none.

    Raises:
        PodiumError: the file is not a valid ledger.
    """
    path = paths.ledger(competition)
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            if not {"ref", "status"} <= set(rows.fieldnames or ()):
                raise _broken(path, "its first line doesn't name the columns ref and status")
            return [_entry(row, path, line) for line, row in enumerate(rows, 2)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise _broken(path, str(error)) from None


def _entry(row: dict[str, str], path: Path, line: int) -> Entry:
    # DictReader uses None for a line with more or fewer values than columns.
    if None in row or None in row.values():
        raise _broken(path, f"line {line} has more or fewer values than columns")
    if row["ref"] and not row["ref"].isdecimal():
        raise _broken(path, f"line {line}: ref '{printable(row['ref'])}' is not a number")
    for name in NUMBERS:
        if row.get(name) and _number(row[name]) is None:
            raise _broken(path, f"line {line}: {name} '{printable(row[name])}' is not a number")
    own = tuple((name, value) for name, value in row.items() if name not in COLUMNS)
    known = {name: row.get(name, "") for name in COLUMNS}
    texts = {name: _without_apostrophe(known[name]) for name in FREE_TEXT}
    return Entry(**{**known, **texts}, own=own)


def _with_apostrophe(text: str) -> str:
    return f"'{text}" if text.lstrip("'").startswith(FORMULA) else text


def _without_apostrophe(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA) else text


def _broken(path: Path, what: str) -> PodiumError:
    return PodiumError(
        f"{path}: not a valid ledger: {what}; fix it, or move it away and create a new one with "
        f"'podium submissions {path.parent.name} --sync'"
    )


def write(competition: str, entries: list[Entry]) -> None:
    """Replace the ledger atomically."""
    own = list(dict.fromkeys(name for entry in entries for name, _ in entry.own))
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *own], restval="", lineterminator="\n")
    writer.writeheader()
    for entry in sorted(entries, key=lambda entry: entry.submitted):
        texts = {name: _with_apostrophe(getattr(entry, name)) for name in FREE_TEXT}
        writer.writerow(
            {**{name: getattr(entry, name) for name in COLUMNS}, **texts, **dict(entry.own)}
        )
    files.write_text(paths.ledger(competition), text.getvalue())


def with_known(entry: Entry, **known: str) -> Entry:
    """The entry updated with the non-empty values of ``known``."""
    fresh: dict[str, Any] = {name: value for name, value in known.items() if value}
    return replace(entry, **fresh)
