"""The process that a ``dvc repro`` keeps beside it: libraries loaded, DVC's files looked after.

The first stage that DVC runs starts it, in a session of its own, which a Ctrl-C or a kill of DVC's
process group doesn't reach. It ends after its DVC. ``podium repro -j`` starts one for all its DVCs,
and stands in the DVC's place here:

1. It loads the libraries that stages use, and forks a process per command that a stage's client
   asks for (``client.py``). Between two imports it looks for requests, so that none waits long.
2. When DVC has ended it repairs what a kill left of DVC's own files: DVC reads them before any
   stage starts, so no stage can repair them for the next ``dvc repro``.

The first is for Linux only. Elsewhere, or with ``PODIUM_WARM=0``, it does the second alone.
"""

import gc
import importlib
import os
import selectors
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from podium.runtime import dvc_files, environment
from podium.runtime.processes import describe_pid, is_alive
from podium.runtime.warm import child, owner, protocol

WATCH_SECONDS = 0.05
# In the order in which the stages of a run want them.
LIBRARIES = (
    "numpy", "pandas", "podium.cli", "pyarrow.parquet", "podium.config", "podium.stages.common",
    "podium.data.tabular.prepare", "podium.stages.train", "sklearn.model_selection",
    "sklearn.linear_model", "podium.models.penalized", "podium.stages.ensemble",
    "matplotlib.figure", "matplotlib.backends.backend_agg", "podium.stages.report", "lightgbm",
)  # fmt: skip
# A run that trains one model may not need these; one that trains two most probably does.
MODELS = ("podium.models.gradient_boosting", "torch", "podium.models.networks")


def start(dvc: str, environment: Mapping[str, str] | None = None) -> None:
    """Start the resident process of a DVC, unless a stage before has done so.

    ``dvc`` is what ``processes.describe`` says of it. The environment is this process's if none is
    given.

    Raises:
        OSError: the disk is full, or may not be written.
    """
    path = protocol.FOLDER / "owner"
    if path.is_file() and path.read_text(encoding="ascii", errors="replace") == dvc:
        return
    protocol.FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(dvc, encoding="ascii")
    # -P: what lies in the project's folder is not imported.
    subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, dvc],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        env=environment,
    )


def main(dvc: str) -> None:
    """Serve until the DVC has ended, and say on stderr what was repaired."""
    environment.prepare()
    if protocol.is_possible():
        with suppress(ProcessLookupError):
            _Resident(dvc).serve()
    while is_alive(dvc):
        time.sleep(WATCH_SECONDS)
    for line in dvc_files.repair():
        print(f"podium: {line}", file=sys.stderr)


class _Resident:
    """Waits for clients, children and the end of DVC, and loads libraries in between."""

    def __init__(self, dvc: str) -> None:
        self.dvc, self.pid = dvc, int(dvc.split()[0])
        # Libraries change it when they are imported.
        self.environment = dict(os.environ)
        self.identity = protocol.identity(self.environment)
        self.libraries = list(LIBRARIES)
        self.trained = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(os.pidfd_open(self.pid), selectors.EVENT_READ, "dvc")
        self.listener = self._listen()
        self.selector.register(self.listener, selectors.EVENT_READ, "client")
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

    def _listen(self) -> socket.socket:
        """A socket that only this user can open, for the clients of this DVC."""
        protocol.FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
        protocol.FOLDER.chmod(0o700)
        for left in protocol.FOLDER.iterdir():
            if left.stem.isdigit() and not Path(f"/proc/{left.stem}").exists():
                left.unlink(missing_ok=True)
        path = protocol.address(self.pid)
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(new))
        listener.listen()
        # Who finds it may connect: between the two calls a client would be refused.
        new.replace(path)
        return listener

    def serve(self) -> None:
        """Serve until the DVC has ended."""
        try:
            while not self._take_events():
                if self.libraries:
                    self._load(self.libraries.pop(0))
        finally:
            protocol.address(self.pid).unlink(missing_ok=True)

    def _take_events(self) -> bool:
        """Take what has happened; returns whether the DVC has ended."""
        for key, _ in self.selector.select(0 if self.libraries else None):
            if key.data == "dvc":
                return True
            if key.data == "client":
                self._accept()
            else:
                self._report_end(key)
        return False

    def _load(self, name: str) -> None:
        # What can't be loaded here is an error where a stage needs it.
        with suppress(Exception):
            importlib.import_module(name)
        gc.collect()
        # A collection in a child would copy the pages of all that is loaded.
        gc.freeze()

    def _accept(self) -> None:
        connection, _ = self.listener.accept()
        try:
            connection.settimeout(5.0)
            request, files = protocol.receive(connection)
            dvc = self._dvc_of(protocol.peer(connection)[0])
            command = child.Command(request, files, dvc)
            if dvc and self._is_ours(connection, request) and len(files) == 4:
                self._fork(connection, command)
            else:
                protocol.send(connection, {"started": False})
                connection.close()
            command.close()
        except (OSError, ValueError):
            connection.close()

    def _is_ours(self, connection: socket.socket, request: dict[str, Any]) -> bool:
        """Whether the client is this user's, and is of this source tree."""
        _, user = protocol.peer(connection)
        mine = protocol.identity(self.environment) == self.identity == request.get("identity")
        return user == os.getuid() and mine

    def _dvc_of(self, client: int) -> str:
        """The DVC that a client runs under: this one, or one that ``podium repro`` started.

        Empty if it runs under neither.
        """
        line = [client]
        while line[-1] > 1 and line[-1] != self.pid:
            line.append(protocol.parent(line[-1]))
        if line[-1] != self.pid or len(line) < 2:
            return ""
        return describe_pid(line[-2]) if self.dvc == owner.repro() else self.dvc

    def _fork(self, connection: socket.socket, command: child.Command) -> None:
        pid = os.fork()
        if pid == 0:
            self.listener.close()
            self.selector.close()
            child.run(command, connection, self._set_by_libraries())
        self._plan_imports(command.request["arguments"])
        handle = os.pidfd_open(pid)
        self.selector.register(handle, selectors.EVENT_READ, (pid, connection))
        protocol.send(connection, {"started": True}, (handle,))

    def _set_by_libraries(self) -> dict[str, str]:
        """Environment variables that imports have set, as they would in the command's process."""
        return {key: value for key, value in os.environ.items() if key not in self.environment}

    def _plan_imports(self, arguments: list[str]) -> None:
        """At the second training of a run, load what other models need while it fits."""
        self.trained += "train" in arguments
        if self.trained == 2:
            self.trained += 1
            self.libraries += MODELS

    def _report_end(self, key: selectors.SelectorKey) -> None:
        """A command has ended; tell its client if a signal ended it."""
        pid, connection = key.data
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.selector.unregister(key.fileobj)
        os.close(key.fd)
        if status < 0:
            with suppress(OSError):
                protocol.send(connection, {"signal": -status})
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
