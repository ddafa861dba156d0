"""The process that takes journals to MLflow while the runs go on: one for each tracking URI.

Killed at any moment, the next one goes on where it was: beside each journal ``state.json`` has the
id of its run in MLflow and how many bytes are logged. What was logged and not yet noted is logged
again, which changes nothing.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.io.paths import project_home
from podium.runtime import environment, processes
from podium.runtime.tracking import store
from podium.runtime.tracking.journal import (
    ARTIFACTS,
    KeptRun,
    kept_runs,
    make_runs_folder,
    tracking_uri,
    unlogged_runs,
)
from podium.runtime.tracking.launch import LOCK, OWNER, STATUS

STATE = "state.json"
POLL_SECONDS = 0.2
IDLE_SECONDS = 2.0
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 30.0
# Who only looks whether there is a writer holds the lock for an instant.
LOCK_SECONDS = 2.0
# A journal that was being made, or deleted, for so long is what a kill has left.
LEFTOVER_SECONDS = 3600.0
# Training comes first.
NICE = 5
# What MLflow takes at once.
MOST = {"metrics": 1000, "params": 100, "tags": 100}


@dataclass
class State:
    """How far a journal is logged."""

    run_id: str = ""
    offset: int = 0

    @classmethod
    def read(cls, folder: Path) -> "State":
        """What an earlier writer noted; a new journal has nothing."""
        try:
            return cls(**json.loads((folder / STATE).read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, folder: Path) -> None:
        """Note it, whole or not at all."""
        scratch = folder / f".{STATE}"
        scratch.write_text(json.dumps(vars(self)), encoding="utf-8")
        scratch.replace(folder / STATE)


class Writer:
    """Writes the journals of one folder to one store."""

    def __init__(self, folder: Path, uri: str) -> None:
        self.folder, self.uri = folder, uri
        self.store: store.Store | None = None
        self.reason = ""
        self.retry, self.pause = 0.0, FIRST_RETRY_SECONDS
        self.asked_by_status = False

    def run(self) -> None:
        """Write until nobody is left who could log anything."""
        idle_since = time.monotonic()
        while self.folder.is_dir():
            needed = self.is_needed()
            if self._is_due():
                self.write()
            now = time.monotonic()
            if needed:
                idle_since = now
            elif now - idle_since >= IDLE_SECONDS:
                return
            time.sleep(POLL_SECONDS)

    def write(self) -> str:
        """Write what the journals have by now; why that failed, or an empty text.

        The reason is in the status file for others to read.
        """
        self.reason = ""
        try:
            self.store = self.store or store.connect(self.uri)
            for kept in kept_runs(self.folder):
                self._try(kept)
        except Exception as error:
            self.reason = store.trouble(error, self.uri)
            self.store = None
        self._tell()
        return self.reason

    def is_needed(self) -> bool:
        """Whether a process lives that logs, or one that the writer should live as long as."""
        for owner in self.folder.glob(f"{OWNER}*"):
            if processes.is_alive(owner.read_text(encoding="ascii", errors="replace")):
                return True
            owner.unlink(missing_ok=True)
        with suppress(FileNotFoundError):
            return any(kept.is_here and kept.is_open for kept in kept_runs(self.folder))
        return True

    def _is_due(self) -> bool:
        """After trouble: whether it is time to try again, or somebody asks how it is."""
        if not self.reason or time.monotonic() >= self.retry:
            return True
        return self.asked_by_status and not (self.folder / STATUS).is_file()

    def _try(self, kept: KeptRun) -> None:
        """Write one journal. What is wrong with one run doesn't keep others waiting.

        Raises:
            Exception: the store is out of reach, so that there is no use in trying the others.
        """
        assert self.store
        try:
            _Transfer(kept, self.store).run()
        except Exception as error:
            if not kept.folder.is_dir():
                # A person has deleted it.
                return
            self.reason = store.trouble(error, self.uri)
            if not store.is_refused(error):
                self.store = store.connect(self.uri)

    def _tell(self) -> None:
        """Say in the status file what is wrong, and when to try again."""
        status = self.folder / STATUS
        # A disk that is full takes not even this.
        with suppress(OSError):
            if not self.reason:
                self.pause = FIRST_RETRY_SECONDS
                status.unlink(missing_ok=True)
                return
            self.asked_by_status = False
            self.retry = time.monotonic() + self.pause
            self.pause = min(2 * self.pause, LAST_RETRY_SECONDS)
            scratch = status.with_name(f".{STATUS}")
            scratch.write_text(self.reason + "\n", encoding="utf-8")
            scratch.replace(status)
            self.asked_by_status = True


class _Transfer:
    """Takes one journal's new events to the store."""

    def __init__(self, kept: KeptRun, target: store.Store) -> None:
        self.kept, self.store = kept, target
        self.state = State.read(kept.folder)

    def run(self) -> None:
        """Log what is new; delete the journal once its run has ended."""
        # Asked before reading: a process that is dead by now has written all that it ever will.
        lives = self.kept.lives
        if self.kept.size > self.state.offset or not lives:
            self._begin()
            self._log()
        if self.kept.has_ended and self.state.offset >= self.kept.size:
            self.kept.delete()
        elif not lives:
            self.store.end_run(self.state.run_id, "KILLED", self.kept.last_change)
            self.kept.delete()

    def _begin(self) -> None:
        if not self.state.run_id:
            run_id = self.store.create_run(self.kept.header, self.kept.folder.name)
            self.state = State(run_id)
            self.state.write(self.kept.folder)

    def _log(self) -> None:
        for kind, contents, offset in _batches(self.kept.events(self.state.offset)):
            try:
                self._send(kind, contents)
            except Exception as error:
                if not store.is_refused(error):
                    raise
                # It would be refused for ever. The run goes on without it, and says so.
                self._note(store.trouble(error, self.store.uri))
            self.state.offset = offset
            self.state.write(self.kept.folder)

    def _send(self, kind: str, contents: list[tuple[int, Any]]) -> None:
        """Log events of one kind, each with its time."""
        run_id, (time_ms, last) = self.state.run_id, contents[-1]
        if kind == "metrics":
            points = [
                (name, value, at, step) for at, pairs in contents for name, value, step in pairs
            ]
            self.store.log_metrics(run_id, points)
        elif kind in ("params", "tags"):
            merged = {name: value for _, pairs in contents for name, value in pairs.items()}
            self.store.log_texts(run_id, **{kind: merged})
        elif kind == "data":
            self.store.log_data(run_id, **last)
        elif kind == "artifacts":
            self.store.log_files(run_id, self.kept.folder / ARTIFACTS / last)
        elif kind == "end":
            self.store.end_run(run_id, last, time_ms)

    def _note(self, reason: str) -> None:
        with suppress(Exception):
            self.store.log_texts(self.state.run_id, tags={"podium.not_logged": reason})


