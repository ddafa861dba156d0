"""Starting a server in this process's place: MLflow's pages."""

import os
import shlex
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from podium.io.errors import PodiumError


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


def mlflow_command(uri: str, port: int) -> list[str]:
    """MLflow's server of a tracking store, on loopback; it imports nothing from the working folder.

    Uvicorn, which it starts, would look there first: its own folder takes that place.
    """
    found = find_spec("uvicorn")
    assert found
    assert found.origin
    packages = Path(found.origin).parent.parent
    return [
        *(sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", "1", "--backend-store-uri", uri),
        *("--uvicorn-opts", f"--app-dir {shlex.quote(str(packages))}"),
    ]


def become(command: list[str]) -> NoReturn:
    """Run another program in this process's place."""
    os.execv(command[0], command)
