"""Repairs DVC's own files after a kill.

DVC writes its lock files, and its list of which process reads and writes what (``rwlock``), in
place: it empties the file first, then fills it. A kill in these milliseconds leaves a file that DVC
refuses to read. And an rwlock of a killed DVC stops the next one if another program has the same
process id by then.
"""

import json
import os
from pathlib import Path
from typing import Any

from podium.io import files

LOCK_FILES = (Path("dvc.lock"), Path("models/dvc.lock"))
RWLOCK = Path(".dvc/tmp/rwlock")
# Locks that DVC holds while it writes the files above.
HELD = (Path(".dvc/tmp/lock"), Path(".dvc/tmp/rwlock.lock"))
HELD_SECONDS = 1.0
# Where other DVCs are at work: they hold a lock while they look at results and copy them.
PATIENT_SECONDS = 60.0
KEPT = Path(".podium/dvc")


def keep_lock_files() -> None:
    """In a stage run by DVC, copy DVC's lock files: DVC has just read them, so they are valid."""
    if "DVC_STAGE" not in os.environ:
        return
    for path in LOCK_FILES:
        if path.is_file() and not _is_cut(path):
            _copy(path, _copy_of(path))


def repair(held_seconds: float = HELD_SECONDS) -> list[str]:
    """Restore or remove files that a kill left damaged; returns one line about each.

    Does nothing where a running DVC holds the locks for so long. A DVC that starts meanwhile waits
    for three seconds only, so they are not taken before something looks damaged.
    """
    from filelock import FileLock, Timeout

    # No DVC has run here yet, or the folder is read-only.
    if not os.access(RWLOCK.parent, os.W_OK):
        return []
    files_of_dvc = (*LOCK_FILES, RWLOCK)
    if not any(map(_is_damaged, files_of_dvc)):
        return []
    try:
        with FileLock(HELD[0], timeout=held_seconds), FileLock(HELD[1], timeout=held_seconds):
            return [_repair(path) for path in files_of_dvc if _is_damaged(path)]
    except Timeout:
        return []


def _is_damaged(path: Path) -> bool:
    if not path.is_file():
        return False
    return _is_stale(path) if path == RWLOCK else _is_cut(path) or _is_refused(path)


def _is_cut(path: Path) -> bool:
    """Whether the end of a lock file is missing: a complete one ends with a line break."""
    return not path.read_bytes().endswith(b"\n")


def _is_refused(path: Path) -> bool:
    """Whether DVC can't read a lock file, which may also be cut off exactly at a line break."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils import strictyaml

    try:
        strictyaml.load(str(path), COMPILED_LOCKFILE_SCHEMA)
        return False
    except DvcException:
        return True


def _is_stale(path: Path) -> bool:
    """Whether the rwlock is cut off, or lists only processes that have ended."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8", errors="replace"))
        users = list(listed.get("write", {}).values())
        for readers in listed.get("read", {}).values():
            users += readers
        return bool(users) and not any(map(_is_running, users))
    except (ValueError, AttributeError):
        return True


def _is_running(user: dict[str, Any]) -> bool:
    """Whether a listed process is running and is still the same program."""
    import psutil

    try:
        return str(user["cmd"]) in " ".join(psutil.Process(user["pid"]).cmdline())
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _repair(path: Path) -> str:
    if _copy_of(path).is_file():
        _copy(_copy_of(path), path)
        return f"{path} was cut off by a kill; restored to its state before the last stage"
    path.unlink()
    if path == RWLOCK:
        return f"{path} was left by a killed DVC; removed it"
    return f"{path} was cut off by a kill; removed it: its stages run again"


def _copy_of(path: Path) -> Path:
    return KEPT / path.as_posix().replace("/", "-")


def _copy(path: Path, target: Path) -> None:
    """Copy atomically: complete or not at all, even on a full disk."""
    files.write_text(target, path.read_text(encoding="utf-8"))
