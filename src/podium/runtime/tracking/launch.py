"""Starting the writer, and waiting for it, in a few milliseconds and without MLflow.

There is one writer for each tracking URI: it holds a lock while it lives. In its folder are
``status``, why MLflow can't be written, in one line and only while that is so; and a file
``owner-...`` for each process that it should live as long as.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from podium.io.errors import warn, without_password
from podium.io.paths import project_home
from podium.runtime.tracking.journal import RUNS, make_runs_folder, runs_folder, unlogged_runs
from podium.runtime.tracking.journal import tracking_uri as current_uri

LOCK, STATUS, OWNER = "writer.lock", "status", "owner-"
# Set to 0, no writer is started: runs stay in their journals until a command runs without it.
SWITCH = "PODIUM_WRITER"
WAIT_STEP = 0.05
LOCAL_SECONDS = 0.3


def start_writer(owner: str | None = None) -> None:
    """Start the process that takes journals to MLflow, unless one is there.

    It lives while ``owner`` does (a process as ``processes.describe`` has it), and while there are
    runs to log. A disk that may not be written is no error here: then there is nothing to log.
    """
    if os.environ.get(SWITCH) == "0":
        return
    with suppress(OSError):
        folder = make_runs_folder(current_uri())
        if owner:
            _register(folder, owner)
        if not is_writer_there(folder):
            (folder / STATUS).unlink(missing_ok=True)
            _spawn()


def _register(folder: Path, owner: str) -> None:
    """Name an owner in a file, which appears when it is whole."""
    name = f"{OWNER}{owner.partition(' ')[0]}"
    (folder / f".{name}").write_text(owner, encoding="ascii")
    (folder / f".{name}").replace(folder / name)


def _spawn() -> None:
    """A process of nobody: the shell ends at once, so that no parent waits for it or ends it."""
    # -P: what lies in the project's folder is not imported.
    command = [sys.executable, "-P", "-m", "podium.runtime.tracking.writer"]
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        cwd=project_home(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )


def is_writer_there(folder: Path) -> bool:
    """Whether a process holds the writer's lock."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / LOCK, timeout=0):
            return False
    except Timeout:
        return True


def wait_until_logged(seconds: float) -> str | None:
    """Wait until every run that is over is in MLflow; why that is not so, in one line, or None.

    Runs that were kept because MLflow could not be written are tried again.
    """
    kept, reason = _wait(seconds)
    return _kept_message(kept, reason) if kept else None


def warn_if_not_logged(seconds: float) -> None:
    """``wait_until_logged``, with what it finds as a warning."""
    message = wait_until_logged(seconds)
    if message:
        warn(message)


def warn_at_end_of_pipeline(seconds: float) -> None:
    """Warn if MLflow can't be written; the writer goes on after the end of this process.

    A server gets so many seconds, because the machine, a container, may end with the pipeline. A
    database in a file needs no waiting for: the journals lie beside it.
    """
    local = current_uri().startswith("sqlite:")
    kept, reason = _wait(LOCAL_SECONDS if local else seconds)
    if kept and (reason or not local):
        warn(_kept_message(kept, reason))


def _kept_message(kept: int, reason: str) -> str:
    where = f"MLflow at {without_password(current_uri())}: "
    runs, verb = ("1 run", "is") if kept == 1 else (f"{kept} runs", "are")
    if not reason:
        return f"{where}{runs} {verb} still being logged, and kept in {RUNS} until then"
    again = f"{verb} logged by the next run or 'podium sync'"
    return f"{where}{reason}; {runs} {verb} kept in {RUNS} and {again}"


def _wait(seconds: float) -> tuple[int, str]:
    """How many runs are still not logged, and the writer's reason if it has one."""
    folder = runs_folder(current_uri())
    kept = len(unlogged_runs(folder))
    if not kept or os.environ.get(SWITCH) == "0":
        return 0, ""
    with suppress(OSError):
        # A writer that waits before it tries again sees this, and tries at once.
        (folder / STATUS).unlink(missing_ok=True)
    start_writer()
    end = time.monotonic() + seconds
    reason = ""
    while kept and not reason and time.monotonic() < end:
        time.sleep(WAIT_STEP)
        with suppress(FileNotFoundError):
            reason = (folder / STATUS).read_text(encoding="utf-8").strip()
        kept = len(unlogged_runs(folder))
    return kept, reason
