"""The MLflow run behind a submission: find it by the file's hash, and write the scores to it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from podium.config.providers import is_sample
from podium.io.errors import PodiumError, warn
from podium.runtime.tracking import SUBMISSION_TAG, SUBMITTED_CV, open_store
from podium.submissions.ledger import Entry, with_known

COMMIT_LENGTH = 12


@dataclass(frozen=True)
class Origin:
    """The run, commit, file and data that a submission comes from; unknown values are empty."""

    run_id: str = ""
    cv: str = ""
    commit: str = ""
    sha256: str = ""
    provider: str = ""
    data_sha256: str = ""


def with_origin(entry: Entry, origin: Origin, metric: str) -> Entry:
    """The entry with what is known of its run; ``metric`` is the CV's metric."""
    return with_known(
        entry,
        run_id=origin.run_id,
        cv=origin.cv,
        metric=metric if origin.cv else "",
        commit=origin.commit,
        sha256=origin.sha256,
    )


def made(competition: str, sha256: str, data_sha256: str = "") -> Origin:
    """The latest run of the competition that made a file with this hash, if MLflow has one.

    Of several, one of the data with hash ``data_sha256`` is preferred.
    """
    found = _query(lambda client: _made(client, competition, sha256, data_sha256))
    return replace(found, sha256=sha256)


def of_id(run_id: str) -> Origin:
    """The run with this id, if MLflow has it."""
    return _query(lambda client: _origin(client.get_run(run_id)))


def _query(request: Any) -> Origin:
    """Query MLflow; a failure is only a warning, since a submission works without its run."""
    try:
        with open_store() as client:
            return request(client)
    except (PodiumError, OSError) as error:
        warn(str(error))
        return Origin()


def _made(client: Any, competition: str, sha256: str, data_sha256: str) -> Origin:
    experiment = client.get_experiment_by_name(competition)
    if experiment is None:
        return Origin()
    found = client.search_runs(
        [experiment.experiment_id],
        f"tags.`{SUBMISSION_TAG}` = '{sha256}'",
        order_by=["attributes.start_time DESC"],
    )
    origins = [_origin(run) for run in found] or [Origin()]
    same = [one for one in origins if data_sha256 and one.data_sha256 == data_sha256]
    return (same or origins)[0]


def _origin(run: Any) -> Origin:
    tags, metrics = run.data.tags, run.data.metrics
    # The run's own CV is the blend's, also where a model is submitted in its place.
    score = metrics.get(SUBMITTED_CV, metrics.get("cv"))
    if is_sample(tags.get("data.provider")):
        # The CV and Kaggle's score are of different data.
        score = None
    commit = tags.get("mlflow.source.git.commit", "")[:COMMIT_LENGTH]
    changed = commit and tags.get("git.dirty") == "true"
    return Origin(
        run_id=run.info.run_id,
        cv="" if score is None else f"{score:.6g}",
        commit=commit + ("+changes" if changed else ""),
        sha256=tags.get(SUBMISSION_TAG, ""),
        provider=tags.get("data.provider", ""),
        data_sha256=tags.get("data.sha256", ""),
    )


def write_scores(entries: Iterable[Entry]) -> None:
    """Write each entry's scores to its run, as metrics and tags; unchanged values are skipped.

    Raises:
        PodiumError: MLflow can't be reached.
    """
    with open_store() as client:
        for entry in entries:
            if entry.run_id:
                _write(client, entry)


def _write(client: Any, entry: Entry) -> None:
    known = client.get_run(entry.run_id).data
    for name in ("public_score", "private_score"):
        value = getattr(entry, name)
        if value and known.metrics.get(name) != float(value):
            client.log_metric(entry.run_id, name, float(value))
    tags = {
        "kaggle.ref": entry.ref,
        "kaggle.status": entry.status,
        "kaggle.submitted": entry.submitted,
        "kaggle.message": entry.message,
        "kaggle.public_score": entry.public_score,
        "kaggle.private_score": entry.private_score,
    }
    for name, value in tags.items():
        if value and known.tags.get(name) != value:
            client.set_tag(entry.run_id, name, value)
