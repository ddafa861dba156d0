"""``podium runs``: what is compared, what is left out; ``podium compare RUN RUN``."""

import json
from pathlib import Path

import pytest

from podium.config import load_config
from podium.config.models import MLPParams
from podium.runtime.tracking import shared_view, tracked_run
from podium.stages.run_facts import PARAMS, changed_params, log_model
from projects import DIGITS, HOUSES
from tracking_help import client, log_runs, runs_of


def log_run(experiment, name, cv, metric="rmsle", tags=None, **params):
    given = {"podium.stage": "train", "podium.model": name.split()[-1], "data.sha256": "1"}
    with tracked_run(experiment, name, given | (tags or {})) as run:
        run.log_params({"metric": metric, **params})
        if cv is not None:
            run.log_metrics({"cv": cv, "cv_se": 0.002, "fit_seconds": 1.5})


@pytest.fixture(scope="module")
def some_runs(shared, tmp_path_factory):
    """Runs of house prices and digits in a database of their own."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        patched.setenv("PODIUM_WRITER", "0")
        log_run(HOUSES, "mlp", 0.110, dropout=0.5, epochs=5)
        long = "mlp hidden=[8] numeric_embe…"
        log_run(HOUSES, long, 0.120, tags={"podium.model": "mlp"}, dropout=0.3, epochs=5)
        log_run(HOUSES, "synthetic: mlp", 0.010, tags={"data.sha256": "2"})
        log_run(HOUSES, "mlp trial 3", 0.001, tags={"podium.stage": "trial"})
        log_run(HOUSES, "mlp", 0.002, metric="rmse")
        log_run(HOUSES, "mlp", None)
        log_run(HOUSES, "lasso", 0.115)
        log_run(DIGITS, "cnn", 0.91, metric="accuracy")
        log_run(DIGITS, "mlp", 0.95, metric="accuracy")
        assert log_runs() == ""
    return f"sqlite:///{folder}/mlflow.db"


@pytest.fixture
def logged(some_runs, project, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", some_runs)
    # As in a pipe: nothing wraps.
    monkeypatch.delenv("COLUMNS", raising=False)
    return project


def rows(text):
    """The lines of runs, as (mark, cv)."""
    lines = [line.split() for line in text.splitlines() if "±" in line and "CV" not in line]
    return [("*" if words[0] == "*" else "", float(words[words.index("±") - 1])) for words in lines]


def test_the_best_is_first_and_only_like_is_compared_with_like(logged, podium):
    outcome = podium("runs", HOUSES)
    assert rows(outcome.out) == [("*", 0.110), ("", 0.115), ("", 0.120)]
    assert "dropout=0.5" in outcome.out
    # A name's own knobs are no second column, cut off or not.
    assert "hidden" not in outcome.out
    assert "numeric" not in outcome.out
    # Both have it.
    assert "epochs" not in outcome.out
    assert "3 more of searches, or on other data, folds or metric: --all" in outcome.out
    best_of = "* the best of the runs on today's data and folds"
    assert best_of not in outcome.out
    everything = podium("runs", HOUSES, "--all").out
    assert len(rows(everything)) == 6
    # Runs that can't be compared with the best one are above it.
    assert rows(everything)[0] == ("", 0.001)
    assert best_of in everything


def test_a_greater_score_may_be_the_better_one(logged, podium):
    assert rows(podium("runs", DIGITS).out) == [("*", 0.95), ("", 0.91)]


def test_a_limit_says_what_it_leaves_out(logged, podium):
    outcome = podium("runs", HOUSES, "--limit", "1")
    assert rows(outcome.out) == [("*", 0.110)]
    assert "1 of 3 runs; --limit 3 shows all" in outcome.out


def test_without_runs_there_is_one_line(project, podium, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/new.db")
    outcome = podium("runs", HOUSES)
    assert outcome.code == 2
    assert "MLflow has no runs of it" in outcome.err
    assert podium("runs", "nonsense").code == 2


def test_two_ids_name_their_competition(logged, podium):
    first, second = (run.info.run_id for run in runs_of(HOUSES)[:2])
    other = runs_of(DIGITS)[0].info.run_id
    assert "no run's id" in podium("compare", "lasso", "mlp").err
    assert (
        "no runs have an id that starts with 'aaaaaa1'" in podium("compare", first, "aaaaaa1").err
    )
    assert f"'{other}' of {DIGITS}: nothing to compare" in podium("compare", first, other).err
    assert "named twice" in podium("compare", first, first).err
    # They are found; that they have no predictions is what compare says.
    assert podium("compare", first, second).code == 2


def test_the_shared_view_is_what_the_address_names():
    for greater in (False, True):
        state = json.loads(shared_view.view(greater))
        assert state["orderByAsc"] is not greater
        sections = {section["uuid"] for section in state["compareRunSections"]}
        assert {chart["metricSectionId"] for chart in state["compareRunCharts"]} <= sections
        assert len(shared_view.view(greater)) < 5000
    assert f"viewStateShareKey={shared_view.KEY}" in shared_view.address("http://x", "1")
    assert shared_view.TAG.endswith(f".{shared_view.KEY}")


def test_parameters_are_those_that_say_something(project):
    competition = load_config()[HOUSES]
    params = MLPParams(model="mlp", dropout=0.5, batch_size="auto", epochs=3)
    resolved = params.model_copy(update={"batch_size": 64})
    changed = changed_params(params, resolved)
    assert changed["dropout"] == 0.5
    assert changed["batch_size"] == 64
    assert "mixup" not in changed
    with tracked_run(HOUSES, "mlp", {}) as run:
        log_model(run, competition, params, resolved)
    assert log_runs() == ""
    (found,) = runs_of(HOUSES)
    assert found.data.params["dropout"] == "0.5"
    assert found.data.params["folds.count"] == "5"
    assert len(found.data.params) < 30
    path = Path(client().download_artifacts(found.info.run_id, PARAMS))
    assert json.loads(path.read_text())["hyperparameters"]["mixup"] == params.mixup
