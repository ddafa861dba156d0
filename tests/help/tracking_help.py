"""Runs in MLflow, as tests see them: written by a writer in this process or one of its own."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from podium.runtime.tracking import tracking_uri
from podium.runtime.tracking.journal import make_runs_folder
from podium.runtime.tracking.writer import Writer


def client() -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracking_uri=tracking_uri())


def log_runs() -> str:
    """Take all journals to MLflow, in this process; the reason if that fails."""
    uri = tracking_uri()
    return Writer(make_runs_folder(uri), uri).write()


def runs_of(experiment: str) -> list[Any]:
    """The runs that MLflow has, the newest first."""
    found = client().get_experiment_by_name(experiment)
    return list(client().search_runs([found.experiment_id]))


def journals() -> list[Path]:
    """The journals that are kept for the current tracking URI."""
    folder = make_runs_folder(tracking_uri())
    return sorted(path.parent for path in folder.glob("*/events.jsonl"))


def start_writer() -> "subprocess.Popen[bytes]":
    """The writer as a process that a test can wait for, and kill."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "podium.runtime.tracking.writer"],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )


def free_port() -> int:
    """A port of loopback where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def running_server(store: Path, port: int, database: str = "") -> Iterator[None]:
    """A real `mlflow server` on loopback, whose runs are in a file unless a database is given."""
    store.mkdir()
    process = subprocess.Popen(
        [
            sys.executable, "-P", "-m", "mlflow", "server", "--host", "127.0.0.1",
            "--port", str(port),
            "--workers", "1", "--backend-store-uri", database or f"sqlite:///{store}/server.db",
            "--artifacts-destination", str(store / "artifacts"),
        ],
        env={
            **os.environ,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        wait_for_server(port, process)
        yield
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)


def wait_for_server(port: int, process: "subprocess.Popen[bytes]", seconds: float = 120) -> None:
    """Wait until the server on a port of loopback answers."""
    url = f"http://127.0.0.1:{port}/health"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(int(seconds * 4)):
        assert process.poll() is None, "the server ended"
        try:
            with opener.open(url, timeout=2):
                return
        except OSError:
            time.sleep(0.25)
    raise AssertionError("the server did not come up")
