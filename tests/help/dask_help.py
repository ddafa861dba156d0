"""A real Dask cluster on loopback: a scheduler and workers, each a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from podium.config.compute import Compute

DASK = (sys.executable, "-P", "-m", "dask")


class Cluster:
    """Its processes, which end with it."""

    def __init__(self, folder: Path, protocol: str = "tcp", options: Sequence[str] = ()) -> None:
        self.folder, self.options = folder, options
        self.address = f"{protocol}://127.0.0.1:{_free_port()}"
        self.processes: list[subprocess.Popen[bytes]] = []
        port = self.address.rpartition(":")[2]
        self.scheduler = self.start(
            "scheduler", "--host", f"{protocol}://127.0.0.1", "--port", port, "--no-dashboard"
        )
        log = folder / "scheduler0.log"
        assert soon(lambda: b"Scheduler at" in log.read_bytes(), 60), log.read_text()

    def compute(self, **keys: int) -> Compute:
        """The block of params.yaml for this cluster."""
        return Compute(backend="dask", address=self.address, **keys)

    def add_workers(
        self, count: int = 2, *options: str, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Workers of one thread each, with a nanny unless told otherwise."""
        where = ("--local-directory", str(self.folder), "--no-dashboard")
        number = ("--nworkers", str(count), "--nthreads", "1")
        return self.start("worker", self.address, *number, *where, *options, env=env)

    def start(self, *command: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A process of Dask's command, in a session of its own."""
        log = (self.folder / f"{command[0]}{len(self.processes)}.log").open("wb")
        process = subprocess.Popen(
            [*DASK, *command, *self.options],
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process with all that it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def cluster(folder: Path, workers: int = 2, *options: str) -> Iterator[Cluster]:
    """A scheduler and workers with one thread each."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Cluster(folder)
    try:
        # Without nannies a command takes one worker.
        for count in [1] * workers if options else [workers][: bool(workers)]:
            made.add_workers(count, *options)
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def soon(found, seconds: float = 30.0) -> bool:  # noqa: ANN001
    """Whether something is true within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found():
            return True
        time.sleep(0.2)
    return False
