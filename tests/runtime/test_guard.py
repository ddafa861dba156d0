"""Killed processes: who ends with whom, what is locked, what is mended; all with real processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from conftest import ROOT
from podium.io import files
from podium.runtime import dvc_files, guard, processes, repair
from podium.runtime.tracking import MACHINE_TAG, PROCESS_TAG, tracked_run, tracking_uri

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
HOLDER = """
import sys, time
from podium.runtime import guard
with guard.only_one("train", "house-prices", "ridge"):
    print("held", flush=True)
    time.sleep(float(sys.argv[1]))
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


def hold(seconds):
    """Another process that is at the output."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_says_who_is_at_it_and_stops(project, podium, monkeypatch):
    monkeypatch.setattr(guard, "WAIT_SECONDS", 0.3)
    holder = hold(600)
    outcome = podium("train", "house-prices", "ridge")
    assert outcome.code == 2
    first, last = outcome.err.strip().splitlines()
    who = f"train house-prices ridge: process {holder.pid} is at it already"
    assert first == f"podium: {who}; waiting 0 s for it"
    assert last == f"podium: error: {who}; run again when it is done, or end it first"
    other = podium("train", "house-prices", "mlp")
    assert "is at it already" not in other.err
    # Who is dead holds nothing.
    holder.kill()
    holder.wait()
    assert "is at it already" not in podium("train", "house-prices", "ridge").err


def test_a_second_process_waits_for_one_that_ends(project, podium):
    holder = hold(1)
    outcome = podium("train", "house-prices", "ridge")
    assert "waiting 15 s for it" in outcome.err
    assert "data/processed/house-prices" in outcome.err
    holder.wait()


def test_names_are_no_paths_and_other_folders_stay_clean(project, podium, tmp_path, monkeypatch):
    assert podium("train", "../../x", "/etc/y").code == 2
    assert {path.parent for path in project.root.rglob("*.lock")} == {project.root / guard.LOCKS}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert podium("train", "house-prices", "ridge").code == 2
    assert list(elsewhere.iterdir()) == []


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


def test_a_process_is_known_by_more_than_its_number():
    me = processes.this_process()
    pid, start = me.split()
    assert processes.is_alive(me)
    assert not processes.is_alive(f"{pid} {int(start) - 1000}")
    assert not processes.is_alive("")


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
    """DVC's files as they are after a run."""
    (project.root / ".dvc/tmp").mkdir(parents=True)
    (project.root / ".dvc/tmp/rwlock").write_text("{}")
    for path in dvc_files.LOCK_FILES:
        shutil.copyfile(ROOT / path, path)
    return project


def content():
    return [path.read_bytes() for path in (*dvc_files.LOCK_FILES, dvc_files.RWLOCK)]


def test_what_is_whole_is_left_alone(dvc_folder):
    me = {"pid": os.getpid(), "cmd": psutil.Process().cmdline()[-1]}
    dvc_files.RWLOCK.write_text(json.dumps({"write": {"/x": me}, "read": {"/y": [me]}}))
    before = content()
    assert dvc_files.repair() == []
    assert content() == before


@pytest.mark.parametrize("size", [0, 4096])
@pytest.mark.parametrize("path", dvc_files.LOCK_FILES, ids=str)
def test_a_lock_file_cut_off_is_what_the_last_stage_found(
    dvc_folder, podium, monkeypatch, path, size
):
    before = content()
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    os.truncate(path, size)
    # A stage that starts now must not copy the damaged file.
    dvc_files.keep_lock_files()
    monkeypatch.delenv("DVC_STAGE")
    outcome = podium("sync")
    assert (
        f"{path} was cut off by a kill; restored to its state before the last stage" in outcome.out
    )
    assert content() == before


@pytest.mark.parametrize("path", dvc_files.LOCK_FILES, ids=str)
def test_a_lock_file_cut_off_at_the_end_of_a_line_is_mended_where_dvc_refuses_it(
    dvc_folder, monkeypatch, path
):
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    before = path.read_bytes()
    # A stage's name and nothing below it.
    path.write_bytes(before[: before.index(b"    cmd:")])
    assert len(dvc_files.repair()) == 1
    assert path.read_bytes() == before


