"""``podium submit`` and ``podium submissions``, each as a list of steps."""

from contextlib import nullcontext

from podium.config import Competition, load_config
from podium.data.sample_submission import is_missing
from podium.io import kaggle
from podium.io.errors import PodiumError, warn
from podium.io.kaggle.explain import page
from podium.io.text import visible
from podium.runtime import guard
from podium.runtime.console import results, say
from podium.runtime.tracking import warn_if_not_logged
from podium.submissions import ledger, runs
from podium.submissions.ledger import ERROR, Entry
from podium.submissions.plausible import doubts
from podium.submissions.prepare import (
    LOGGED_SECONDS,
    Prepared,
    last_identical,
    notes,
    prepare,
    rows_that_differ,
)
from podium.submissions.records import (
    linked_with_runs,
    merged_with,
    slug_of,
    synced,
    write_scores_to_runs,
)
from podium.submissions.send import await_score, send
from podium.submissions.sync import now
from podium.submissions.table import rank_correlation, table


def submit(name: str, message: str, dry_run: bool, force: bool, wait: float) -> None:
    """Check the submission, send it, wait for its score, and write the score to its run.

    Args:
        name: the competition.
        message: shown in Kaggle's list; made from the run, CV and commit if empty.
        dry_run: do everything except the upload.
        force: send a file even if it was sent before, or is implausible.
        wait: seconds to wait for the score.

    Raises:
        PodiumError: the file is invalid, implausible or was sent before, or Kaggle rejects it. A
            submission that Kaggle has received is always in the ledger.
    """
    competition = load_config(only=name)[name]
    prepared = prepare(competition)
    message = one_line(message) or default_message(competition, prepared.origin)
    _show_what_is_sent(competition, prepared, message)
    _stop_if_implausible(competition, prepared, force)
    if dry_run:
        _ask_if_signed_in(competition, prepared, force)
        say(f"dry run: nothing was sent; {prepared.path} is ready to send")
        return
    entries = _ask(competition, prepared, force, write=True)
    entry = Entry(submitted=now(), sha256=prepared.sha256, message=message)
    entry = runs.with_origin(entry, prepared.origin, competition.metric)
    sent = send(competition, prepared, entry, entries)
    await_score(competition, sent, entries, wait)


def _ask(competition: Competition, prepared: Prepared, force: bool, write: bool) -> list[Entry]:
    """The ledger with what Kaggle's list adds; stops if the file must not be sent now."""
    entries = synced(competition, write=write)
    _compare(competition.name, prepared, entries, force)
    _check_allowance(competition)
    return entries


def _ask_if_signed_in(competition: Competition, prepared: Prepared, force: bool) -> None:
    """The same without writing; without credentials what the ledger alone says."""
    try:
        _ask(competition, prepared, force, write=False)
    except kaggle.NotSignedInError as error:
        _compare(competition.name, prepared, ledger.read(competition.name), force)
        _say_not_asked("earlier submissions, daily limit", error)


def _say_not_asked(about: str, error: PodiumError) -> None:
    say(f"Kaggle was not asked ({about}): {str(error).removeprefix('kaggle: ')}")


def submissions(name: str, sync: bool) -> None:
    """Show the ledger together with Kaggle's list; with ``sync`` write what the list adds.

    Without credentials the ledger alone is shown, unless ``sync`` needs the list.

    Raises:
        PodiumError: Kaggle's list isn't available; the ledger is shown without it.
    """
    competition = load_config(only=name)[name]
    entries = ledger.read(name)
    try:
        listed = kaggle.listed(slug_of(competition))
    except PodiumError as error:
        _show(competition, entries, None)
        if sync or not isinstance(error, kaggle.NotSignedInError):
            raise
        _say_not_asked("scores, submissions made elsewhere", error)
        return
    merged = merged_with(competition, entries, listed)
    if sync:
        warn_if_not_logged(LOGGED_SECONDS)
        merged = linked_with_runs(competition, merged)
        if merged != entries:
            ledger.write(name, merged)
        write_scores_to_runs(merged)
    _show(competition, merged, listed)
    if not sync and merged != entries:
        say("Kaggle's list has more than the ledger: --sync writes it to the ledger and to MLflow")


