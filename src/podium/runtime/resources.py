"""Cores and memory: how many to use, and whether memory ran out."""

import os
import re
from contextvars import ContextVar
from pathlib import Path

# PyTorch on a CPU and on a GPU, C++.
_OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory|bad_alloc", re.IGNORECASE)


# The share of one task, in the thread that does it.
_share: ContextVar[int | None] = ContextVar("share", default=None)


def share_cores(count: int | None) -> None:
    """From now on this thread has so many cores; None: all of them again."""
    _share.set(count)


def cores() -> int:
    """How many cores to use: a task's share, ``OMP_NUM_THREADS``, or those of this process."""
    share = _share.get()
    if share is not None:
        return share
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    return own_cores()


def own_cores() -> int:
    """How many cores this process may run on, whatever the number of threads that is set."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Bytes of memory of this machine, or of its container if that has less."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    text = limit.read_text().strip() if limit.is_file() else ""
    return min(found, int(text)) if text.isdigit() else found


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: Python's own error, or the words of PyTorch and other libraries."""
    return isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))
