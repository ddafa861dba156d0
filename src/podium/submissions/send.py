"""Sending a submission without losing or repeating one, and waiting for its score."""

from dataclasses import replace

from podium.config import Competition
from podium.io import kaggle, paths
from podium.io.errors import PodiumError, warn
from podium.io.kaggle import client
from podium.io.kaggle.explain import page
from podium.runtime.console import say
from podium.submissions import ledger
from podium.submissions.ledger import COMPLETE, ERROR, SENDING, Entry
from podium.submissions.prepare import Prepared, keep
from podium.submissions.records import slug_of, synced

# Seconds between requests for Kaggle's list.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 15.0
# Requests for a submission whose answer was lost: the list may lag behind.
LIST_REQUESTS = 3


def send(competition: Competition, prepared: Prepared, entry: Entry, earlier: list[Entry]) -> Entry:
    """Upload; the ledger gets a line first, so that a crash loses no submission.

    Args:
        competition: whose submission it is.
        prepared: the checked file.
        entry: its line in the ledger.
        earlier: the other lines.

    Raises:
        PodiumError: Kaggle didn't accept it.
    """
    name, slug = competition.name, slug_of(competition)
    keep(name, prepared)
    ledger.write(name, [*earlier, entry])
    try:
        ref = kaggle.submit(slug, prepared.path, entry.message)
    except kaggle.UnclearError as error:
        return _look_for(competition, entry, earlier, error)
    except PodiumError:
        ledger.write(name, earlier)
        raise
    sent = replace(entry, ref=str(ref or ""), status="pending" if ref else SENDING)
    ledger.write(name, [*earlier, sent])
    say(f"sent to {page(slug)}/submissions")
    return sent


def _look_for(
    competition: Competition, entry: Entry, earlier: list[Entry], lost: PodiumError
) -> Entry:
    """Check in Kaggle's list whether a submission arrived whose answer was lost."""
    say("Kaggle's answer was lost; checking the list of submissions")
    try:
        for attempt in range(LIST_REQUESTS):
            client.pause(FIRST_PAUSE * attempt)
            found = _find(synced(competition), entry, earlier)
            if found.ref:
                say(f"it arrived: submission {found.ref}")
                return found
    except PodiumError as error:
        raise PodiumError(
            f"{lost}; Kaggle's list isn't available either ({error}); 'podium submissions "
            f"{competition.name} --sync' shows whether it arrived"
        ) from None
    known = ledger.read(competition.name)
    ledger.write(competition.name, [one for one in known if one != entry])
    raise PodiumError(f"{lost}; the submission is not in Kaggle's list: try again") from None


def _find(entries: list[Entry], sent: Entry, earlier: list[Entry]) -> Entry:
    """The line of a submission, by Kaggle's number, or by file hash if that isn't known yet."""
    known = {entry.ref for entry in earlier}
    for entry in entries:
        same_file = entry.sha256 == sent.sha256 and entry.ref not in known
        if entry.ref == sent.ref if sent.ref else same_file:
            return entry
    return sent


def await_score(competition: Competition, sent: Entry, earlier: list[Entry], wait: float) -> None:
    """Wait for the score and print it; a failure here doesn't affect the submission.

    Raises:
        PodiumError: Kaggle could not score it.
    """
    later = f"'podium submissions {competition.name} --sync' writes the score once it is available"
    try:
        sent = _scored(competition, sent, earlier, wait)
    except PodiumError as error:
        warn(f"{error}; the submission is sent: {later}")
        return
    except KeyboardInterrupt:
        say(f"stopped waiting; the submission is sent: {later}")
        raise
    if sent.status == ERROR:
        raise PodiumError(
            f"kaggle: submission {sent.ref} could not be scored: {sent.error or 'no reason given'};"
            f" see {page(slug_of(competition))}/submissions"
        )
    if sent.status != COMPLETE:
        say(f"no score yet: {later}")
        return
    gap = ""
    if sent.public is not None and sent.score is not None:
        gap = f", CV {sent.cv}, public - CV {sent.public - sent.score:+.5f}"
    print(f"submission {sent.ref}: public score {sent.public_score}{gap}")
    run = " and its run in MLflow" if sent.run_id else ""
    say(f"written to {paths.ledger(competition.name)}{run}")


def _scored(competition: Competition, sent: Entry, earlier: list[Entry], wait: float) -> Entry:
    """Poll the list until the score is available or time is up, at growing intervals."""
    waited, seconds = 0.0, FIRST_PAUSE
    while sent.status not in (COMPLETE, ERROR) and waited < wait:
        client.pause(min(seconds, wait - waited))
        waited, seconds = waited + seconds, min(seconds * 1.5, LONGEST_PAUSE)
        sent = _find(synced(competition, sent.ref), sent, earlier)
    return sent
