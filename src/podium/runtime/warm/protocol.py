"""The messages between a stage and the resident process, and the socket.

Only what every Python has loaded anyway, or loads in a millisecond, is imported here: the client's
imports are paid by every stage.
"""

import json
import os
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.runtime.environment import DEFAULTS

# Below the project's folder, so that the path fits a socket's address (108 bytes) wherever it is.
FOLDER = Path(".podium/warm")
PACKAGE = Path(__file__).resolve().parent.parent.parent
# Read by libraries when they are loaded: a stage with other values than the resident process has
# runs in a process of its own.
_FROZEN = (
    "BLIS_", "CUBLAS", "CUDA", "DO_NOT_TRACK", "GOMP", "GOTO", "HOME", "KMP", "LANG", "LC_", "LD_",
    "LIGHTGBM", "MALLOC", "MKL", "MPL", "NUMEXPR", "NVIDIA", "OMP", "OPENBLAS", "PATH", "PODIUM",
    "PYTHON", "PYTORCH", "SKLEARN", "TORCH", "TZ", "VECLIB", "XDG",
)  # fmt: skip
_LENGTH = struct.Struct("!I")
_CREDENTIALS = struct.Struct("3i")
_DESCRIPTORS = 4


def is_possible() -> bool:
    """Whether this system has what a resident process needs, and nobody has switched it off."""
    return hasattr(os, "pidfd_open") and os.environ.get("PODIUM_WARM") != "0"


def address(dvc: int) -> Path:
    """The socket of the resident process that belongs to a DVC, by that DVC's process id."""
    return FOLDER / str(dvc)


def identity(environment: Mapping[str, str]) -> dict[str, Any]:
    """What has to be the same on both sides: interpreter, sources, folder, libraries' variables."""
    # The stage that started the resident process had set its defaults.
    complete = {**DEFAULTS, **environment}
    frozen = {name: value for name, value in complete.items() if name.startswith(_FROZEN)}
    return {
        "python": sys.executable,
        "sources": _state_of_sources(),
        "folder": str(Path.cwd()),
        "environment": dict(sorted(frozen.items())),
    }


def _state_of_sources() -> str:
    """Number, newest change and sizes of the package's modules: an edit changes it."""
    count = newest = size = 0
    folders = [str(PACKAGE)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) and entry.name != "__pycache__":
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    found = entry.stat()
                    count += 1
                    newest = max(newest, found.st_mtime_ns)
                    size += found.st_size
    return f"{PACKAGE} {count} {newest} {size}"


def send(
    connection: socket.socket, message: Mapping[str, Any], files: tuple[int, ...] = ()
) -> None:
    """Send a message, and open files with it.

    Raises:
        OSError: the other side is gone.
    """
    content = json.dumps(message).encode()
    socket.send_fds(connection, [_LENGTH.pack(len(content))], list(files))
    connection.sendall(content)


def receive(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Receive a message and its open files; an empty message where the other side is gone.

    Raises:
        OSError: the connection broke.
        ValueError: what came is no message.
    """
    head, files, _, _ = socket.recv_fds(connection, _LENGTH.size, _DESCRIPTORS)
    if len(head) < _LENGTH.size:
        return {}, files
    rest = _LENGTH.unpack(head)[0]
    parts = []
    while rest and (part := connection.recv(rest)):
        parts.append(part)
        rest -= len(part)
    return json.loads(b"".join(parts)), files


def peer(connection: socket.socket) -> tuple[int, int]:
    """Process id and user id of the other side."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(packed)
    return pid, uid


def parent(pid: int) -> int:
    """The parent's process id; 0 where there is none, or the process is gone."""
    try:
        # The name, in brackets, may hold anything.
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return int(status.rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
