"""MLflow: real stores, a real server, several processes at once."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator

import pytest

from podium.config import MLPParams
from podium.data.dataset import Schema
from podium.io.errors import PodiumError
from podium.runtime.tracking import (
    git_commit,
    read_runs,
    shared_view,
    tracked_run,
    wait_until_logged,
)
from podium.stages.run_facts import NAME_LENGTH, run_name
from projects import HOUSES
from tracking_help import client, free_port, journals, log_runs, running_server, runs_of

SCRIPT = """
import sys
from podium.runtime import environment
environment.prepare()
from podium.runtime.tracking import tracked_run
for index in range(3):
    with tracked_run("many", f"run-{sys.argv[1]}-{index}", {}) as run:
        run.log_params({"a": {"b": 1}})
        run.log_curves({"loss": [(step, 1.0 / (step + 1)) for step in range(1500)]})
"""
WRITE = """
import sys
from podium.runtime.tracking.journal import runs_folder, tracking_uri
from podium.runtime.tracking.writer import Writer
print(Writer(runs_folder(tracking_uri()), tracking_uri()).write())
print("mlflow" in sys.modules)
"""


def test_a_run_keeps_what_is_logged(project):
    with tracked_run("c", "m", {"podium.stage": "train"}) as run:
        run.log_params({"folds": {"count": 5}, "epochs": 3})
        run.log_metrics({"cv": 0.5})
        run.log_curves({"loss": [(0, 3.0), (1, float("nan")), (2, 1.0)]})
        (project.root / "files").mkdir()
        (project.root / "files/a.txt").write_text("a")
        run.log_artifacts(project.root / "files")
        # Files are kept as they were when they were logged.
        (project.root / "files/a.txt").unlink()
        run.log_data("c", "0" * 64, "local")
    assert log_runs() == ""
    assert journals() == []
    (found,) = runs_of("c")
    assert found.info.status == "FINISHED"
    assert found.data.params == {"folds.count": "5", "epochs": "3"}
    assert found.data.metrics["cv"] == 0.5
    history = client().get_metric_history(found.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 3.0), (2, 1.0)]
    assert [item.path for item in client().list_artifacts(found.info.run_id)] == ["a.txt"]
    assert (project.root / "mlartifacts/c").is_dir()
    assert found.inputs.dataset_inputs[0].dataset.name == "c"
    assert 0 <= found.info.end_time - found.info.start_time < 60_000


def test_files_that_the_pipeline_writes_are_no_edits(project, monkeypatch):
    (project.root / "models").mkdir(exist_ok=True)
    locks = [project.root / "dvc.lock", project.root / "models/dvc.lock"]
    for lock in locks:
        lock.write_text("schema: '2.0'\n")
    project.must_run("git", "init", "-q")
    project.commit("start")
    for lock in locks:
        lock.write_text("schema: '2.0'\nstages: {}\n")
    assert git_commit()["edited"] is False
    monkeypatch.chdir(project.root / "models")
    assert git_commit()["edited"] is False
    project.edit(lambda params: params[HOUSES].update(metric="rmse"))
    assert git_commit()["edited"] is True


def test_runs_are_a_table(project):
    with pytest.raises(PodiumError, match="no runs of it; run 'dvc repro' first"):
        read_runs("c")
    for place, scores in enumerate([{"cv": 0.5}, {"cv": 0.25, "fit_seconds": 2.0}]):
        with tracked_run("c", f"m{place}", {"podium.model": "m"}) as run:
            run.log_params({"epochs": place})
            run.log_metrics(scores)
    log_runs()
    table = read_runs("c").set_index("name")
    assert table["metrics.cv"].to_dict() == {"m0": 0.5, "m1": 0.25}
    assert table["metrics.fit_seconds"].isna().to_dict() == {"m0": True, "m1": False}
    last = table.loc["m1", ["status", "params.epochs", "tags.podium.model"]]
    assert last.to_list() == ["FINISHED", "1", "m"]
    assert (table["seconds"] >= 0).all()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError, "FAILED"),
        pytest.param(KeyboardInterrupt, "KILLED", marks=pytest.mark.deep),
    ],
)
def test_a_crash_ends_the_run(project, error, status):
    with pytest.raises(error), tracked_run("c", "m", {}):
        raise error("out of luck")
    log_runs()
    (found,) = runs_of("c")
    assert found.info.status == status
    assert "out of luck" in found.data.tags["podium.error"]


@pytest.mark.deep
def test_a_failing_stage_is_a_failed_run(project, podium, house_files):
    project.use_files(house_files)

    def change(params):
        params["house-prices"]["models"]["linear"] = {"learning_rate": 1e30}

    project.edit(change)
    for stage in ("download", "preprocess"):
        assert podium(stage, "house-prices").code == 0
    outcome = podium("train", "house-prices", "linear")
    assert outcome.code == 2
    assert "training diverged" in outcome.err
    log_runs()
    (found,) = runs_of("house-prices")
    assert found.info.status == "FAILED"


@pytest.mark.deep
def test_a_deleted_experiment_comes_back(project):
    with tracked_run("c", "first", {}):
        pass
    log_runs()
    client().delete_experiment(client().get_experiment_by_name("c").experiment_id)
    with tracked_run("c", "second", {}):
        pass
    log_runs()
    assert "second" in [run.info.run_name for run in runs_of("c")]


@pytest.mark.deep
def test_processes_at_once_on_a_database_that_is_not_there_yet(project, monkeypatch):
    """They all want a writer, and get one."""
    monkeypatch.delenv("PODIUM_WRITER")
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    processes = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(index)], env=environment)
        for index in range(4)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0, 0, 0]
    assert wait_until_logged(120) is None
    runs = runs_of("many")
    assert len(runs) == 12
    assert {run.info.status for run in runs} == {"FINISHED"}
    with sqlite3.connect(project.root / "mlflow.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
        points = database.execute("select count(*) from metrics where key = 'loss'").fetchone()
    assert points == (12 * 1500,)


@pytest.fixture
def server(project) -> Iterator[str]:
    """A real `mlflow server` on loopback."""
    port = free_port()
    with running_server(project.root / "server", port):
        yield f"http://127.0.0.1:{port}"


@pytest.mark.deep
def test_a_real_server(project, podium, house_files, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    project.use_files(house_files)
    project.edit(lambda params: params["house-prices"].update(report={"importance": "auto"}))
    for arguments in (["download"], ["preprocess"], ["train", "ridge"]):
        outcome = podium(arguments[0], "house-prices", *arguments[1:])
        assert outcome.code == 0, outcome.err
    assert log_runs() == ""
    (run,) = runs_of("house-prices")
    assert run.info.status == "FINISHED"
    assert run.data.params["folds.count"] == "5"
    assert {"cv", "cv_se", "fold_score", "fit_seconds"} <= set(run.data.metrics)
    names = {item.path for item in client().list_artifacts(run.info.run_id)}
    assert {"learning_curve.png", "predicted_vs_actual.png", "history.csv"} <= names
    assert "importance.csv" in names
    assert not (project.root / "mlflow.db").exists()


@pytest.mark.deep
def test_a_server_that_is_down_costs_a_warning(project, podium, house_files, monkeypatch):
    project.use_files(house_files)
    for stage in ("download", "preprocess"):
        assert podium(stage, "house-prices").code == 0
    port = free_port()
    monkeypatch.delenv("PODIUM_WRITER")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://user:secret@127.0.0.1:{port}")
    outcome = podium("train", "house-prices", "ridge")
    assert outcome.code == 0
    assert outcome.err.splitlines() == [
        f"podium: warning: MLflow at http://127.0.0.1:{port}: no server answers; 1 run is kept in "
        ".podium/runs and is logged by the next run or 'podium sync'"
    ]
    assert (project.root / "models/house-prices/ridge/metrics.json").is_file()
    kept = [path for path in (project.root / ".podium").rglob("*") if path.is_file()]
    assert not any(b"secret" in path.read_bytes() for path in kept)
    assert (project.root / ".podium/runs").stat().st_mode & 0o077 == 0
    with running_server(project.root / "server", port):
        assert podium("sync").err == ""
        (run,) = runs_of("house-prices")
        assert run.info.status == "FINISHED"
        assert "cv" in run.data.metrics
        assert client().list_artifacts(run.info.run_id)
    assert journals() == []


def test_no_server_is_known_before_mlflow_is_imported(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    with tracked_run("c", "m", {}):
        pass
    done = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, text=True, timeout=90)
    assert done.stdout.splitlines() == ["no server answers", "False"]


def test_an_experiment_that_dvc_runs_elsewhere_logs_to_the_project(tmp_path, monkeypatch):
    from podium.io.paths import project_home

    copy = tmp_path / "project/.dvc/tmp/exps/tmp123"
    copy.mkdir(parents=True)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    assert project_home() == tmp_path / "project"
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert project_home() == tmp_path


def test_a_bad_uri_stops_no_run(project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nonsense://user:secret@x")
    with tracked_run("c", "m", {}):
        pass
    reason = log_runs()
    assert "nonsense" in reason
    assert "secret" not in reason
    assert len(journals()) == 1


def test_runs_are_named_by_what_differs_from_the_defaults():
    def name(model, provider="kaggle", synthetic=False, **knobs):
        facts = ("Id", "y", "regression", [], "fold", provider, synthetic, "1", "2")
        return run_name(model, Schema(*facts), MLPParams(model="mlp", **knobs))

    assert name("mlp") == "mlp"
    assert name("wide", epochs=3, hidden=[9, 8]) == "wide hidden=[9,8] epochs=3"
    assert name("mlp", "sample") == "sample: mlp"
    assert name("mlp", "sample", synthetic=True) == "synthetic: mlp"
    knobs = ["dropout", "input_dropout", "input_noise", "weight_noise", "mixup", "l1", "l2"]
    long = name("mlp", **dict.fromkeys(knobs, 1 / 3))
    assert len(long) == NAME_LENGTH
    assert long.endswith("…")


@pytest.mark.deep
def test_the_ui_is_given_the_page_of_every_experiment(project, podium, monkeypatch):
    assert "no runs in" in podium("ui").err
    with tracked_run("titanic", "m", {}):
        pass
    log_runs()
    started: list[list[str]] = []
    monkeypatch.setattr("podium.runtime.server.become", started.append)
    outcome = podium("ui", "--port", "5123")
    found = client().get_experiment_by_name("titanic")
    page = f"http://127.0.0.1:5123/#/experiments/{found.experiment_id}/runs"
    assert f"titanic: {page}" in outcome.out
    assert started[0][3:9] == ["mlflow", "server", "--host", "127.0.0.1", "--port", "5123"]


def test_the_ui_shows_the_best_run_first(project, podium, monkeypatch):
    for competition in ("house-prices", "digit-recognizer", "gone"):
        with tracked_run(competition, "m", {}):
            pass
    log_runs()
    monkeypatch.setattr("podium.runtime.server.become", lambda command: None)
    lines = podium("ui", "--port", "5123").out.splitlines()
    assert all(line.endswith("viewStateShareKey=podium") for line in lines)
    ascending = {
        found.name: json.loads(found.tags[shared_view.TAG])["orderByAsc"]
        for found in client().search_experiments()
        if found.name != "Default"
    }
    assert ascending == {"house-prices": True, "digit-recognizer": False, "gone": True}


@pytest.mark.deep
def test_the_ui_wants_a_free_port_and_the_projects_folder(project, podium, monkeypatch, tmp_path):
    with tracked_run("titanic", "m", {}):
        pass
    log_runs()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = podium("ui", "--port", str(port))
    assert outcome.code == 2
    assert f"port {port} is taken" in outcome.err
    monkeypatch.chdir(tmp_path)
    assert podium("ui").code == 2
    assert not (tmp_path / "mlflow.db").exists()


@pytest.mark.deep
def test_a_blend_can_be_traced_to_the_runs_of_its_models(project, podium, house_files):
    project.use_files(house_files)
    project.edit(lambda params: params["house-prices"].update(models={"ridge": {"alphas": [1]}}))
    for arguments in (["download"], ["preprocess"], ["train", "ridge"], ["ensemble"]):
        assert podium(arguments[0], "house-prices", *arguments[1:]).code == 0
    log_runs()
    runs = {run.data.tags["podium.model"]: run.data for run in runs_of("house-prices")}
    assert runs["blend"].tags["oof.sha256.ridge"] == runs["ridge"].tags["oof.sha256"]
    assert runs["blend"].metrics["weight.ridge"] == 1.0
    assert runs["ridge"].tags["data.synthetic"] == "false"
    assert runs["ridge"].metrics["alpha"] == 1.0
