"""Starting a server in this process's place: MLflow's pages."""

import os
import socket
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


def become(command: list[str]) -> NoReturn:
    """Run another program in this process's place."""
    os.execv(command[0], command)
