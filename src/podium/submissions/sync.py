"""Updating the ledger from Kaggle's list."""

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.kaggle import Listed
from podium.io.text import printable
from podium.submissions.ledger import COMPLETE, ERROR, Entry, with_known
from podium.submissions.runs import Origin, with_origin

# The largest difference allowed between the local clock and Kaggle's.
SKEW = timedelta(minutes=10)
# Spreadsheet programs may save the ledger's times without seconds.
ROUNDED = timedelta(minutes=1)
# Stands for a missing time.
NEVER = datetime.min.replace(tzinfo=UTC)
_RUN = re.compile(r".*?\brun ([0-9a-f]{32})\b")

# From a run's id or a file's hash to its origin.
Find = Callable[[str], Origin]


@dataclass(frozen=True)
class Origins:
    """The two ways to find the run behind a submission."""

    by_run: Find
    by_file: Find


def now() -> str:
    """The current time in the ledger's format."""
    return _written(datetime.now(UTC))


def _written(time: datetime) -> str:
    """A time in UTC, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A time from the ledger or from Kaggle; times without a zone are UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def reconcile(
    competition: str, metric: str, ledger: list[Entry], listed: list[Listed], origins: Origins
) -> list[Entry]:
    """The ledger with what Kaggle's list adds: scores and unknown submissions.

    Raises:
        PodiumError: a line and a submission of the list have the same number but don't match.
    """
    open_entries = {entry.ref: entry for entry in ledger if entry.ref}
    sending = [entry for entry in ledger if not entry.ref]
    for found in sorted(listed, key=lambda found: found.ref):
        entry = open_entries.get(str(found.ref))
        if entry and _is_another(entry, found):
            raise _other_server(competition, entry, found)
        entry = entry or _sent_as(found, sending)
        if entry is None:
            known = {one.sha256 for one in (*open_entries.values(), *sending)}
            entry = _new(competition, metric, found, origins, known)
        elif entry in sending:
            sending.remove(entry)
        open_entries[str(found.ref)] = _updated(entry, found)
    # What is still not in the list after this time never arrived.
    lost = datetime.now(UTC) - SKEW
    return [*open_entries.values(), *(one for one in sending if moment(one.submitted) > lost)]


def _is_another(entry: Entry, found: Listed) -> bool:
    """Whether a line and a submission of the same number differ in time and message."""
    known, listed = moment(entry.submitted), moment(found.submitted)
    # Until it is scored, a line has the local clock's time.
    if entry.status not in (COMPLETE, ERROR) or NEVER in (known, listed):
        return False
    apart = abs(known - listed)
    return apart > SKEW or (apart > ROUNDED and entry.message.split() != found.message.split())


def _other_server(competition: str, entry: Entry, found: Listed) -> PodiumError:
    return PodiumError(
        f"{paths.ledger(competition)}: submission {entry.ref} has the time {entry.submitted} "
        f"('{printable(entry.message)}'), but in Kaggle's list {_written(moment(found.submitted))} "
        f"('{printable(found.message)}'): the ledger comes from another server or account; fix or "
        "remove that line, or move the ledger away"
    )


def _sent_as(found: Listed, sending: list[Entry]) -> Entry | None:
    """The line written before this submission was sent, if its answer was lost."""
    for entry in sending:
        later = moment(found.submitted) >= moment(entry.submitted) - SKEW
        if later and entry.message.split() == found.message.split():
            return entry
    return None


def _updated(entry: Entry, found: Listed) -> Entry:
    submitted = _written(moment(found.submitted)) if found.submitted else ""
    return with_known(
        entry,
        ref=str(found.ref),
        submitted=submitted,
        status=found.status,
        public_score=found.public_score,
        private_score=found.private_score,
        error=found.error,
    )


def _new(
    competition: str, metric: str, found: Listed, origins: Origins, known: AbstractSet[str]
) -> Entry:
    """A line for a submission that was made without Podium, or whose line was lost."""
    origin = _origin(competition, found, origins, known)
    # Podium's own message or copy of the file show that Podium sent it and the ledger was lost.
    kept = paths.sent(competition) / f"{origin.sha256}.csv"
    own = (found.message.startswith("run ") and origin.run_id) or kept.is_file()
    entry = Entry(message=found.message, sender="podium" if own else "kaggle")
    return with_origin(entry, origin, metric)


def linked(entry: Entry, metric: str, origins: Origins) -> Entry:
    """The entry with the run that made its file, if MLflow couldn't provide it before."""
    if entry.run_id or not entry.sha256:
        return entry
    return with_origin(entry, origins.by_file(entry.sha256), metric)


def _origin(competition: str, found: Listed, origins: Origins, known: AbstractSet[str]) -> Origin:
    """Find the origin by the run's id in the message, or else by the submitted file."""
    if named := _RUN.match(found.message):
        origin = origins.by_run(named[1])
        if origin.run_id:
            return origin
    path = _file_then(competition, found, known)
    if path is None:
        return Origin()
    sha256 = files.sha256(path)
    return replace(origins.by_file(sha256), sha256=sha256)


def _file_then(competition: str, found: Listed, known: AbstractSet[str]) -> Path | None:
    """The submitted file: the current one if size and time match, else Podium's copy of it.

    Files of labels often have equal sizes, so a copy counts only if it was made just before the
    submission and belongs to no other line (their hashes are ``known``).
    """
    # Times are whole seconds: the file may be written in the second of the submission.
    end = (moment(found.submitted) + timedelta(seconds=1)).timestamp()
    path = paths.submission(competition)
    if _fits(path, found) and path.stat().st_mtime <= end:
        return path
    copies = [path for path in paths.sent(competition).glob("*.csv") if path.stem not in known]
    times = {path: path.stat().st_mtime for path in copies if _fits(path, found)}
    just_before = [path for path, time in times.items() if 0 <= end - time < SKEW.total_seconds()]
    return max(just_before, key=times.__getitem__, default=None)


def _fits(path: Path, found: Listed) -> bool:
    return path.is_file() and path.stat().st_size == found.bytes
