"""No two processes at one output, and no stage that outlives its DVC.

``kill -9`` of ``dvc repro`` leaves the stage that it was running alive. The stage watches DVC and
ends with it; and who writes an output holds a lock, which a dead process can't hold.
"""

import os
import re
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from podium.io.errors import PodiumError
from podium.runtime import dvc_files
from podium.runtime.processes import describe, has_ended, is_alive, kill_children
from podium.runtime.warm import owner, resident

if TYPE_CHECKING:
    import psutil
    from filelock import BaseFileLock

T = TypeVar("T")

# Not inside an output of DVC: a file in there changes its hash.
LOCKS = Path(".podium/locks")
WATCH_SECONDS = 0.1
# Between the request to end and the kill: enough to write a checkpoint and close the run.
GRACE_SECONDS = 5.0
# Longer than a stage whose DVC was killed needs to end.
WAIT_SECONDS = 15.0


def follow_dvc() -> None:
    """In a stage that DVC runs, watch DVC, and end when it ends."""
    if "DVC_STAGE" in os.environ:
        watch = _follow_owner if owner.current.dvc else _follow_ancestor
        threading.Thread(target=watch, daemon=True).start()


def _follow_owner() -> None:
    """Wait for the end of the DVC, its ``podium repro -j`` or the client, whichever is first."""
    with suppress(ProcessLookupError):
        owners = [one for one in (owner.current.dvc, owner.repro()) if one]
        handles = [os.pidfd_open(int(one.split()[0])) for one in owners]
        select.select([*handles, owner.current.lifeline], [], [])
    # Not if the command is done, and the client knows.
    if owner.current.dvc:
        _end()


def _follow_ancestor() -> None:
    import psutil

    dvc, repro = _dvc(), owner.repro()
    if dvc and not repro:
        # The stage reports a full disk; this thread has to watch DVC there, too.
        with suppress(OSError, psutil.Error):
            resident.start(describe(dvc))
    while dvc and not has_ended(dvc) and (not repro or is_alive(repro)):
        time.sleep(WATCH_SECONDS)
    _end()


def _end() -> None:
    """End this stage."""
    with suppress(OSError):
        print("podium: dvc has ended, so this stage ends too", file=sys.stderr, flush=True)
    # The main thread leaves as after `kill`: its run ends as KILLED, scratch files are removed.
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    # It is in a computation that can't be interrupted. What it would write now is not wanted.
    kill_children()
    os._exit(128 + signal.SIGTERM)


def _dvc() -> "psutil.Process | None":
    """The DVC that runs this stage, or None if it has ended already.

    It is the closest ancestor, shells apart, that isn't itself inside this stage. Once DVC has
    ended, there is none: orphans go to another program, in another session.
    """
    import psutil

    for ancestor in psutil.Process().parents():
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            words = " ".join([ancestor.name(), *_asked(ancestor.cmdline, [])])
            variables = _asked(ancestor.environ, dict[str, str]())
            inside = variables.get("DVC_STAGE") == os.environ["DVC_STAGE"]
            here = os.getsid(ancestor.pid) == os.getsid(0)
            if here and not inside and re.search("dvc|python", words):
                return ancestor
    return None


def _asked(question: Callable[[], T], unknown: T) -> T:
    """An answer about a process; another user's process may refuse."""
    import psutil

    try:
        return question()
    except psutil.AccessDenied:
        return unknown


@contextmanager
def only_one(*output: str) -> Iterator[None]:
    """Run the block while no other process runs one for the same output.

    ``output`` names it: the stage, the competition and the model. Waits a while for the other
    process, which may be the stage of a killed DVC about to end.

    Raises:
        PodiumError: the other process is still running.
    """
    from filelock import FileLock, Timeout

    # Outside a project there is nothing to guard, and any text may come as a name.
    if not Path("params.yaml").is_file():
        yield
        return
    path = LOCKS / re.sub(r"[^\w.@-]", "_", "@".join(output))
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(f"{path}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _wait(lock, path, " ".join(output))
    try:
        path.write_text(str(os.getpid()), encoding="ascii")
        dvc_files.keep_lock_files()
        yield
    finally:
        lock.release()


def _wait(lock: "BaseFileLock", path: Path, output: str) -> None:
    """Name the process that is writing the output, and give it time to end."""
    from filelock import Timeout

    pid = f" (PID {path.read_text(encoding='ascii')})" if path.is_file() else ""
    what = f"{output}: already running{pid}"
    print(f"podium: {what}; waiting {WAIT_SECONDS:.0f} s for it", file=sys.stderr, flush=True)
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        raise PodiumError(f"{what}; run again when it has ended, or end it first") from None
