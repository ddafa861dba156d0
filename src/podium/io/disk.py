"""Explains errors of full or read-only disks in one line that says what to do."""

import errno
import os
import re
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
# Messages of libraries that write files themselves: pyarrow and safetensors, and SQLite.
_CODE = re.compile(r"\b(?:os error|errno) (\d+)", re.IGNORECASE)
_DATABASE = {
    "database or disk is full": errno.ENOSPC,
    "disk I/O error": errno.EIO,
    "readonly database": errno.EROFS,
    "unable to open database file": errno.EACCES,
}


def describe(error: OSError) -> str:
    """The file or folder, what happened, and what to do."""
    code = error.errno or errno_in_text(error)
    where = f"{error.filename}: " if error.filename else ""
    advice = f"{_advice(code)}, and run again; earlier results are unchanged"
    return f"{where}{error.strerror or error}; {advice}"


def errno_in_text(error: Exception) -> int | None:
    """The errno in an error's text, for errors without one of their own."""
    found = _CODE.search(str(error))
    return int(found[1]) if found else None


def database_error(error: Exception, path: Path) -> OSError | None:
    """A failure of SQLite as an OSError, if the disk caused it."""
    for words, code in _DATABASE.items():
        if words in str(error):
            return OSError(code, os.strerror(code), str(path))
    return None


def _advice(code: int | None) -> str:
    if code in _FULL:
        return "free space on the disks of the project and of temporary files (TMPDIR)"
    return "make it writable" if code in _READ_ONLY else "check permissions and free space"
