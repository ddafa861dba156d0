"""A stage's side: hand the command to the resident process, and end as it ends.

The command runs in a process forked from the resident one, with this process's arguments,
environment, folder and standard streams. Signals are passed on, the exit code is passed back, and
a command whose client is killed ends too.
"""

import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

from podium.runtime.warm import protocol

# DVC starts a stage through a shell or two.
GENERATIONS = 4
# The resident process may be in an import. If it is stuck, the command runs here; forked later, it
# would end at once, since its client is gone.
ANSWER_SECONDS = 30.0
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1)
HANDLED = (*PASSED_ON, signal.SIGTSTP)


def run(arguments: list[str]) -> None:
    """Run a stage's command in a forked process and exit; returns where it has to run here.

    It runs here outside DVC, where no resident process answers, and where the one that answers
    belongs to another source tree, environment, DVC or user.
    """
    if "DVC_STAGE" not in os.environ or not protocol.is_possible():
        return
    # A signal that comes before it can be passed on waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    started = _start(arguments)
    if started:
        _follow(*started)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)


def _start(arguments: list[str]) -> tuple[socket.socket, int] | None:
    """Have the command started: the connection on which its end is reported, and its pidfd."""
    try:
        connection = _connect()
        if connection is None:
            return None
        connection.settimeout(ANSWER_SECONDS)
        # The command's process gets the read end: there it sees this process's end. The other end
        # stays open until then.
        reader, _lifeline = os.pipe()
        protocol.send(connection, _request(arguments), (0, 1, 2, reader))
        os.close(reader)
        answer, files = protocol.receive(connection)
        connection.settimeout(None)
        return (connection, files[0]) if answer.get("started") else None
    except (OSError, ValueError):
        return None


def _connect() -> socket.socket | None:
    """The resident process of the DVC that is an ancestor of this process."""
    ancestor = os.getppid()
    for _ in range(GENERATIONS):
        path = protocol.address(ancestor)
        if path.exists():
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(str(path))
            return connection if protocol.peer(connection)[1] == os.getuid() else None
        ancestor = protocol.parent(ancestor)
    return None


def _request(arguments: list[str]) -> dict[str, Any]:
    mask = os.umask(0)
    os.umask(mask)
    return {
        "arguments": arguments,
        "environment": dict(os.environ),
        "identity": protocol.identity(os.environ),
        "umask": mask,
        "ignored": [number for number in PASSED_ON if signal.getsignal(number) == signal.SIG_IGN],
    }


def _follow(connection: socket.socket, command: int) -> NoReturn:
    """Wait for the command's end, passing signals on to it; ``command`` is its pidfd."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(command, number)

    def stop(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(command, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(command, signal.SIGCONT)

    for number in PASSED_ON:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    signal.signal(signal.SIGTSTP, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    try:
        result, _ = protocol.receive(connection)
    except (OSError, ValueError):
        result = {}
    _end(result)


def _end(result: dict[str, Any]) -> NoReturn:
    """End as the command did: with its exit code, or by the signal that ended it."""
    if "signal" in result:
        # SIGKILL has no handler to set back.
        with suppress(OSError):
            signal.signal(result["signal"], signal.SIG_DFL)
        os.kill(os.getpid(), result["signal"])
    if "code" not in result:
        print("podium: error: the stage's process was killed; run again", file=sys.stderr)
        sys.stderr.flush()
    os._exit(result.get("code", 1))
