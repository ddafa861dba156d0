"""Where a study is stored: Optuna's journal in a file, or any database that it knows.

The journal is five times as fast as SQLite here, and needs no SQLAlchemy. Its lock is the
kernel's, which a killed process can't keep; a line that a kill has cut off is removed.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

JOURNAL = "journal:///"
# How long a database of SQLite is waited for while another process writes it.
BUSY_SECONDS = 60


def open_storage(url: str) -> "BaseStorage":
    """The storage of a URL; raises what Optuna, SQLAlchemy or the system raise."""
    from optuna.storages import JournalStorage, RDBStorage

    if url.startswith(JOURNAL):
        path = Path(url.removeprefix(JOURNAL))
        lock = _KernelLock(path)
        _repair(path, lock)
        return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    options = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {}
    return RDBStorage(url, engine_kwargs=options)


class _KernelLock(BaseJournalFileLock):
    """Optuna's lock of a journal, by ``filelock``."""

    def __init__(self, path: Path) -> None:
        from filelock import FileLock

        self.lock: Any = FileLock(f"{path}.lock")

    def acquire(self) -> bool:
        """Wait for it."""
        self.lock.acquire()
        return True

    def release(self) -> None:
        """Give it back."""
        self.lock.release()


def _repair(path: Path, lock: _KernelLock) -> None:
    """Cut off a last line that isn't whole: the next one would become a part of it."""
    if not path.is_file():
        return
    lock.acquire()
    try:
        with path.open("r+b") as file:
            content = file.read()
            if content and not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()
