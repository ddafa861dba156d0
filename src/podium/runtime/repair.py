"""A small process that outlives a killed DVC, and mends what the kill cut off.

DVC reads its own files before any stage starts, so no stage can mend them for the next
``dvc repro``. The first stage that DVC runs starts this process; it waits for DVC's end, looks at
the files, and ends. It is in a session of its own, which a Ctrl-C or a kill of DVC's group doesn't
reach.
"""

import subprocess
import sys
import time
from pathlib import Path

from podium.runtime import dvc_files
from podium.runtime.processes import is_alive

WATCH_SECONDS = 0.05
# The DVC that was last watched: its other stages need not start another one.
WATCHED = Path(".podium/locks/repair")


def start(dvc: str) -> None:
    """Have DVC's files mended when this DVC ends, unless a stage before has seen to it.

    ``dvc`` is what ``processes.describe`` says of it.

    Raises:
        OSError: the disk is full, or may not be written.
    """
    if WATCHED.is_file() and WATCHED.read_text(encoding="ascii", errors="replace") == dvc:
        return
    WATCHED.parent.mkdir(parents=True, exist_ok=True)
    WATCHED.write_text(dvc, encoding="ascii")
    # -P: what lies in the project's folder is not imported.
    subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, dvc],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_and_mend(dvc: str) -> None:
    """Wait until DVC has ended, and say on stderr what was mended."""
    while is_alive(dvc):
        time.sleep(WATCH_SECONDS)
    for line in dvc_files.repair():
        print(f"podium: {line}", file=sys.stderr)


if __name__ == "__main__":
    wait_and_mend(sys.argv[1])
