"""Cores and memory: how many to use, and whether memory ran out."""

import os
import re
from pathlib import Path

# PyTorch on a CPU and on a GPU, C++.
_OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory|bad_alloc", re.IGNORECASE)


def cores() -> int:
    """How many cores to use: ``OMP_NUM_THREADS``, or those that this process may run on."""
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
