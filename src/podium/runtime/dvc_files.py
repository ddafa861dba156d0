"""DVC's own files, mended after a kill.

DVC writes its lock files, and its list of who reads and writes what, in place: emptied first, then
filled. A kill in between, a matter of milliseconds, leaves a file that DVC refuses to read. And a
list that names a killed DVC stops the next one if another program has got that process id since.
"""

import json
import os
from pathlib import Path
from typing import Any

from podium.io import files

LOCK_FILES = (Path("dvc.lock"), Path("models/dvc.lock"))
RWLOCK = Path(".dvc/tmp/rwlock")
# What a DVC holds while it writes the files above.
HELD = (Path(".dvc/tmp/lock"), Path(".dvc/tmp/rwlock.lock"))
HELD_SECONDS = 1.0
KEPT = Path(".podium/dvc")


def keep_lock_files() -> None:
    """In a stage that DVC runs, copy DVC's lock files: DVC has just read them, so they are good."""
    if "DVC_STAGE" not in os.environ:
        return
    for path in LOCK_FILES:
        if path.is_file() and not _is_cut(path):
            _copy(path, _copy_of(path))


def mend() -> list[str]:
    """Put back or remove what a kill has left; returns a line about each such file.

    While a living DVC is writing, nothing is touched; one that starts meanwhile waits.
    """
    from filelock import FileLock, Timeout

    # No DVC has run here yet, or none could.
    if not os.access(RWLOCK.parent, os.W_OK):
        return []
    try:
        with FileLock(HELD[0], timeout=HELD_SECONDS), FileLock(HELD[1], timeout=HELD_SECONDS):
            return [_mend(path) for path in (*LOCK_FILES, RWLOCK) if _is_bad(path)]
    except Timeout:
        return []


def _is_bad(path: Path) -> bool:
    if not path.is_file():
        return False
    return _is_left(path) if path == RWLOCK else _is_cut(path) or _is_refused(path)


def _is_cut(path: Path) -> bool:
    """Whether the end of a lock file is missing: its last line has an end."""
    return not path.read_bytes().endswith(b"\n")


def _is_refused(path: Path) -> bool:
    """Whether DVC can't read a lock file, which may be cut off at the end of a line too."""
    from dvc.exceptions import DvcException
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils import strictyaml

    try:
        strictyaml.load(str(path), COMPILED_LOCKFILE_SCHEMA)
        return False
    except DvcException:
        return True


def _is_left(path: Path) -> bool:
    """Whether the list is cut off, or names nothing but processes that are gone."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8", errors="replace"))
        users = list(listed.get("write", {}).values())
        for readers in listed.get("read", {}).values():
            users += readers
        return bool(users) and not any(map(_lives, users))
    except (ValueError, AttributeError):
        return True


def _lives(user: dict[str, Any]) -> bool:
    """Whether a process of the list is alive, and the same program."""
    import psutil

    try:
        return str(user["cmd"]) in " ".join(psutil.Process(user["pid"]).cmdline())
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _mend(path: Path) -> str:
    if _copy_of(path).is_file():
        _copy(_copy_of(path), path)
        return f"{path}, cut off by a kill, is again what it was before the last stage"
    path.unlink()
    if path == RWLOCK:
        return f"{path}, left by a DVC that was killed, was removed"
    return f"{path}, cut off by a kill, was removed: its stages run again"


def _copy_of(path: Path) -> Path:
    return KEPT / path.as_posix().replace("/", "-")


def _copy(path: Path, target: Path) -> None:
    """Whole or not at all, on a full disk too."""
    files.write_text(target, path.read_text(encoding="utf-8"))
