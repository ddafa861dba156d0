"""The process's surroundings: quiet dependencies, and where the project is."""

import os
import re
import socket
from pathlib import Path
from typing import NoReturn

from podium.errors import PodiumError

# Read by the libraries when they are imported, so this must come first. Values that the user has
# set stay as they are.
_DEFAULTS = {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Seven more processes, for work that Podium doesn't have.
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    # A server that is not there should be told in seconds, not minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # Threads that wait must not spin: with a busy neighbour that makes training many times slower.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GIT_PYTHON_REFRESH": "quiet",
}
# PyTorch on a CPU and on a GPU, C++.
_OUT_OF_MEMORY = re.compile(r"can't allocate memory|out of memory|bad_alloc", re.IGNORECASE)


def prepare() -> None:
    """Set defaults for the libraries: no telemetry, bounded retries, threads that wait quietly."""
    for name, value in _DEFAULTS.items():
        os.environ.setdefault(name, value)


def require_free_port(port: int) -> None:
    """Stop if something listens on the port.

    Raises:
        PodiumError: it is taken.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise PodiumError(
                f"port {port} is taken by another program; choose one: make ui PORT={port + 1}"
            )


def become(command: list[str]) -> NoReturn:
    """Run another program in this process's place."""
    os.execv(command[0], command)


def cores() -> int:
    """How many cores to use: ``OMP_NUM_THREADS``, or those that this process may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out: Python's own error, or the words of PyTorch and other libraries."""
    return isinstance(error, MemoryError) or bool(_OUT_OF_MEMORY.search(str(error)))


def project_home() -> Path:
    """The folder that keeps what outlives a run: the MLflow database and its artefacts.

    It is the project's own folder, also for ``dvc exp run --temp`` and queued experiments, which
    work in a copy under ``.dvc/tmp/exps`` that is deleted afterwards.
    """
    root = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    for parent in root.parents:
        if parent.parts[-3:] == (".dvc", "tmp", "exps"):
            return parent.parents[2]
    return root
