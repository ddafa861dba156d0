"""`podium repro`, which is `make repro`: every competition has its turn."""

import os
import signal
import subprocess
import sys
import time

import pytest

from projects import DIGITS, HOUSES, ROOT

# Stands for DVC: house prices fail.
FAILS = ("sh", "-c", 'echo "$2" >> turns; [ "$2" != report@house-prices ]', "dvc")


@pytest.fixture
def both(project):
    project.edit(lambda params: params.update(competitions=[HOUSES, DIGITS]))
    return project


def turns(project):
    return (project.root / "turns").read_text().splitlines()


def test_a_competition_that_fails_stops_no_other(both, podium, monkeypatch):
    monkeypatch.setattr("podium.runtime.repro.DVC", FAILS)
    outcome = podium("repro")
    assert outcome.code == 2
    assert turns(both) == [f"report@{HOUSES}", f"report@{DIGITS}"]
    (error,) = outcome.err.splitlines()
    assert f"{HOUSES} failed" in error
    assert DIGITS not in error


def test_all_that_goes_well_is_no_error(both, podium, monkeypatch):
    monkeypatch.setattr("podium.runtime.repro.DVC", ("true",))
    assert podium("repro").code == 0


def test_quiet_is_for_dvc_too(both, podium, monkeypatch):
    monkeypatch.setattr("podium.runtime.repro.DVC", ("sh", "-c", 'echo "$@" >> turns', "dvc"))
    assert podium("repro", "--quiet").out == ""
    assert turns(both) == [f"repro --quiet report@{name}" for name in (HOUSES, DIGITS)]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("number", "code", "said"),
    [(signal.SIGINT, 130, "podium: interrupted: what has finished"), (signal.SIGTERM, 143, "")],
)
def test_ctrl_c_ends_all(both, number, code, said):
    """DVC ignores the signal while a stage runs; the stage ends by it, and DVC with an error."""
    slow = 'trap "exit 1" INT TERM; echo "$2" >> turns; sleep 60 & wait'
    source = (
        "import sys; from podium.runtime import repro; from podium.cli import main; "
        f"repro.DVC = ('sh', '-c', {slow!r}, 'dvc'); sys.argv = ['podium', 'repro']; main()"
    )
    # Not a pipe, which the sleep would keep open.
    with (both.root / "said").open("w") as errors:
        command = [sys.executable, "-c", source]
        process = subprocess.Popen(command, start_new_session=True, stderr=errors)
    while not (both.root / "turns").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.1)
    os.killpg(process.pid, number)
    assert process.wait(timeout=30) == code
    shown = (both.root / "said").read_text()
    assert shown.startswith(said)
    assert shown.count("\n") == bool(said)
    assert turns(both) == [f"report@{HOUSES}"]


def test_make_repro_is_podium_repro():
    assert "\t@podium repro\n" in (ROOT / "Makefile").read_text()


@pytest.mark.deep
def test_the_real_dvc(project):
    project.keep({HOUSES: ["ridge"], DIGITS: ["ridge"]})
    project.use_files(project.root / "nowhere")
    project.use_dvc()
    done = project.run("podium", "repro")
    assert done.returncode == 2
    assert "no folder or zip at" in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"podium: error: {HOUSES} failed")
    assert (project.root / f"submissions/{DIGITS}/submission.csv").is_file()
    assert (project.root / f"reports/{DIGITS}/report.html").is_file()
