"""Keeps the ledger, Kaggle's list and the MLflow runs consistent."""

from podium.config import Competition
from podium.io import kaggle
from podium.io.errors import PodiumError, SettingError, warn
from podium.io.kaggle import Listed
from podium.submissions import ledger, runs
from podium.submissions.ledger import Entry
from podium.submissions.sync import Origins, linked, reconcile


def slug_of(competition: Competition) -> str:
    """The last part of the competition's address on Kaggle.

    Raises:
        PodiumError: params.yaml has no slug.
    """
    if competition.source.slug is None:
        raise SettingError(
            (competition.name, "source", "slug"),
            "missing; it is the last part of the competition's address on Kaggle",
        )
    return competition.source.slug


def synced(competition: Competition, down_to: str = "", write: bool = True) -> list[Entry]:
    """The ledger updated from Kaggle's list; new scores go to the MLflow runs as well.

    ``down_to`` is the submission to look for: older ones are not requested.
    """
    entries = ledger.read(competition.name)
    listed = kaggle.listed(slug_of(competition), after=int(down_to or 0))
    merged = merged_with(competition, entries, listed)
    if write and merged != entries:
        ledger.write(competition.name, merged)
        write_scores_to_runs([entry for entry in merged if entry not in entries])
    return merged


def merged_with(
    competition: Competition, entries: list[Entry], listed: list[Listed]
) -> list[Entry]:
    """The ledger's lines with what Kaggle's list adds."""
    name = competition.name
    return reconcile(name, competition.metric, entries, listed, _origins(name))


def linked_with_runs(competition: Competition, entries: list[Entry]) -> list[Entry]:
    """The lines linked to runs that MLflow couldn't provide when the files were sent."""
    origins = _origins(competition.name)
    return [linked(entry, competition.metric, origins) for entry in entries]


def _origins(name: str) -> Origins:
    return Origins(by_run=runs.of_id, by_file=lambda sha256: runs.made(name, sha256))


def write_scores_to_runs(entries: list[Entry]) -> None:
    """Write scores to MLflow; warn if it can't be reached, since the ledger has them."""
    try:
        runs.write_scores(entries)
    except (PodiumError, OSError) as error:
        warn(f"{error}; the scores are in the ledger; 'podium submissions --sync' tries again")
