"""Bringing the ledger in step with Kaggle's list."""

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

# This machine's clock and Kaggle's may differ by so much.
SKEW = timedelta(minutes=10)
# Programs that show a ledger may write its times without seconds.
ROUNDED = timedelta(minutes=1)
# The time of what has none.
NEVER = datetime.min.replace(tzinfo=UTC)
_RUN = re.compile(r".*?\brun ([0-9a-f]{32})\b")

# From a run's id, or a file's hash, to what made it.
Find = Callable[[str], Origin]


@dataclass(frozen=True)
class Origins:
    """How the run behind a submission is found."""

    by_run: Find
    by_file: Find


def now() -> str:
    """The time, as the ledger writes it."""
    return _written(datetime.now(UTC))


def _written(time: datetime) -> str:
    """A time in UTC, in whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """A time from the ledger or from Kaggle, whose times are UTC whether they say so or not."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return NEVER
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def reconcile(
    competition: str, metric: str, ledger: list[Entry], listed: list[Listed], origins: Origins
) -> list[Entry]:
    """The ledger with what Kaggle's list adds: scores, and submissions that it didn't have.

    Raises:
        PodiumError: a line has the number of another submission.
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
    # What is not in the list a while later never arrived.
    lost = datetime.now(UTC) - SKEW
    return [*open_entries.values(), *(one for one in sending if moment(one.submitted) > lost)]


def _is_another(entry: Entry, found: Listed) -> bool:
    """Whether a line and a submission have the number alone in common: neither time nor message."""
    known, told = moment(entry.submitted), moment(found.submitted)
    # Until it is scored, a line has this machine's time.
    if entry.status not in (COMPLETE, ERROR) or NEVER in (known, told):
        return False
    apart = abs(known - told)
    return apart > SKEW or (apart > ROUNDED and entry.message.split() != found.message.split())


def _other_server(competition: str, entry: Entry, found: Listed) -> PodiumError:
    return PodiumError(
        f"{paths.ledger(competition)}: submission {entry.ref} is of {entry.submitted} there "
        f"('{printable(entry.message)}'), and Kaggle's is of {_written(moment(found.submitted))} "
        f"('{printable(found.message)}'): the ledger comes from another server or account; mend or "
        "remove that line, or move the ledger away"
    )


def _sent_as(found: Listed, sending: list[Entry]) -> Entry | None:
    """The line that was written before this submission was sent, whose answer was lost."""
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
    """A line for a submission made without Podium, or whose line was lost."""
    origin = _origin(competition, found, origins, known)
    # Podium's own message, or its copy of the file, of a ledger that was lost.
    kept = paths.sent(competition) / f"{origin.sha256}.csv"
    own = (found.message.startswith("run ") and origin.run_id) or kept.is_file()
    entry = Entry(message=found.message, sender="podium" if own else "kaggle")
    return with_origin(entry, origin, metric)


def linked(entry: Entry, metric: str, origins: Origins) -> Entry:
    """The entry with the run that made its file, if that was out of reach when it was sent."""
    if entry.run_id or not entry.sha256:
        return entry
    return with_origin(entry, origins.by_file(entry.sha256), metric)


def _origin(competition: str, found: Listed, origins: Origins, known: AbstractSet[str]) -> Origin:
    """By the run's id in the message; else by the file that lay there then, if it has its size."""
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
    """The submission's file, if it still lies there; else the copy that Podium kept to send it.

    Labels make files of one size: a copy counts if it was made just before, and is no other line's
    (their hashes are ``known``).
    """
    # Whole seconds: the file may be as young as the submission.
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
