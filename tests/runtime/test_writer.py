"""Journals and their writer: killed ones, open runs, what is on the disk, what is imported."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from podium.reporting.curves import MEMBER_CURVES
from podium.runtime import processes
from podium.runtime.tracking import Run, run, start_writer, store, tracked_run, tracking_uri
from podium.runtime.tracking.journal import EVENTS, Journal, kept_runs, make_runs_folder
from podium.runtime.tracking.launch import OWNER, is_writer_there
from podium.runtime.tracking.writer import State, Writer
from tracking_help import client, journals, log_runs, runs_of
from tracking_help import start_writer as writer_process

# One stage's process: a run that is open until its standard input ends.
STAGE = """
import sys
from podium.runtime.tracking import tracked_run
with tracked_run("c", "m", {}) as run:
    for index in range(30):
        run.log_curves({f"curve{index}": [(step, float(step)) for step in range(200)]})
    print("logged", "mlflow" in sys.modules, "sqlalchemy" in sys.modules, flush=True)
    sys.stdin.read()
"""


def wait_until(what, seconds=240.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def stage():
    process = subprocess.Popen(
        [sys.executable, "-c", STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline()


def folder():
    return make_runs_folder(tracking_uri())


@pytest.mark.deep
def test_the_writer_is_killed_and_the_next_one_completes_the_same_run(project):
    """By real processes: an open run is in MLflow, whoever is killed."""
    process, said = stage()
    assert said == "logged False False\n"
    first = writer_process()
    (kept,) = kept_runs(folder())
    wait_until(lambda: State.read(kept.folder).offset > len(json.dumps(kept.header)))
    first.kill()
    first.wait()
    (open_run,) = runs_of("c")
    assert open_run.info.status == "RUNNING"
    assert open_run.data.metrics
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    # What a killed writer has logged and not noted is logged again.
    State(open_run.info.run_id, 0).write(kept.folder)
    assert writer_process().wait(timeout=240) == 0
    assert journals() == []
    (done,) = runs_of("c")
    assert (done.info.run_id, done.info.status) == (open_run.info.run_id, "FINISHED")
    assert len(done.data.metrics) == 30
    assert len(client().get_metric_history(done.info.run_id, "curve0")) == 200


@pytest.mark.deep
def test_a_writer_without_notes_finds_the_run_that_it_has_begun(project):
    with tracked_run("c", "m", {}) as open_run:
        open_run.log_metrics({"a": 1.0})
        assert log_runs() == ""
        (kept,) = kept_runs(folder())
        (kept.folder / "state.json").unlink()
        open_run.log_metrics({"b": 2.0})
        assert log_runs() == ""
    assert log_runs() == ""
    (found,) = runs_of("c")
    assert found.data.metrics == {"a": 1.0, "b": 2.0}
    assert found.info.status == "FINISHED"
    assert len(client().get_metric_history(found.info.run_id, "a")) == 1


@pytest.mark.deep
def test_an_event_that_a_kill_cut_off_is_none(project):
    journal = Journal(tracking_uri(), run.run_header("c", "m", {}) | {"process": "1 1"})
    Run(journal).log_metrics({"a": 1.0})
    with (journal.folder / EVENTS).open("a") as file:
        file.write('{"time":1,"metrics":[["b",')
    assert log_runs() == ""
    (found,) = runs_of("c")
    assert found.data.metrics == {"a": 1.0}
    assert found.info.status == "KILLED"
    assert journals() == []


@pytest.mark.deep
def test_what_mlflow_refuses_for_ever_keeps_nothing_waiting(project):
    with tracked_run("c", "first", {}) as first:
        first.log_curves({"no\nname": [(0, 1.0)]})
        first.tag("good", "yes")
    with tracked_run("c", "second", {}):
        pass
    assert log_runs() == ""
    states = {found.info.run_name: found.data.tags for found in runs_of("c")}
    assert states["first"]["good"] == "yes"
    assert "name" in states["first"]["podium.not_logged"]
    assert set(states) == {"first", "second"}


@pytest.mark.deep
def test_trouble_with_one_run_keeps_no_other_waiting(project, monkeypatch):
    (project.root / "files").mkdir()
    (project.root / "files/a.txt").write_text("a")
    with tracked_run("c", "first", {}) as first:
        first.log_artifacts(project.root / "files")
    with tracked_run("c", "second", {}):
        pass
    with monkeypatch.context() as unreadable:
        unreadable.setattr(store.Store, "log_files", lambda *_: 1 / 0)
        assert log_runs() == "division by zero"
        states = {found.info.run_name: found.info.status for found in runs_of("c")}
        assert states == {"first": "RUNNING", "second": "FINISHED"}
        assert len(journals()) == 1
    assert log_runs() == ""
    assert {found.info.status for found in runs_of("c")} == {"FINISHED"}
    assert len(runs_of("c")) == 2


def test_curves_grow_while_the_run_is_open_and_no_point_is_there_twice(project, monkeypatch):
    monkeypatch.setattr(run, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(run, "LIVE_POINTS_A_SECOND", 1e9)
    curve = [(step, 1.0 / (step + 1)) for step in range(6)]
    with tracked_run("c", "m", {}) as open_run:
        for step, value in [*curve[:4], curve[3], (4, float("nan"))]:
            open_run.log_live({"loss": (step, value)})
        assert log_runs() == ""
        (found,) = runs_of("c")
        assert found.info.status == "RUNNING"
        history = client().get_metric_history(found.info.run_id, "loss")
        assert [(point.step, point.value) for point in history] == curve[:4]
        open_run.log_curves({"loss": curve})
    log_runs()
    history = client().get_metric_history(found.info.run_id, "loss")
    assert sorted((point.step, point.value) for point in history) == curve


def test_live_points_come_in_a_few_events(project):
    with tracked_run("c", "m", {}) as open_run:
        size = (open_run.journal.folder / EVENTS).stat().st_size
        for step in range(2000):
            open_run.log_live({"loss": (step, 1.0)})
        grown = (open_run.journal.folder / EVENTS).stat().st_size - size
    assert grown < 1000


@pytest.mark.parametrize("model", ["mlp"])
def test_a_network_shows_its_first_member_while_it_trains(
    project, podium, house_files, monkeypatch, model
):
    monkeypatch.setattr(run, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(run, "LIVE_POINTS_A_SECOND", 1e9)
    project.use_files(house_files)
    for words in (["download"], ["preprocess"], ["train", model]):
        assert podium(words[0], "house-prices", *words[1:]).code == 0
    (kept,) = kept_runs(folder())
    points = [
        (name, step)
        for event, _ in kept.events(0)
        for name, _, step in event.get("metrics", [])
        if name.startswith("fold0-seed0/")
    ]
    # Some of them before the first score.
    first = [event["metrics"][0][0] for event, _ in kept.events(0) if "metrics" in event][0]
    assert first.startswith("fold0-seed0/")
    assert len(points) == len(set(points))
    history = pd.read_csv(project.root / f"models/house-prices/{model}/history.csv")
    own = history[(history["fold"] == 0) & (history["seed"] == 0)]
    assert len(points) == len(MEMBER_CURVES) * len(own)


@pytest.mark.deep
def test_one_writer_lives_as_long_as_its_owner(project, monkeypatch):
    monkeypatch.delenv("PODIUM_WRITER")
    owner = subprocess.Popen(["sleep", "600"])
    import psutil

    for _ in range(3):
        start_writer(processes.describe(psutil.Process(owner.pid)))
    assert (folder() / f"{OWNER}{owner.pid}").is_file()
    wait_until(lambda: is_writer_there(folder()))
    wait_until(lambda: Path("mlflow.db").is_file())
    time.sleep(3)
    assert is_writer_there(folder())
    owner.kill()
    owner.wait()
    wait_until(lambda: not is_writer_there(folder()), 30)
    assert not (folder() / f"{OWNER}{owner.pid}").exists()


@pytest.mark.deep
def test_a_writer_that_failed_tries_again_when_it_is_asked(project, monkeypatch):
    with tracked_run("c", "m", {}):
        pass
    writer = Writer(folder(), tracking_uri())
    with monkeypatch.context() as down:
        down.setattr(store, "_require_server", lambda uri: 1 / 0)
        assert writer.write() == "division by zero"
    assert (folder() / "status").read_text() == "division by zero\n"
    assert not writer._is_due()
    (folder() / "status").unlink()
    assert writer._is_due()
    assert writer.write() == ""
    assert [found.info.status for found in runs_of("c")] == ["FINISHED"]
    assert not (folder() / "status").exists()


SMALL_FILES = """
import resource, sys
from podium.runtime.tracking import tracked_run
with tracked_run("c", "m", {}) as run:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    run.log_curves({"long": [(step, 1.0) for step in range(1000)]})
    run.tag("short", "yes")
