"""Disks that are full or may not be written, in one line that says what to do."""

import errno
import os
import re
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
# What is said by libraries that write files themselves: pyarrow and safetensors, and SQLite.
_CODE = re.compile(r"\b(?:os error|errno) (\d+)", re.IGNORECASE)
_DATABASE = {
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.EIO,
    "readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
}


def describe(error: OSError) -> str:
    """Which file or folder, what happened, and what to do."""
    code = error.errno or said_code(error)
    where = f"{error.filename}: " if error.filename else ""
    advice = f"{_advice(code)}, and run again; earlier results are as they were"
    return f"{where}{error.strerror or error}; {advice}"


def said_code(error: Exception) -> int | None:
    """The system's number of what went wrong, from an error's words."""
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


def database_error(error: Exception, path: Path) -> OSError | None:
    """What stopped SQLite, if that was the disk."""
    for words, code in _DATABASE.items():
        if words in str(error):
            return OSError(code, os.strerror(code), str(path))
    return None


def _advice(code: int | None) -> str:
    if code in _FULL:
        return "free space where the project is, and where temporary files go (TMPDIR)"
    return "make it writable" if code in _CLOSED else "check permissions and free space"
