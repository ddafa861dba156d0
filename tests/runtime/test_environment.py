"""No process of Podium imports what lies in the working folder."""

import os
import subprocess
import sys

import pytest

from kaggle_help import SLUG, archive_of, connect, own_home, use_kaggle
from kaggle_server import KaggleServer
from projects import Project
from tracking_help import free_port, log_runs, wait_for_server

# Of the standard library, of packages, and of the client itself.
TRAPS = ("kaggle", "requests", "numpy", "pandas", "typing", "json", "signal", "mlflow", "uvicorn")


@pytest.fixture
def trapped(project: Project) -> Project:
    """A project with files that are named like modules, and leave a mark when they are run."""
    for name in TRAPS:
        mark = f"os.close(os.open({str(project.root / f'ran-{name}')!r}, os.O_CREAT))"
        (project.root / f"{name}.py").write_text(f"import os\n{mark}\nraise SystemExit(99)\n")
    return project


def ran(project: Project) -> list[str]:
    """The traps that were run."""
    return sorted(path.name for path in project.root.glob("ran-*"))


def test_kaggles_worker_is_not_led_astray(trapped, podium, house_files, tmp_path, monkeypatch):
    own_home(monkeypatch, tmp_path)
    use_kaggle(trapped)
    with KaggleServer(SLUG, archive_of(house_files)) as server:
        connect(monkeypatch, server)
        outcome = podium("download", "house-prices")
    assert ran(trapped) == []
    assert outcome.code == 0, outcome.err


@pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-m", "podium", "check"),
        ("sh", "scripts/podium", "check"),
        pytest.param(
            (sys.executable, "-P", "-m", "podium.runtime.tracking.writer"), marks=pytest.mark.deep
        ),
    ],
)
def test_entry_points_are_not_led_astray(trapped, command):
    done = trapped.run(*command)
    assert ran(trapped) == []
    assert done.returncode == 0, done.stderr


@pytest.mark.deep
def test_mlflows_server_is_not_led_astray(trapped, podium):
    assert podium("download", "house-prices").code == 0
    assert podium("preprocess", "house-prices").code == 0
    assert podium("train", "house-prices", "ridge").code == 0
    assert log_runs() == ""
    port = free_port()
    process = subprocess.Popen(
        ["podium", "ui", "--port", str(port)], cwd=trapped.root, start_new_session=True
    )
    try:
        wait_for_server(port, process)
        assert ran(trapped) == []
    finally:
        os.killpg(process.pid, 15)
        process.wait(timeout=30)
