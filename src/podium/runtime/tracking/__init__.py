"""Runs: stages write journals, and a process of its own takes them to MLflow."""

from podium.runtime.tracking.journal import tracking_uri
from podium.runtime.tracking.launch import (
    start_writer,
    wait_until_logged,
    warn_at_end_of_pipeline,
    warn_if_not_logged,
)
from podium.runtime.tracking.read import read_runs
from podium.runtime.tracking.run import (
    MACHINE_TAG,
    PROCESS_TAG,
    Run,
    flatten,
    git_commit,
    tracked_run,
)
from podium.runtime.tracking.store import (
    SUBMISSION_TAG,
    SUBMITTED_CV,
    SUBMITTED_TAG,
    experiment_pages,
    open_store,
)

__all__ = [
    "MACHINE_TAG",
    "PROCESS_TAG",
    "SUBMISSION_TAG",
    "SUBMITTED_CV",
    "SUBMITTED_TAG",
    "Run",
    "experiment_pages",
    "flatten",
    "git_commit",
    "open_store",
    "read_runs",
    "start_writer",
    "tracked_run",
    "tracking_uri",
    "wait_until_logged",
    "warn_at_end_of_pipeline",
    "warn_if_not_logged",
]
