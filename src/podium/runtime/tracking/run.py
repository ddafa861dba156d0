"""What stages log: a run as they see it. Nothing here waits for MLflow, or imports it."""

import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podium.io.errors import warn
from podium.runtime import processes
from podium.runtime.tracking.journal import Journal, tracking_uri
from podium.runtime.tracking.launch import start_writer, warn_if_not_logged
from podium.runtime.tracking.moved import follow_move
from podium.runtime.warm import owner

METRICS_AN_EVENT = 1000
PARAMS_AN_EVENT = 100
VALUE_LENGTH = 500
# Which process a run belongs to, to tell whether it still lives.
MACHINE_TAG, PROCESS_TAG = "podium.machine", "podium.process"
ERROR_TAG = "podium.error"
# Curves are logged while they grow: once a second at first, later every hundredth of the time so
# far, and never more than so many points a second, so that a training of days has some thousands.
LIVE_SECONDS, LIVE_SHARE, LIVE_POINTS_A_SECOND = 1.0, 0.01, 200
# How long a stage that was started by hand waits at its end for MLflow.
END_SECONDS = 30.0


class Run:
    """An open run. Everything goes to its journal at once; the writer takes it to MLflow."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.started = self.flushed = time.monotonic()
        self.live: dict[str, tuple[int, float]] = {}
        self.shown: set[tuple[str, int]] = set()

    def log_metrics(self, values: Mapping[str, float]) -> None:
        """Log single numbers, rounded as far as a score is meant."""
        self.log_curves({name: [(0, round(value, 6))] for name, value in values.items()})

    def log_curves(self, curves: Mapping[str, list[tuple[int, float]]]) -> None:
        """Log (step, value) pairs by metric name, without those that ``log_live`` has logged."""
        points = [
            [name, float(value), int(step)]
            for name, pairs in curves.items()
            for step, value in pairs
            # MLflow has no place for NaN in a curve.
            if value == value and (name, step) not in self.shown
        ]
        for start in range(0, len(points), METRICS_AN_EVENT):
            self.journal.append("metrics", points[start : start + METRICS_AN_EVENT])

    def log_live(self, points: Mapping[str, tuple[int, float]]) -> None:
        """The newest (step, value) of growing curves; some of them are logged right away.

        They are points of the same curves that ``log_curves`` gets at the end, with the same names
        and steps, so that no point is logged twice.
        """
        for name, (step, value) in points.items():
            if math.isfinite(value) and (name, step) not in self.shown:
                self.live[name] = step, value
        time_now = time.monotonic()
        pause = max(
            LIVE_SECONDS,
            LIVE_SHARE * (time_now - self.started),
            len(self.live) / LIVE_POINTS_A_SECOND,
        )
        if self.live and time_now - self.flushed >= pause:
            self.log_curves({name: [point] for name, point in self.live.items()})
            self.shown |= {(name, step) for name, (step, _) in self.live.items()}
            self.live.clear()
            self.flushed = time_now

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters, nested blocks flattened with dots; what is not set is left out."""
        flat = [
            (name, str(value)[:VALUE_LENGTH])
            for name, value in flatten(params)
            if value is not None
        ]
        for start in range(0, len(flat), PARAMS_AN_EVENT):
            self.journal.append("params", dict(flat[start : start + PARAMS_AN_EVENT]))

    def log_data(self, name: str, digest: str, provider: str) -> None:
        """Say which data the run is made from, as MLflow's dataset column and filter show it."""
        self.journal.append("data", {"name": name, "digest": digest, "source": provider})

    def tag(self, name: str, value: str) -> None:
        """Set one tag."""
        self.journal.append("tags", {name: value})

    def log_artifacts(self, folder: Path) -> None:
        """Keep every file in ``folder`` as it is now."""
        self.journal.keep_files(folder)


@contextmanager
def tracked_run(
    experiment: str,
    name: str,
    tags: Mapping[str, str],
    parent: Run | None = None,
    wait: float = END_SECONDS,
) -> Iterator[Run]:
    """Open a run that ends as FINISHED, or as FAILED (KILLED when interrupted) on an error.

    No trouble with the journal or with MLflow ends the block: after a good end it is a warning.
    MLflow shows the run below its ``parent``, which is still open. ``wait``: how many seconds to
    wait for MLflow at the end; a run with a parent doesn't.
    """
    follow_move()
    header = run_header(experiment, name, tags)
    if parent is not None:
        header["parent"] = parent.journal.folder.name
    journal = Journal(tracking_uri(), header)
    # Under a DVC it lives as long as that, so that it imports MLflow once.
    start_writer(owner.repro() or owner.current.dvc or None)
    try:
        yield Run(journal)
    except BaseException as error:
        _end_early(journal, error)
        raise
    journal.append("end", "FINISHED")
    journal.close()
    if journal.failure:
        failed = journal.failure
        where = f"{failed.filename}: " if failed.filename else ""
        warn(f"the run '{name}' is not or not wholly logged: {where}{failed.strerror or failed}")
    if "DVC_STAGE" not in os.environ and parent is None:
        warn_if_not_logged(wait)


def run_header(experiment: str, name: str, tags: Mapping[str, str]) -> dict[str, Any]:
    """A run's first event: what and whose it is."""
    machine, process = processes.machine(), processes.this_process()
    return {
        "experiment": experiment,
        "name": name,
        "machine": machine,
        "process": process,
        "tags": {**tags, **_own_tags(), MACHINE_TAG: machine, PROCESS_TAG: process},
    }


def _end_early(journal: Journal, error: BaseException) -> None:
    status = "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED"
    journal.append("tags", {ERROR_TAG: f"{type(error).__name__}: {error}"[:VALUE_LENGTH]})
    journal.append("end", status)
    journal.close()


def _own_tags() -> dict[str, str]:
    """Who ran what, from which commit."""
    command = " ".join(["podium", *sys.argv[1:]])
    who = {"mlflow.user": os.environ.get("USER", ""), "mlflow.source.name": command}
    return {**who, "mlflow.source.type": "LOCAL", **git_tags()}


def git_commit() -> dict[str, object]:
    """``commit``, and whether what a person edits differed (``edited``); empty outside git."""
    tags = git_tags()
    if not tags:
        return {}
    return {"commit": tags["mlflow.source.git.commit"], "edited": tags["git.dirty"] == "true"}


def git_tags() -> dict[str, str]:
    """The commit, and whether tracked files differ from it; nothing outside a git repository.

    DVC's lock files don't count: running the pipeline writes them, nobody edits them.
    """
    options = ["--porcelain=v2", "--branch", "--untracked-files=no"]
    files = ["--", ":(top)", ":(top,glob,exclude)**/dvc.lock"]
    # Else git would write its index, beside a git of the user's.
    command = ["git", "--no-optional-locks", "status", *options, *files]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    lines = done.stdout.splitlines() if done.returncode == 0 else []
    facts = dict(line.split(" ", 2)[1:] for line in lines if line.startswith("# branch."))
    commit = facts.get("branch.oid", "(initial)")
    if commit == "(initial)":
        return {}
    changed = any(not line.startswith("#") for line in lines)
    return {"mlflow.source.git.commit": commit, "git.dirty": str(changed).lower()}


def flatten(block: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``{"folds": {"count": 5}}`` as ``("folds.count", 5)``."""
    for key, value in block.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
