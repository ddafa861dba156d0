"""``podium submit`` and ``podium submissions``, each a list of what it does."""

from dataclasses import replace

from podium import kaggle, paths
from podium.config import Competition, load_config
from podium.errors import PodiumError, warn
from podium.kaggle import client
from podium.kaggle.explain import page
from podium.stages.common import console
from podium.submissions import ledger, runs
from podium.submissions.ledger import COMPLETE, ERROR, SENDING, Entry
from podium.submissions.prepare import (
    Prepared,
    edited_since,
    keep,
    out_of_range,
    prepare,
    rows_that_differ,
    same_as,
)
from podium.submissions.sync import Origins, linked, now, reconcile
from podium.submissions.table import rank_correlation, table

# Seconds between looks at Kaggle's list.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 15.0
# Columns of a table that goes to a file.
WIDE = 140
# A list may lag behind.
LOOKS = 3


def submit(name: str, message: str, dry_run: bool, force: bool, wait: float) -> None:
    """Check the submission, send it, wait for its score, and write the score beside its run.

    Args:
        name: the competition.
        message: shown in Kaggle's list; made from the run, CV and commit if empty.
        dry_run: do all but the upload.
        force: also a file that was sent before.
        wait: seconds to wait for the score.

    Raises:
        PodiumError: the file would be refused, was sent before, or Kaggle doesn't take it. A
            submission that Kaggle has is in the ledger whatever happens.
    """
    competition = load_config(only=name)[name]
    prepared = prepare(competition)
    origin = runs.made(name, prepared.sha256)
    message = one_line(message) or default_message(competition, origin)
    _say_what_is_sent(competition, prepared, origin, message)
    entries = synced(competition, write=not dry_run)
    _compare(name, prepared, entries, force)
    _check_allowance(competition)
    if dry_run:
        _say("dry run: nothing was sent")
        return
    entry = Entry(
        submitted=now(),
        metric=competition.metric if origin.cv else "",
        cv=origin.cv,
        run_id=origin.run_id,
        commit=origin.commit,
        sha256=prepared.sha256,
        message=message,
    )
    sent = _send(competition, prepared, entry, entries)
    _await_score(competition, sent, wait)


def submissions(name: str, sync: bool) -> None:
    """Show the ledger beside Kaggle's list; with ``sync`` write what the list adds.

    Raises:
        PodiumError: Kaggle's list can't be had; the ledger is shown without it.
    """
    competition = load_config(only=name)[name]
    entries = ledger.read(name)
    try:
        listed = kaggle.listed(_slug(competition))
    except PodiumError:
        _show(competition, entries, None)
        raise
    merged = _merged(competition, entries, listed)
    if sync:
        merged = [linked(entry, competition.metric, _origins(name)) for entry in merged]
        if merged != entries:
            ledger.write(name, merged)
        _tell_runs(merged)
    _show(competition, merged, listed)
    if not sync and merged != entries:
        _say("Kaggle knows more than the ledger: --sync writes it there and to MLflow")


def one_line(message: str) -> str:
    """The message without what would break a line of the ledger, or a terminal."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))


def default_message(competition: Competition, origin: runs.Origin) -> str:
    """The run, its CV and commit: enough to find all that made a submission."""
    parts = [
        f"run {origin.run_id}" if origin.run_id else "",
        f"CV {origin.cv} {competition.metric}" if origin.cv else "",
        f"commit {origin.commit}" if origin.commit else "",
    ]
    return ", ".join(filter(None, parts)) or "podium"


def _say(text: str) -> None:
    # A message may hold what rich takes for markup.
    console().print(text, markup=False)


def _slug(competition: Competition) -> str:
    if competition.source.slug is None:
        raise PodiumError(
            f"params.yaml: {competition.name}.source.slug: missing; it is the last part of the "
            "competition's address on Kaggle"
        )
    return competition.source.slug


def _say_what_is_sent(
    competition: Competition, prepared: Prepared, origin: runs.Origin, message: str
) -> None:
    rows = f"{len(prepared.values)} rows, as the sample submission has them"
    _say(f"{competition.name}  {prepared.path}: {rows}")
    if origin.run_id:
        _say(f"made by run {origin.run_id}, {competition.metric} CV {origin.cv}")
    else:
        _say("MLflow knows no run that made this file, so that it has no CV to compare with")
    for remark in filter(None, (out_of_range(competition, prepared), edited_since(competition))):
        _say(f"note: {remark}")
    _say(f"message: {message}")


def _compare(name: str, prepared: Prepared, entries: list[Entry], force: bool) -> None:
    """Say how the file differs from the last one; stop at one that was sent before."""
    twin = same_as(prepared, entries)
    if entries and twin is None:
        last = max(entries, key=lambda entry: entry.submitted)
        differ = rows_that_differ(name, prepared, last)
        count = "an unknown number of" if differ is None else f"{differ} of {len(prepared.values)}"
        _say(f"{count} rows differ from the last submission, {last.submitted}")
        twin = last if differ == 0 and last.status != ERROR else None
    if twin is None or force:
        return
    if not twin.ref:
        raise PodiumError(
            f"{prepared.path}: a submission of it was begun at {twin.submitted} and not finished; "
            f"if 'podium submissions {name}' doesn't list it in some minutes, --force sends it"
        )
    known = f", public score {twin.public_score}" if twin.public_score else ""
    raise PodiumError(
        f"{prepared.path}: the same predictions were sent at {twin.submitted} (submission "
        f"{twin.ref}{known}); --force sends them once more"
    )


def _check_allowance(competition: Competition) -> None:
    """Stop before the upload if Kaggle would refuse for today."""
    slug = _slug(competition)
    try:
        allowed = kaggle.limits(slug)
    except PodiumError as error:
        warn(f"{error}; so it is unknown how many submissions are left today")
        return
    # Who has not joined is told zero of everything.
    if allowed.left == 0 and allowed.today > 0:
        raise PodiumError(
            f"kaggle: no submission to '{slug}' is left today ({allowed.today} were made); the day "
            f"ends at 00:00 UTC; see {page(slug)}/submissions"
        )
    if allowed.left > 0:
        _say(f"{allowed.left} submissions left today")


def synced(competition: Competition, down_to: str = "", write: bool = True) -> list[Entry]:
    """The ledger after a look at Kaggle's list: both it and the runs have what is new.

    ``down_to`` is a submission that is looked for: the list needs to go no further back.
    """
    entries = ledger.read(competition.name)
    listed = kaggle.listed(_slug(competition), after=int(down_to or 0))
    merged = _merged(competition, entries, listed)
    if write and merged != entries:
        ledger.write(competition.name, merged)
        _tell_runs([entry for entry in merged if entry not in entries])
    return merged


def _merged(
    competition: Competition, entries: list[Entry], listed: list[kaggle.Listed]
) -> list[Entry]:
    name = competition.name
    return reconcile(name, competition.metric, entries, listed, _origins(name))


def _origins(name: str) -> Origins:
    return Origins(by_run=runs.of_id, by_file=lambda sha256: runs.made(name, sha256))


def _tell_runs(entries: list[Entry]) -> None:
    """Scores to MLflow; they are safe in the ledger if it can't be reached."""
    try:
        runs.write_scores(entries)
    except (PodiumError, OSError) as error:
        warn(f"{error}; the scores are in the ledger, and 'podium submissions --sync' repeats this")


