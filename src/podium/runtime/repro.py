"""Running the pipeline of several competitions, one ``dvc repro`` each: if one fails, others go on.

``dvc repro --keep-going`` is no way to do this: DVC ignores a Ctrl-C while a stage runs, and would
take the stage that it ended for a failed one and start the next.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from podium.runtime.console import is_quiet

# The environment's own. Not ``python -m dvc``: by its arguments nobody would find that process, of
# which DVC's list of readers and writers has other ones (``dvc_files.py``).
DVC = (str(Path(sys.executable).with_name("dvc")),)


def run_all(competitions: Sequence[str]) -> list[str]:
    """Bring every competition's report up to date; returns the competitions that failed.

    Raises:
        KeyboardInterrupt: a Ctrl-C, after the stage that was running has ended.
        SystemExit: the same after SIGTERM.
    """
    command = (*DVC, "repro", *(["--quiet"] if is_quiet() else []))
    return [name for name in competitions if _run((*command, f"report@{name}")) != 0]


def _run(command: Sequence[str]) -> int:
    """The exit code of a command that gets a terminal's signals itself, and SIGTERM from here."""
    stopped = []
    process: subprocess.Popen[bytes] | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.append(number)
        if number == signal.SIGTERM and process is not None:
            process.terminate()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        process = subprocess.Popen(command)
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    raise_if(stopped)
    return code


def raise_if(stopped: Sequence[int]) -> None:
    """End as the first signal that has come wants it.

    Raises:
        KeyboardInterrupt: a Ctrl-C.
        SystemExit: SIGTERM.
    """
    if signal.SIGTERM in stopped[:1]:
        sys.exit(128 + signal.SIGTERM)
    if stopped:
        raise KeyboardInterrupt
