"""Killed processes: who ends with whom, and what is mended; all with real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dvc_help import content, write_dvc_files
from podium.runtime import dvc_files, processes
from podium.runtime.tracking import MACHINE_TAG, PROCESS_TAG, tracked_run, tracking_uri
from podium.runtime.warm import resident

pytestmark = pytest.mark.deep

# What `dvc` does: it starts the stage, with a shell in between that doesn't replace itself.
DVC = """
import os, subprocess, sys
os.environ["DVC_STAGE"] = "train"
subprocess.run(["/bin/sh", "-c", f"{sys.executable} {sys.argv[1]} {sys.argv[2]}; true"])
"""
STAGE = """
import os, signal, subprocess, sys, time
from pathlib import Path
from podium.runtime import guard
kind = sys.argv[1]
guard.GRACE_SECONDS = 0.5
child = subprocess.Popen(["sleep", "600"])
Path("pids").write_text(f"{os.getpid()} {child.pid}")
if kind == "late":
    while Path("dvc-lives").exists():
        time.sleep(0.05)
    time.sleep(0.5)
if kind == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
guard.follow_dvc()
try:
    Path("started").touch()
    time.sleep(2 if kind == "short" else 600)
    Path("finished").touch()
finally:
    Path("left").touch()
    if kind != "stubborn":
        child.kill()
"""


def wait_until(what, seconds=30.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def has_ended(pid):
    return not psutil.pid_exists(pid) or processes.has_ended(psutil.Process(pid))


@pytest.fixture
def dvc(project, request):
    """A program named dvc that runs a stage, and the stage's own process."""
    (project.root / "dvc").write_text(DVC)
    (project.root / "stage.py").write_text(STAGE)
    (project.root / "dvc-lives").touch()
    process = subprocess.Popen(
        [sys.executable, "dvc", "stage.py", request.param], start_new_session=True
    )
    wait_until(lambda: Path("pids").exists() and Path("pids").read_text())
    stage, child = map(int, Path("pids").read_text().split())
    yield process, psutil.Process(stage), child
    process.kill()
    process.wait()
    for pid in (stage, child):
        if not has_ended(pid):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("dvc", ["usual"], indirect=True)
def test_a_stage_ends_with_its_dvc_and_may_clean_up(dvc):
    process, stage, child = dvc
    wait_until(Path("started").exists)
    # Nobody has taken notice of its end: it is a zombie, as under a make that is stuck.
    process.kill()
    wait_until(lambda: has_ended(stage.pid), 5)
    wait_until(lambda: has_ended(child), 5)
    assert Path("left").exists()
    assert not Path("finished").exists()


@pytest.mark.parametrize("dvc", ["stubborn"], indirect=True)
def test_a_stage_that_does_not_listen_is_ended_with_what_it_started(dvc):
    process, stage, child = dvc
    wait_until(Path("started").exists)
    process.kill()
    wait_until(lambda: has_ended(stage.pid), 5)
    wait_until(lambda: has_ended(child), 5)
    assert not Path("left").exists()


@pytest.mark.parametrize("dvc", ["late"], indirect=True)
def test_a_stage_whose_dvc_has_ended_before_it_looks_ends_too(dvc):
    process, stage, _ = dvc
    process.kill()
    process.wait()
    Path("dvc-lives").unlink()
    wait_until(lambda: has_ended(stage.pid), 5)
    assert not Path("finished").exists()


@pytest.mark.parametrize("dvc", ["short"], indirect=True)
def test_a_stage_of_a_living_dvc_is_left_alone(dvc):
    process, _, _ = dvc
    assert process.wait(timeout=30) == 0
    assert Path("finished").exists()


OPEN_RUN = """
import sys, time
from podium.runtime import environment
environment.prepare()
from podium.runtime.tracking import tracked_run
with tracked_run("c", "other", {}):
    print("open", flush=True)
    time.sleep(600)
"""


def open_run():
    """Another process with a run of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN_RUN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout.readline() == b"open\n"
    return process


def test_runs_of_dead_processes_end_as_killed_and_no_others(project):
    from mlflow import MlflowClient

    killed, living = open_run(), open_run()
    killed.kill()
    killed.wait()
    client = MlflowClient(tracking_uri=tracking_uri())
    experiment = client.get_experiment_by_name("c").experiment_id
    far = {MACHINE_TAG: "another machine", PROCESS_TAG: f"{killed.pid} 1"}
    client.create_run(experiment, run_name="far", tags=far)
    client.create_run(experiment, run_name="by hand")
    with tracked_run("c", "mine", {}):
        states = [(run.info.run_name, run.info.status) for run in client.search_runs([experiment])]
    assert sorted(states) == [
        ("by hand", "RUNNING"), ("far", "RUNNING"), ("mine", "RUNNING"),
        ("other", "KILLED"), ("other", "RUNNING"),
    ]  # fmt: skip
    living.kill()
    living.wait()


def test_a_database_that_was_killed_half_made_is_made_again(project):
    process = subprocess.Popen(
        [sys.executable, "-c", OPEN_RUN], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    unfinished = project.root / "mlflow.db.unfinished"
    wait_until(lambda: unfinished.exists() and unfinished.stat().st_size > 100_000)
    process.kill()
    process.wait()
    assert not (project.root / "mlflow.db").exists()
    with tracked_run("c", "m", {}):
        pass
    assert [path.name for path in project.root.glob("mlflow.db*")] == ["mlflow.db"]


@pytest.fixture
def dvc_folder(project):
    """A project with DVC's files."""
    write_dvc_files(project)
    return project


def residents():
    """The processes that wait to mend this project's files."""
    found = psutil.process_iter(["cmdline", "cwd"])
    named = [one for one in found if "podium.runtime.warm.resident" in (one.info["cmdline"] or [])]
    return [one for one in named if Path(one.info["cwd"]) == Path.cwd() and not has_ended(one.pid)]


@pytest.mark.parametrize("dvc", ["usual"], indirect=True)
def test_what_dvc_was_writing_when_it_was_killed_is_mended_at_once(dvc_folder, dvc, monkeypatch):
    wait_until(lambda: residents())
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    before = content()
    for path in (*dvc_files.LOCK_FILES, dvc_files.RWLOCK):
        os.truncate(path, 0)
    dvc[0].kill()
    dvc[0].wait()
    wait_until(lambda: not residents())
    assert [path.read_bytes() for path in dvc_files.LOCK_FILES] == before[:-1]
    assert not dvc_files.RWLOCK.exists()


def test_one_mender_waits_for_one_dvc(dvc_folder):
    before = content()
    dvc = subprocess.Popen(["sleep", "600"])
    for _stage in range(3):
        resident.start(processes.describe(psutil.Process(dvc.pid)))
    assert len(residents()) == 1
    dvc.kill()
    dvc.wait()
    wait_until(lambda: not residents())
    assert content() == before
