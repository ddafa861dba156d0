"""Which process this is, whether another one still lives, and ending what this one started.

psutil is imported where it is needed: ``podium check`` needs none of this.
"""

import platform
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

# How far a process's start may seem to move: it is counted from the machine's start, by a clock
# that is set now and then.
CLOCK_SECONDS = 60.0


def machine() -> str:
    """The machine's name, and the space of its process ids where it has several.

    Two containers may share a name, and both have a process 7.
    """
    space = Path("/proc/self/ns/pid")
    return f"{platform.node()} {space.readlink().name}" if space.is_symlink() else platform.node()


def this_process() -> str:
    """This process, as ``describe`` has it."""
    import psutil

    return describe(psutil.Process())


def describe(process: "psutil.Process") -> str:
    """A process in words that no other one of the machine ever has: its id and its start."""
    return f"{process.pid} {process.create_time():.0f}"


def describe_pid(pid: int) -> str:
    """The same by its id; empty if it is gone."""
    import psutil

    try:
        return describe(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return ""


def is_alive(process: str) -> bool:
    """Whether the process of ``describe`` lives on this machine."""
    import psutil

    pid, _, start = process.partition(" ")
    try:
        found = psutil.Process(int(pid))
        return not has_ended(found) and abs(found.create_time() - float(start)) < CLOCK_SECONDS
    except (psutil.NoSuchProcess, ValueError):
        return False


def has_ended(process: "psutil.Process") -> bool:
    """Whether a process is gone, or waits for nothing but its parent's notice (a zombie)."""
    import psutil

    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def kill_children() -> None:
    """End every process that this one started, and those that they started."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
