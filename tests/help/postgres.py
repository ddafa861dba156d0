"""A real PostgreSQL on loopback, in a folder that is removed afterwards."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tracking_help import free_port

# Where Debian's package puts the programs that are not on PATH.
DEBIAN = Path("/usr/lib/postgresql")
MISSING = "PostgreSQL is not installed: apt-get install postgresql"
SECONDS = 60.0


def program(name: str) -> str | None:
    """The path of one of PostgreSQL's programs, the newest version's; None if it is not there."""
    by_version = sorted(DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(by_version[-1]) if by_version else shutil.which(name)


def why_not() -> str:
    """Why there can be no server here; empty if there can."""
    if not (program("initdb") and program("postgres")):
        return MISSING
    return "PostgreSQL runs under no root, and there is no user postgres" if _lacks_user() else ""


def _lacks_user() -> bool:
    return os.getuid() == 0 and "postgres" not in {entry.pw_name for entry in pwd.getpwall()}


@contextmanager
def postgres() -> Iterator[str]:
    """A server with an empty database; its URL, with a password, for SQLAlchemy.

    Skip the test where ``why_not`` gives a reason.
    """
    with TemporaryDirectory(prefix="podium-postgres-", ignore_cleanup_errors=True) as temporary:
        folder, password, port = Path(temporary), secrets.token_hex(8), free_port()
        (folder / "password").write_text(password)
        owner = _own(folder)
        initdb, server = program("initdb"), program("postgres")
        assert initdb
        assert server
        options = ("-U", "podium", "-A", "scram-sha-256", "--pwfile", str(folder / "password"))
        # No fsync: nobody needs the data after a power loss.
        subprocess.run(
            [initdb, "-D", str(folder / "data"), *options, "-E", "UTF8", "--no-sync"],
            check=True,
            capture_output=True,
            cwd=folder,
            **owner,
        )
        process = subprocess.Popen(
            [
                *(server, "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)),
                *("-k", str(folder), "-c", "fsync=off"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            start_new_session=True,
            **owner,
        )
        # SQLAlchemy 2.1 takes another driver for a plain postgresql://.
        url = f"postgresql+psycopg2://podium:{password}@127.0.0.1:{port}/postgres"
        try:
            _wait(url, process)
            yield url
        finally:
            # SIGINT: it doesn't wait for its clients.
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def _own(folder: Path) -> dict[str, Any]:
    """Who runs it: PostgreSQL refuses to be run by root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def connect(url: str) -> Any:
    """A connection of the driver's own, by SQLAlchemy's URL."""
    import psycopg2

    return psycopg2.connect(url.replace("+psycopg2", "", 1))


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    import psycopg2

    end = time.monotonic() + SECONDS
    while True:
        assert process.poll() is None, "the server ended"
        try:
            connect(url).close()
            return
        except psycopg2.OperationalError:
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.1)