def test_a_lock_file_that_no_stage_has_seen_is_removed(dvc_folder):
    os.truncate("dvc.lock", 0)
    assert dvc_files.repair() == [
        "dvc.lock was cut off by a kill; removed it: its stages run again"
    ]
    assert not Path("dvc.lock").exists()


@pytest.mark.parametrize(
    "left",
    ["", '{"write": {"/x": {"pi', json.dumps({"write": {"/x": {"pid": 1, "cmd": "dvc repro"}}})],
    ids=["empty", "cut", "another program has the number"],
)
def test_a_list_that_stops_dvc_is_removed(dvc_folder, left):
    dvc_files.RWLOCK.write_text(left)
    assert dvc_files.repair() == [".dvc/tmp/rwlock was left by a killed DVC; removed it"]
    assert not dvc_files.RWLOCK.exists()


def menders():
    """The processes that wait to mend this project's files."""
    found = psutil.process_iter(["cmdline", "cwd"])
    named = [one for one in found if "podium.runtime.repair" in (one.info["cmdline"] or [])]
    return [one for one in named if Path(one.info["cwd"]) == Path.cwd() and not has_ended(one.pid)]


@pytest.mark.parametrize("dvc", ["usual"], indirect=True)
def test_what_dvc_was_writing_when_it_was_killed_is_mended_at_once(dvc_folder, dvc, monkeypatch):
    wait_until(lambda: menders())
    monkeypatch.setenv("DVC_STAGE", "train")
    dvc_files.keep_lock_files()
    before = content()
    for path in (*dvc_files.LOCK_FILES, dvc_files.RWLOCK):
        os.truncate(path, 0)
    dvc[0].kill()
    dvc[0].wait()
    wait_until(lambda: not menders())
    assert [path.read_bytes() for path in dvc_files.LOCK_FILES] == before[:-1]
    assert not dvc_files.RWLOCK.exists()


def test_one_mender_waits_for_one_dvc(dvc_folder):
    before = content()
    dvc = subprocess.Popen(["sleep", "600"])
    for _stage in range(3):
        repair.start(processes.describe(psutil.Process(dvc.pid)))
    assert len(menders()) == 1
    dvc.kill()
    dvc.wait()
    wait_until(lambda: not menders())
    assert content() == before


def test_while_a_dvc_writes_nothing_is_mended(dvc_folder, monkeypatch):
    import zc.lockfile

    monkeypatch.setattr(dvc_files, "HELD_SECONDS", 0.1)
    dvc_files.RWLOCK.write_text("")
    held = zc.lockfile.LockFile(".dvc/tmp/rwlock.lock")
    assert dvc_files.repair() == []
    held.close()
    assert len(dvc_files.repair()) == 1


def test_scratch_of_killed_processes_is_removed_and_nothing_else(tmp_path):
    folder = tmp_path / "ridge"
    for name in (".ridge.abcd1234", ".ridge2.abcd1234", ".ridge.abc", "ridge.abcd1234"):
        (tmp_path / name).mkdir()
    with files.publish(folder) as scratch:
        (scratch / "a").write_text("a")
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"ridge", ".ridge2.abcd1234", ".ridge.abc", "ridge.abcd1234"}


def test_a_checkpoint_goes_after_the_results_are_there(tmp_path, monkeypatch):
    folder = tmp_path / "mlp"
    (folder / "checkpoint").mkdir(parents=True)
    (folder / "weights").mkdir()
    (folder / "weights/old").touch()
    seen = []

    def remove(path):
        seen.append((path.name, (folder / "a").exists()))
        shutil.rmtree(path)

    monkeypatch.setattr(files, "remove", remove)
    with files.publish(folder) as scratch:
        (scratch / "a").touch()
        (scratch / "weights").mkdir()
    assert seen[-1] == ("checkpoint", True)
    assert {path.name for path in folder.rglob("*")} == {"a", "weights"}