def all_submissions(sync: bool) -> None:
    """Show, or with ``sync`` update, every competition that params.yaml lists.

    Raises:
        PodiumError: all of them failed.
    """
    names = load_config().competitions
    failed = []
    for name in names:
        try:
            with guard.only_one("ledger", name) if sync else nullcontext():
                submissions(name, sync)
        except PodiumError as error:
            # A competition that the user hasn't joined doesn't stop the others.
            warn(f"{name}: {error}")
            failed.append(name)
    if len(failed) == len(names):
        raise PodiumError("all competitions failed; see the warnings above")


def one_line(message: str) -> str:
    """The message without line breaks and control characters."""
    return visible(" ".join(message.split()))


def default_message(competition: Competition, origin: runs.Origin) -> str:
    """The run, its CV and commit: enough to trace a submission back to its origin."""
    parts = [
        f"run {origin.run_id}" if origin.run_id else "",
        f"CV {origin.cv} {competition.metric}" if origin.cv else "",
        f"commit {origin.commit}" if origin.commit else "",
    ]
    return ", ".join(filter(None, parts)) or "podium"


def _show_what_is_sent(competition: Competition, prepared: Prepared, message: str) -> None:
    same = "ids and columns as in the sample submission"
    if is_missing(competition):
        same = "ids as in the test table"
    rows = f"{len(prepared.values)} rows, {same}"
    say(f"{competition.name}  {prepared.path}: {rows}")
    origin = prepared.origin
    if origin.run_id:
        cv = f"{competition.metric} CV {origin.cv}" if origin.cv else "which has no CV"
        say(f"made by run {origin.run_id}, {cv}")
    else:
        say("no MLflow run found that made this file, so there is no CV to compare with")
    for note in notes(competition, prepared):
        say(f"note: {note}")
    say(f"message: {message}")


def _stop_if_implausible(competition: Competition, prepared: Prepared, force: bool) -> None:
    """Refuse what can't be the models' predictions; with ``force`` only say so."""
    found = doubts(competition, prepared)
    if found and not force:
        raise PodiumError(
            f"{prepared.path}: {'; '.join(found)}; 'dvc repro -f ensemble@{competition.name}' "
            "makes the file again, --force sends it as it is"
        )
    for doubt in found:
        warn(doubt)


def _compare(name: str, prepared: Prepared, entries: list[Entry], force: bool) -> None:
    """Show how the file differs from the last one; refuse one that was sent before."""
    same = last_identical(prepared, entries)
    if entries and same is None:
        last = max(entries, key=lambda entry: entry.submitted)
        differ = rows_that_differ(name, prepared, last)
        count = "an unknown number of" if differ is None else f"{differ} of {len(prepared.values)}"
        say(f"{count} rows differ from the last submission, {last.submitted}")
        same = last if differ == 0 and last.status != ERROR else None
    if same is None or force:
        return
    if not same.ref:
        raise PodiumError(
            f"{prepared.path}: a submission of this file was started at {same.submitted} and not "
            f"finished; if 'podium submissions {name}' doesn't list it within a few minutes, "
            "--force sends it"
        )
    known = f", public score {same.public_score}" if same.public_score else ""
    raise PodiumError(
        f"{prepared.path}: the same predictions were sent at {same.submitted} (submission "
        f"{same.ref}{known}); --force sends them again"
    )


def _check_allowance(competition: Competition) -> None:
    """Stop before the upload if today's quota is used up."""
    slug = slug_of(competition)
    try:
        allowed = kaggle.limits(slug)
    except PodiumError as error:
        warn(f"{error}; the number of submissions left today is unknown")
        return
    # The API returns 0 for everything before the user has joined the competition.
    if allowed.left == 0 and allowed.today > 0:
        raise PodiumError(
            f"kaggle: no submissions to '{slug}' left today ({allowed.today} made); the quota "
            f"resets at 00:00 UTC; see {page(slug)}/submissions"
        )
    if allowed.left > 0:
        say(f"{allowed.left} submissions left today")


def _show(
    competition: Competition, entries: list[Entry], listed: list[kaggle.Listed] | None
) -> None:
    out = results()
    if not entries:
        out.print(f"{competition.name}: no submissions yet; 'podium submit {competition.name}'")
        return
    out.print(table(f"{competition.name}: {competition.metric}", entries, listed))
    out.print(rank_correlation(entries))