def _send(
    competition: Competition, prepared: Prepared, entry: Entry, earlier: list[Entry]
) -> Entry:
    """Upload; the ledger has a line before, so that no submission is lost by a crash."""
    name, slug = competition.name, _slug(competition)
    keep(name, prepared)
    ledger.write(name, [*earlier, entry])
    try:
        ref = kaggle.submit(slug, prepared.path, entry.message)
    except kaggle.UnclearError as error:
        return _look_for(competition, entry, error)
    except PodiumError:
        ledger.write(name, earlier)
        raise
    sent = replace(entry, ref=str(ref or ""), status="pending" if ref else SENDING)
    ledger.write(name, [*earlier, sent])
    _say(f"sent to {page(slug)}/submissions")
    return sent


def _look_for(competition: Competition, entry: Entry, lost: PodiumError) -> Entry:
    """Whether a submission arrived whose answer was lost: Kaggle's list knows."""
    _say("the answer was lost; asking for the list of submissions")
    for attempt in range(LOOKS):
        client.pause(FIRST_PAUSE * attempt)
        found = _find(synced(competition), entry)
        if found.ref:
            _say(f"it arrived: submission {found.ref}")
            return found
    known = ledger.read(competition.name)
    ledger.write(competition.name, [one for one in known if one != entry])
    raise PodiumError(f"{lost}; the submission is not in Kaggle's list: try again") from None


def _find(entries: list[Entry], sent: Entry) -> Entry:
    """The line of a submission, by Kaggle's number, or by the file where that isn't known yet."""
    for entry in reversed(entries):
        same_file = entry.sha256 == sent.sha256 and entry.message == sent.message
        if entry.ref == sent.ref if sent.ref else same_file:
            return entry
    return sent


def _await_score(competition: Competition, sent: Entry, wait: float) -> None:
    """Wait for the score, and say what came of it; the submission is made whatever happens here."""
    later = f"'podium submissions {competition.name} --sync' writes the score when it is there"
    try:
        sent = _scored(competition, sent, wait)
    except PodiumError as error:
        warn(f"{error}; the submission is sent: {later}")
        return
    except KeyboardInterrupt:
        _say(f"stopped waiting; the submission is sent: {later}")
        raise
    if sent.status == ERROR:
        raise PodiumError(
            f"kaggle: submission {sent.ref} could not be scored: {sent.error or 'no reason given'};"
            f" see {page(_slug(competition))}/submissions"
        )
    if sent.status != COMPLETE:
        _say(f"no score yet: {later}")
        return
    gap = ""
    if sent.public is not None and sent.score is not None:
        gap = f", CV {sent.cv}, public - CV {sent.public - sent.score:+.5f}"
    _say(f"submission {sent.ref}: public score {sent.public_score}{gap}")
    run = " and its run in MLflow" if sent.run_id else ""
    _say(f"written to {paths.ledger(competition.name)}{run}")


def _scored(competition: Competition, sent: Entry, wait: float) -> Entry:
    """Ask for the list until the score is there or the time is over, ever less often."""
    waited, seconds = 0.0, FIRST_PAUSE
    while sent.status not in (COMPLETE, ERROR) and waited < wait:
        client.pause(min(seconds, wait - waited))
        waited, seconds = waited + seconds, min(seconds * 1.5, LONGEST_PAUSE)
        sent = _find(synced(competition, sent.ref), sent)
    return sent


def _show(
    competition: Competition, entries: list[Entry], listed: list[kaggle.Listed] | None
) -> None:
    out = console()
    if not entries:
        out.print(f"{competition.name}: no submissions yet; 'podium submit {competition.name}'")
        return
    shown = table(f"{competition.name}: {competition.metric}", entries, listed)
    if not out.is_terminal:
        out.width = WIDE
    out.print(shown)
    out.print(rank_correlation(entries))
