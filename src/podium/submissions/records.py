"""The ledger, Kaggle's list and the runs in MLflow, kept in step."""

from podium.config import Competition
from podium.io import kaggle
from podium.io.errors import PodiumError, warn
from podium.io.kaggle import Listed
from podium.submissions import ledger, runs
from podium.submissions.ledger import Entry
from podium.submissions.sync import Origins, linked, reconcile


def slug_of(competition: Competition) -> str:
    """The last part of the competition's address on Kaggle.

    Raises:
        PodiumError: params.yaml doesn't say it.
    """
    if competition.source.slug is None:
        raise PodiumError(
            f"params.yaml: {competition.name}.source.slug: missing; it is the last part of the "
            "competition's address on Kaggle"
        )
    return competition.source.slug


def synced(competition: Competition, down_to: str = "", write: bool = True) -> list[Entry]:
    """The ledger after a look at Kaggle's list: both it and the runs have what is new.

    ``down_to`` is a submission that is looked for: the list needs to go no further back.
    """
    entries = ledger.read(competition.name)
    listed = kaggle.listed(slug_of(competition), after=int(down_to or 0))
    merged = merged_with(competition, entries, listed)
    if write and merged != entries:
        ledger.write(competition.name, merged)
        tell_runs([entry for entry in merged if entry not in entries])
    return merged


def merged_with(
    competition: Competition, entries: list[Entry], listed: list[Listed]
) -> list[Entry]:
    """The ledger's lines with what Kaggle's list adds."""
    name = competition.name
    return reconcile(name, competition.metric, entries, listed, _origins(name))


def linked_with_runs(competition: Competition, entries: list[Entry]) -> list[Entry]:
    """The lines with the runs that were out of reach when their files were sent."""
    origins = _origins(competition.name)
    return [linked(entry, competition.metric, origins) for entry in entries]


def _origins(name: str) -> Origins:
    return Origins(by_run=runs.of_id, by_file=lambda sha256: runs.made(name, sha256))


def tell_runs(entries: list[Entry]) -> None:
    """Scores to MLflow; they are safe in the ledger if it can't be reached."""
    try:
        runs.write_scores(entries)
    except (PodiumError, OSError) as error:
        warn(f"{error}; the scores are in the ledger, and 'podium submissions --sync' repeats this")
