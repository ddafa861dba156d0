"""MLflow itself: one experiment per competition, one run per model and blend.

Imported where it is needed, by the writer and by commands that read runs: it takes seconds.
"""

import glob
import logging
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.io import disk
from podium.io.errors import PodiumError, without_password
from podium.io.paths import project_home
from podium.runtime import environment
from podium.runtime.tracking import shared_view
from podium.runtime.tracking.journal import tracking_uri
from podium.runtime.tracking.moved import follow_move

REASON_LENGTH = 500
LOCK_SECONDS = 120.0
# SHA-256 of the submission.csv that a run made: by it a submission finds its run.
SUBMISSION_TAG = "submission.sha256"
# What a blend's run submitted: "blend", or a model that is not worse; then its CV is a metric.
SUBMITTED_TAG, SUBMITTED_CV = "podium.submitted", "submitted_cv"
# The journal that a run was logged from: by it a writer finds a run that another one has begun.
JOURNAL_TAG = "podium.run"
# MLflow's own, by which it shows a run below another.
PARENT_TAG = "mlflow.parentRunId"
# To connect, and to answer.
SERVER_SECONDS = (3.05, 10.0)
_SERVER = ("http://", "https://")
# What a store says to values that it will never take, and of runs that a person has deleted.
_REFUSED = {"INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"}


@contextmanager
def open_store() -> Iterator[Any]:
    """MLflow's client of the tracking store.

    Raises:
        OSError: as ``store_errors``.
        PodiumError: as ``store_errors``.
    """
    # A notebook hasn't done this yet.
    environment.prepare()
    with warnings.catch_warnings():
        # In notebooks: there are no progress bars that widgets could draw.
        warnings.filterwarnings("ignore", "IProgress not found")
        from mlflow import MlflowClient

    follow_move()
    with store_errors():
        yield MlflowClient(tracking_uri=tracking_uri())


@contextmanager
def store_errors() -> Iterator[None]:
    """What goes wrong between here and the tracking store, as one line.

    Raises:
        OSError: the disk of the project's own database is full, or may not be written.
        PodiumError: anything else.
    """
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import DatabaseError

    # MLflow would print SQL statements first.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    try:
        yield
    except (MlflowException, DatabaseError) as error:
        failed = _disk_error(error, tracking_uri())
        if failed:
            raise failed from error
        raise PodiumError(
            f"MLflow at {without_password(tracking_uri())}: {_reason(error)}; "
            "check MLFLOW_TRACKING_URI"
        ) from error


def _disk_error(error: Exception, uri: str) -> OSError | None:
    """The disk's error, if that is what stopped the project's own database."""
    own = _database(uri)
    return disk.database_error(error, own) if own else None


def _reason(error: Exception) -> str:
    """The first line of an error's words."""
    reason = (str(error).splitlines() or [type(error).__name__])[0][:REASON_LENGTH]
    return without_password("no server answers" if "Max retries exceeded" in reason else reason)


def trouble(error: Exception, uri: str) -> str:
    """Why a store could not be written, in one line."""
    failed = error if isinstance(error, OSError) else _disk_error(error, uri)
    if isinstance(failed, OSError) and failed.strerror:
        where = f"{failed.filename}: " if failed.filename else ""
        return without_password(f"{where}{failed.strerror}")
    return _reason(error)