def _batches(
    events: list[tuple[dict[str, Any], int]],
) -> Iterator[tuple[str, list[tuple[int, Any]], int]]:
    """Events of one kind that follow each other, as many as MLflow takes at once.

    Each batch is its kind, the events' times and contents, and the byte after it.
    """
    kind, contents, count, end = "", list[tuple[int, Any]](), 0, 0
    for event, offset in events:
        time_ms = event.pop("time")
        ((new_kind, content),) = event.items()
        size = len(content) if new_kind in MOST else 1
        if contents and (new_kind != kind or count + size > MOST.get(kind, 1)):
            yield kind, contents, end
            contents, count = [], 0
        kind, count, end = new_kind, count + size, offset
        contents.append((time_ms, content))
    if contents:
        yield kind, contents, end


def remove_leftovers(folder: Path) -> None:
    """Remove journals that a kill left half made or half deleted."""
    for pattern in (".new-*", ".done-*"):
        for left in folder.glob(pattern):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > LEFTOVER_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)


def main() -> None:
    """Be the writer, unless there is one."""
    from filelock import FileLock, Timeout

    environment.prepare()
    with suppress(OSError):
        os.nice(max(0, NICE - os.nice(0)))
    uri = tracking_uri()
    folder = make_runs_folder(uri)
    while folder.is_dir():
        try:
            with FileLock(folder / LOCK, timeout=LOCK_SECONDS):
                remove_leftovers(folder)
                writer = Writer(folder, uri)
                writer.run()
        except Timeout:
            return
        # A run that began while this process held the lock has started no writer of its own.
        if not writer.is_needed() and (writer.reason or not unlogged_runs(folder)):
            return


if __name__ == "__main__":
    os.chdir(project_home())
    main()
