"""Run journals: what a run logs, kept in files until the writer has it in MLflow.

``.podium/runs/<digest of the tracking URI>/`` holds a folder for every run: ``events.jsonl``, one
JSON object a line in the order of logging, the run's header first, and ``artifacts/``. The folder
is gone when everything in it is logged. What is hidden there (``.new-...``, ``.done-...``) is being
made or deleted.
"""

import json
import os
import shutil
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from podium.io.errors import without_password
from podium.io.files import digest
from podium.io.paths import project_home
from podium.runtime import processes

RUNS = Path(".podium/runs")
EVENTS, ARTIFACTS, URI = "events.jsonl", "artifacts", "uri"
PRIVATE = 0o700
# A run of another machine that has said nothing for so long is not going on.
LOST_SECONDS = 7 * 24 * 3600.0
# The last line, which ends a run, is shorter.
TAIL_BYTES = 200


def tracking_uri() -> str:
    """``MLFLOW_TRACKING_URI``, or ``mlflow.db`` in the project's folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{project_home() / 'mlflow.db'}"


def runs_folder(uri: str) -> Path:
    """Where the journals for a tracking URI lie.

    It stays the same when a password changes, and when the project's folder is moved.
    """
    home = project_home()
    return home / RUNS / digest(without_password(uri).replace(str(home), ".").encode())[:12]


def make_runs_folder(uri: str) -> Path:
    """``runs_folder``, made if need be.

    Raises:
        OSError: the disk is full, or may not be written.
    """
    folder = runs_folder(uri)
    if not (folder / URI).is_file():
        folder.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
        folder.mkdir(exist_ok=True, mode=PRIVATE)
        (folder / URI).write_text(without_password(uri) + "\n", encoding="utf-8")
    return folder


def now() -> int:
    """The time as MLflow counts it: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Journal:
    """Writes one run's journal.

    A disk that is full or may not be written stops no training: what could not be kept is lost,
    and ``failure`` is the first reason.
    """

    def __init__(self, uri: str, header: Mapping[str, Any]) -> None:
        self.failure: OSError | None = None
        self.lock = threading.Lock()
        self.file: int | None = None
        self.folder = Path()
        self.copies = 0
        try:
            self._create(make_runs_folder(uri), header)
        except OSError as error:
            self.failure = error
            self.close()

    def _create(self, runs: Path, header: Mapping[str, Any]) -> None:
        """Nobody sees a journal without its header: the folder gets its name when that is there."""
        # Names sort by time.
        name = time.strftime("%Y%m%d-%H%M%S-", time.gmtime())
        name += f"{time.time_ns() % 10**9:09d}-{os.urandom(3).hex()}"
        unfinished = runs / f".new-{name}"
        unfinished.mkdir(mode=PRIVATE)
        self.file = os.open(
            unfinished / EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._write({"time": now(), "run": dict(header)})
        self.folder = unfinished.rename(runs / name)

    def append(self, kind: str, content: Any) -> None:
        """Add one event with its time, as a whole line or not at all."""
        with self.lock:
            if self.file is None:
                return
            try:
                self._write({"time": now(), kind: content})
            except OSError as error:
                self.failure = self.failure or error

    def _write(self, event: Mapping[str, Any]) -> None:
        assert self.file is not None
        line = (json.dumps(event, separators=(",", ":")) + "\n").encode()
        size = os.fstat(self.file).st_size
        try:
            written = os.write(self.file, line)
            while written < len(line):
                written += os.write(self.file, line[written:])
        except OSError as error:
            # Else the next event would be a part of this line.
            os.ftruncate(self.file, size)
            raise OSError(error.errno, error.strerror, str(self.folder / EVENTS)) from None

    def keep_files(self, source: Path) -> None:
        """Keep a copy of every file in a folder, and say so when it is whole."""
        if self.file is None:
            return
        self.copies += 1
        name = str(self.copies)
        try:
            shutil.copytree(source, self.folder / ARTIFACTS / name)
        except (OSError, shutil.Error) as error:
            self.failure = self.failure or _first_cause(error)
            return
        self.append("artifacts", name)

    def close(self) -> None:
        """Nothing more is written."""
        with self.lock:
            if self.file is not None:
                os.close(self.file)
                self.file = None


def _first_cause(error: OSError) -> OSError:
    """What stopped a copy: ``shutil.Error`` lists (source, target, reason)."""
    if not isinstance(error, shutil.Error):
        return error
    source, _, reason = error.args[0][0]
    return OSError(f"{source}: {reason}")


@dataclass(frozen=True)
class KeptRun:
    """Reads one run's journal; another process may still be writing it."""

    folder: Path

    @cached_property
    def header(self) -> dict[str, Any]:
        """What the run was started with.

        Raises:
            OSError: the journal is gone by now.
            ValueError, KeyError: it isn't one.
        """
        with (self.folder / EVENTS).open("rb") as file:
            first = json.loads(file.readline())
        return {"time": first["time"], **first["run"]}

    @property
    def is_readable(self) -> bool:
        """Whether it is a journal, and still there."""
        with suppress(OSError, ValueError, KeyError):
            return bool(self.header)
        return False

    def events(self, offset: int) -> list[tuple[dict[str, Any], int]]:
        """The events from a byte on, each with the byte where the next one begins.

        A last line that isn't whole is one that is being written, or was when its writer was
        killed.
        """
        with (self.folder / EVENTS).open("rb") as file:
            file.seek(offset)
            content = file.read()
        found = []
        for line in content.split(b"\n")[:-1]:
            offset += len(line) + 1
            # What a power failure has made of a line is no event.
            with suppress(ValueError):
                found.append((json.loads(line), offset))
        return found

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return (self.folder / EVENTS).stat().st_size

    @property
    def last_change(self) -> int:
        """When the last event came, in milliseconds since 1970."""
        return (self.folder / EVENTS).stat().st_mtime_ns // 1_000_000

    @property
    def has_ended(self) -> bool:
        """Whether the run's last event is there."""
        with (self.folder / EVENTS).open("rb") as file:
            file.seek(max(0, self.size - TAIL_BYTES))
            *_, last, unfinished = b"", *file.read().split(b"\n")
        whole = last.startswith(b'{"time":') and not unfinished
        return whole and "end" in json.loads(last)

    @property
    def is_open(self) -> bool:
        """Whether the run goes on, as far as this machine can tell."""
        return not self.has_ended and self.lives

    @property
    def lives(self) -> bool:
        """Whether the run's process lives; one on another machine does until it was long silent."""
        if self.is_here:
            return processes.is_alive(self.header["process"])
        return now() - self.last_change < LOST_SECONDS * 1000

    @property
    def is_here(self) -> bool:
        """Whether the run is one of this machine's."""
        return bool(self.header["machine"] == processes.machine())

    def delete(self) -> None:
        """Remove the journal: at once for who looks for journals."""
        shutil.rmtree(self.folder.rename(self.folder.with_name(f".done-{self.folder.name}")))


def kept_runs(folder: Path) -> list[KeptRun]:
    """The journals in a runs folder, the oldest first."""
    if not folder.is_dir():
        return []
    names = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    found = [KeptRun(folder / name) for name in names if not name.startswith(".")]
    return [kept for kept in found if kept.is_readable]


def unlogged_runs(folder: Path) -> list[KeptRun]:
    """The journals of runs that are over, which all should be in MLflow."""
    found = []
    for run in kept_runs(folder):
        try:
            if not run.is_open:
                found.append(run)
        except FileNotFoundError:
            # It was logged just now.
            continue
    return found