def is_refused(error: Exception) -> bool:
    """Whether the store will answer the same however often it is asked."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.error_code in _REFUSED


@dataclass(frozen=True)
class Store:
    """An open store, and what the writer writes to it. Every call may raise what MLflow raises."""

    client: Any
    uri: str

    def create_run(self, header: Mapping[str, Any], journal: str) -> str:
        """The id of a journal's run, which an earlier writer may have made already."""
        experiment = _experiment(self.client, header["experiment"], self.uri)
        there = self._of_journal(experiment, journal)
        if there:
            return there
        parent = self._of_journal(experiment, header["parent"]) if "parent" in header else None
        run = self.client.create_run(
            experiment,
            start_time=header["time"],
            run_name=header["name"],
            tags={**header["tags"], JOURNAL_TAG: journal}
            | ({PARENT_TAG: parent} if parent else {}),
        )
        return str(run.info.run_id)

    def _of_journal(self, experiment: str, journal: str) -> str | None:
        """The id of the run that was made from a journal."""
        ours = f"tags.`{JOURNAL_TAG}` = '{journal}'"
        found = self.client.search_runs([experiment], ours, max_results=1)
        return str(found[0].info.run_id) if found else None

    def log_metrics(self, run_id: str, points: Sequence[tuple[str, float, int, int]]) -> None:
        """Log (name, value, time, step), at most a thousand."""
        from mlflow.entities import Metric

        metrics = [Metric(name, value, time, step) for name, value, time, step in points]
        self.client.log_batch(run_id, metrics=metrics)

    def log_texts(
        self,
        run_id: str,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log parameters and tags, at most a hundred each."""
        from mlflow.entities import Param, RunTag

        self.client.log_batch(
            run_id,
            params=[Param(*item) for item in (params or {}).items()],
            tags=[RunTag(*item) for item in (tags or {}).items()],
        )

    def log_data(self, run_id: str, name: str, digest: str, source: str) -> None:
        """Name the data that a run was made from."""
        from mlflow.entities import Dataset, DatasetInput

        # MLflow's digests hold 36 characters.
        dataset = Dataset(name, digest[:12], source_type="podium", source=source)
        self.client.log_inputs(run_id, datasets=[DatasetInput(dataset)])

    def log_files(self, run_id: str, folder: Path) -> None:
        """Upload every file in a folder."""
        self.client.log_artifacts(run_id, str(folder))

    def end_run(self, run_id: str, status: str, time: int) -> None:
        """End a run as FINISHED, FAILED or KILLED, at a time in milliseconds since 1970."""
        self.client.set_terminated(run_id, status, end_time=time)


def connect(uri: str) -> Store:
    """Open a store, and make it if it is a database that isn't there yet.

    Raises:
        PodiumError: no server answers; this takes no time, because MLflow is not imported yet.
        Exception: what MLflow, SQLAlchemy or the system raise.
    """
    _require_server(uri)
    from mlflow import MlflowClient

    # MLflow would print SQL statements first.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    with _creating():
        _make_database(uri)
    follow_move()
    client = MlflowClient(tracking_uri=uri)
    # What is imported and opened at the first call is so while there is nothing to write yet.
    client.search_experiments(max_results=1)
    return Store(client, uri)


def _require_server(uri: str) -> None:
    if not uri.startswith(_SERVER):
        return
    import requests

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=SERVER_SECONDS)
    except requests.exceptions.SSLError:
        # MLflow has settings of its own for certificates.
        return
    except (requests.ConnectionError, requests.Timeout):
        raise PodiumError("no server answers") from None


@contextmanager
def _creating() -> Iterator[None]:
    """Creating the database or an experiment from several processes at once breaks."""
    from filelock import FileLock, Timeout

    lock = project_home() / ".mlflow.lock"
    try:
        with FileLock(lock, timeout=LOCK_SECONDS):
            yield
    except Timeout:
        raise PodiumError(
            f"{lock}: another process has held it for {LOCK_SECONDS:.0f} s; end that process"
        ) from None


def _make_database(uri: str) -> None:
    """A new SQLite database appears when it is complete.

    MLflow makes it in many steps, and never opens one again of which a kill or a full disk has left
    half.
    """
    from mlflow import MlflowClient

    path = _database(uri)
    if path is None or path.exists():
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    for left in path.parent.glob(f"{glob.escape(unfinished.name)}*"):
        left.unlink()
    try:
        MlflowClient(tracking_uri=f"sqlite:///{unfinished}").search_experiments(max_results=1)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _database(uri: str) -> Path | None:
    """The file of a SQLite database."""
    path = uri.removeprefix("sqlite:///")
    return Path(path) if path != uri else None


def _experiment(client: Any, name: str, uri: str) -> str:
    """An experiment's id; it is made, or brought back, if need be."""
    with _creating():
        found = client.get_experiment_by_name(name)
        if found is None:
            where = _artifact_location(name, uri)
            return str(client.create_experiment(name, artifact_location=where))
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


def _artifact_location(name: str, uri: str) -> str | None:
    """Beside the database; a server decides for itself."""
    if uri.startswith((*_SERVER, "databricks")):
        return None
    return (project_home() / "mlartifacts" / name).as_uri()


def experiment_pages(server: str, greater_is_better: Collection[str] = ()) -> dict[str, str]:
    """By experiment: the address of its runs on a server, with Podium's view of them.

    The view is written to the experiment. ``greater_is_better`` names the experiments whose CV is
    better when it is greater. MLflow's own front page is about other work than training models.
    """
    pages = {}
    with open_store() as client:
        for found in client.search_experiments():
            if found.name != "Default":
                state = shared_view.view(found.name in greater_is_better)
                tags = {shared_view.TAG: state, shared_view.KIND_TAG: shared_view.KIND}
                for name, value in tags.items():
                    if found.tags.get(name) != value:
                        client.set_experiment_tag(found.experiment_id, name, value)
                pages[found.name] = shared_view.address(server, found.experiment_id)
    return pages