print("done")
"""


def test_a_full_disk_costs_the_run_what_did_not_fit_and_a_warning(project):
    done = subprocess.run(
        [sys.executable, "-c", SMALL_FILES], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "done\n"
    assert len(done.stderr.splitlines()) == 1
    assert "the run 'm' is not or not wholly logged" in done.stderr
    assert os.strerror(27) in done.stderr
    (kept,) = kept_runs(folder())
    assert [next(iter(event.keys() - {"time"})) for event, _ in kept.events(0)] == [
        "run", "tags", "end",
    ]  # fmt: skip


def test_a_folder_that_may_not_be_written_costs_a_warning(project, capsys):
    (project.root / ".podium").write_text("no folder")
    with tracked_run("c", "m", {}) as open_run:
        open_run.log_metrics({"a": 1.0})
        open_run.log_artifacts(project.root)
    (warning,) = capsys.readouterr().err.splitlines()
    assert "the run 'm' is not or not wholly logged" in warning


def test_each_event_is_one_line_with_its_time(project):
    before = time.time() * 1000
    with tracked_run("c", "m", {"a": "b"}) as open_run:
        open_run.log_metrics({"cv": 0.12345678})
        open_run.log_params({"x": {"y": [1, 2]}, "none": None})
    lines = (journals()[0] / EVENTS).read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert all(before - 1 <= event.pop("time") <= time.time() * 1000 for event in events)
    header, *rest = events
    assert header["run"]["tags"]["a"] == "b"
    assert rest == [
        {"metrics": [["cv", 0.123457, 0]]}, {"params": {"x.y": "[1, 2]"}}, {"end": "FINISHED"},
    ]  # fmt: skip
