"""One ``podium repro`` at a time in a project, all that it has started included."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.io.errors import PodiumError, warn

LOCK = Path(".podium/locks/repro.lock")
# Longer than the stages of a killed run need to end.
WAIT_SECONDS = 15.0
STEP_SECONDS = 0.1


@contextmanager
def alone() -> Iterator[int]:
    """Hold the project's lock; the open file can be handed to processes, which then hold it, too.

    The system gives it back when the last of them has ended: after a SIGKILL the next run waits for
    the DVCs that are left.

    Raises:
        PodiumError: another run holds it.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(file)
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        yield file
    finally:
        os.close(file)


def _take(file: int) -> None:
    """Take the lock, at once or within the seconds that a killed run may still hold it."""
    end = time.monotonic() + WAIT_SECONDS
    told = False
    while not _is_taken(file):
        pid = os.pread(file, 20, 0).decode("ascii", "replace")
        if time.monotonic() > end:
            raise PodiumError(
                f"another podium repro is running (PID {pid}), or a DVC that it left; run again "
                "when it has ended, or end it first"
            )
        if not told:
            warn(f"another podium repro (PID {pid}) is not over; waiting {WAIT_SECONDS:.0f} s")
            told = True
        time.sleep(STEP_SECONDS)


def _is_taken(file: int) -> bool:
    try:
        import fcntl
    except ImportError:
        # Windows has no such locks.
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
