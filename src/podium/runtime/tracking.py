"""Runs in MLflow: one experiment a competition, one run a model and a blend."""

import glob
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.io import disk
from podium.io.errors import PodiumError, without_password
from podium.io.paths import project_home
from podium.runtime import processes

METRICS_A_CALL = 1000
PARAMS_A_CALL = 100
VALUE_LENGTH = 500
LOCK_SECONDS = 120.0
# SHA-256 of the submission.csv that a run made: by it a submission finds its run.
SUBMISSION_TAG = "submission.sha256"
# Which process a run belongs to, to tell whether it still lives.
MACHINE_TAG, PROCESS_TAG = "podium.machine", "podium.process"


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project's folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_home() / 'mlflow.db'}"


@dataclass(frozen=True)
class Run:
    """An open run. Everything is logged in batches: single calls cost 30 ms each."""

    client: Any
    id: str

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log single numbers, rounded as far as a score is meant."""
        self.log_curves({name: [(0, round(value, 6))] for name, value in values.items()})

    def log_curves(self, curves: Mapping[str, list[tuple[int, float]]]) -> None:
        """Log (step, value) pairs by metric name."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        points = [
            Metric(name, float(value), now, int(step))
            for name, pairs in curves.items()
            for step, value in pairs
            if value == value  # MLflow has no place for NaN in a curve
        ]
        for start in range(0, len(points), METRICS_A_CALL):
            self.client.log_batch(self.id, metrics=points[start : start + METRICS_A_CALL])

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters, nested blocks flattened with dots; what is not set is left out."""
        from mlflow.entities import Param

        flat = [
            Param(name, str(value)[:VALUE_LENGTH])
            for name, value in flatten(params)
            if value is not None
        ]
        for start in range(0, len(flat), PARAMS_A_CALL):
            self.client.log_batch(self.id, params=flat[start : start + PARAMS_A_CALL])

    def log_data(self, name: str, digest: str, provider: str) -> None:
        """Say which data the run is made from, as MLflow's dataset column and filter show it."""
        from mlflow.entities import Dataset, DatasetInput

        # MLflow's digests hold 36 characters.
        dataset = Dataset(name, digest[:12], source_type="podium", source=provider)
        self.client.log_inputs(self.id, datasets=[DatasetInput(dataset)])

    def tag(self, name: str, value: str) -> None:
        """Set one tag."""
        self.client.set_tag(self.id, name, value)

    def log_artifacts(self, folder: Path) -> None:
        """Upload every file in ``folder``."""
        self.client.log_artifacts(self.id, str(folder))


@contextmanager
def tracked_run(experiment: str, name: str, tags: Mapping[str, str]) -> Iterator[Run]:
    """Open a run that ends as FINISHED, or as FAILED (KILLED when interrupted) on an error.

    Raises:
        PodiumError: the tracking store can't be reached.
    """
    with store_errors():
        client, experiment_id = _open_experiment(experiment)
        _end_dead_runs(client, experiment_id)
        run = client.create_run(experiment_id, run_name=name, tags={**tags, **_own_tags()})
        try:
            yield Run(client, run.info.run_id)
        except BaseException as error:
            _end_early(client, run.info.run_id, error)
            raise
        client.set_terminated(run.info.run_id, "FINISHED")


@contextmanager
def open_store() -> Iterator[Any]:
    """MLflow's client of the tracking store.

    Raises:
        OSError: as ``store_errors``.
        PodiumError: as ``store_errors``.
    """
    from mlflow import MlflowClient

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
        own = _database(tracking_uri())
        failed = disk.database_error(error, own) if own else None
        if failed:
            raise failed from error
        reason = str(error).splitlines()[0][:VALUE_LENGTH]
        reason = "no server answers" if "Max retries exceeded" in reason else reason
        raise PodiumError(
            f"MLflow at {without_password(tracking_uri())}: {without_password(reason)}; "
            "check MLFLOW_TRACKING_URI"
        ) from error


def _end_early(client: Any, run_id: str, error: BaseException) -> None:
    from mlflow.exceptions import MlflowException

    status = "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED"
    # A store that is gone can't be told; the error that ended the run is the one to show.
    with suppress(MlflowException):
        client.set_tag(run_id, "podium.error", f"{type(error).__name__}: {error}"[:VALUE_LENGTH])
        client.set_terminated(run_id, status)


def _end_dead_runs(client: Any, experiment_id: str) -> None:
    """Runs that are open though their process was killed on this machine end as KILLED."""
    machine = processes.machine()
    here = f"attributes.status = 'RUNNING' and tags.`{MACHINE_TAG}` = '{machine}'"
    for run in client.search_runs([experiment_id], here):
        if not processes.is_alive(run.data.tags.get(PROCESS_TAG, "")):
            client.set_terminated(run.info.run_id, "KILLED")


def _open_experiment(experiment: str) -> tuple[Any, str]:
    """A client and the id of the experiment, made if need be.

    Creating the database or an experiment from several processes at once breaks, so one process
    does it under a lock while the others wait.
    """
    from filelock import FileLock, Timeout
    from mlflow import MlflowClient

    uri = tracking_uri()
    lock = project_home() / ".mlflow.lock"
    try:
        with FileLock(lock, timeout=LOCK_SECONDS):
            _make_database(uri)
            client = MlflowClient(tracking_uri=uri)
            return client, _experiment_id(client, experiment, uri)
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


def _experiment_id(client: Any, name: str, uri: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, artifact_location=_artifact_location(name, uri)))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _artifact_location(name: str, uri: str) -> str | None:
    """Beside the database; a server decides for itself."""
    if uri.startswith(("http://", "https://", "databricks")):
        return None
    return (project_home() / "mlartifacts" / name).as_uri()


def _own_tags() -> dict[str, str]:
    """Who ran what, from which commit."""
    command = " ".join(["podium", *sys.argv[1:]])
    who = {"mlflow.user": os.environ.get("USER", ""), "mlflow.source.name": command}
    process = {MACHINE_TAG: processes.machine(), PROCESS_TAG: processes.this_process()}
    return {**who, "mlflow.source.type": "LOCAL", **process, **git_tags()}


def git_tags() -> dict[str, str]:
    """The commit, and whether tracked files differ from it; nothing outside a git repository."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {}
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": str(bool(changed)).lower()}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def experiment_pages(server: str) -> dict[str, str]:
    """By experiment: the address of its runs on a server, sorted by CV.

    MLflow's own front page is about other work than training models.
    """
    with open_store() as client:
        experiments = client.search_experiments()
    view = "runs?workflowType=machine_learning&orderByKey=metrics.%60cv%60&orderByAsc=true"
    return {
        found.name: f"{server}/#/experiments/{found.experiment_id}/{view}"
        for found in experiments
        if found.name != "Default"
    }


def flatten(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``{"folds": {"count": 5}}`` as ``("folds.count", 5)``."""
    for key, value in block.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
