"""A command's process, forked from the resident one: made to look as if it had been started."""

import atexit
import os
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any, NoReturn

from podium.runtime.warm import owner, protocol

# By name, as libraries are: nothing here knows what a command does.
MAIN = "podium.cli:main"


@dataclass(frozen=True)
class Command:
    """What a client asks for.

    ``files`` are its standard streams and the pipe that closes when it ends; ``dvc`` describes the
    DVC that both belong to.
    """

    request: dict[str, Any]
    files: list[int]
    dvc: str

    def close(self) -> None:
        """Close the files, which the command's own process has copies of."""
        for file in self.files:
            os.close(file)


def run(command: Command, connection: socket.socket, variables: Mapping[str, str]) -> NoReturn:
    """Run the command, tell the client its exit code, and end this process.

    ``variables`` are those of the environment that imported libraries have set.
    """
    code = 1
    try:
        _adopt(command, variables)
        code = _run(command)
    finally:
        # As the interpreter would end, but not up the stack, which is the resident process's.
        with suppress(BaseException):
            threading._shutdown()  # type: ignore[attr-defined]
        with suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with suppress(BaseException):
                stream.flush()
        # The client may end from here on: this process is not left behind by it.
        owner.current = owner.Owner()
        # Not left to the resident process, so that the client misses nothing if that is killed.
        with suppress(OSError):
            protocol.send(connection, {"code": code})
        os._exit(code)


def _adopt(command: Command, variables: Mapping[str, str]) -> None:
    """Take the client's arguments, environment, umask, streams and signals."""
    request = command.request
    sys.argv = ["podium", *request["arguments"]]
    os.environ.clear()
    os.environ.update({**variables, **request["environment"]})
    os.umask(request["umask"])
    *streams, lifeline = command.files
    for number, stream in enumerate(streams):
        os.dup2(stream, number, inheritable=True)
        os.close(stream)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = _writer(1)
    sys.stderr = _writer(2, errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    owner.current = owner.Owner(command.dvc, lifeline)


def _writer(number: int, errors: str | None = None) -> Any:
    line_buffering = number == 2 or os.isatty(number)
    stream = os.fdopen(number, "w", errors=errors, closefd=False)
    stream.reconfigure(line_buffering=line_buffering)
    return stream


def _run(command: Command) -> int:
    try:
        resolve_name(MAIN)()
    except SystemExit as error:
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
            return 1
        return error.code or 0
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0
