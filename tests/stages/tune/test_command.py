"""``podium tune``, the real command on a small project."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from podium.config import load_config
from projects import (
    DIGITS,
    HIDDEN,
    HOUSES,
    Project,
    made_once,
    run_podium,
    write_houses,
)
from tracking_help import log_runs, runs_of

RIDGE = {"alphas": {"range": [0.1, 1000], "log": True}}
MLP = {
    "learning_rate": {"range": [0.0005, 0.02], "log": True},
    "dropout": {"range": [0.0, 0.5]},
    "hidden": {"choices": [[8], [4]]},
}


def tune(*words, model="ridge", name=HOUSES):
    return run_podium("tune", name, model, *words)


@pytest.fixture(scope="session")
def preprocessed(shared):
    """A project with preprocessed data, and small spaces."""

    def make(root):
        made = Project.make(root / "project")
        made.use_files(write_houses(root / "files"))
        made.edit(lambda p: p[HOUSES]["models"]["ridge"].update(search=RIDGE))
        made.edit(lambda p: p[HOUSES]["models"]["mlp"].update(search=MLP))
        for stage in ("download", "preprocess"):
            made.must_run("podium", stage, HOUSES)

    return Project(made_once(shared, "tune", make) / "project")


@pytest.fixture
def houses(preprocessed, tmp_path, monkeypatch):
    """A copy for one test, the working folder."""
    for name in HIDDEN:
        monkeypatch.delenv(name, raising=False)
    copy = preprocessed.copy(tmp_path / "project")
    monkeypatch.chdir(copy.root)
    return copy


def trials(study="ridge", name=HOUSES):
    return pd.read_csv(Path("reports") / name / "tune" / study / "trials.csv")


@pytest.mark.deep
def test_a_search_from_the_space_to_params_yaml(houses):
    before = Path("params.yaml").read_text()
    outcome = tune("--trials", "6", "--sampler", "random", "--apply")
    assert outcome.code == 0, outcome.err
    first, *_ = (line for line in outcome.out.splitlines() if "trial " in line)
    assert "(the current configuration)" in first
    found = trials()
    assert len(found) == 6
    # The current configuration is among the trials, so that the best is never worse.
    assert found["score"].min() <= found["score"][0]
    assert "new folds" in outcome.out
    assert "the gain is" in outcome.out
    assert "undo: cp .podium/params/" in outcome.out
    best = found.loc[found["score"].idxmin(), "alphas"]
    assert str(load_config(only=HOUSES)[HOUSES].models["ridge"].alphas) == best
    assert Path("params.yaml").read_text() != before
    for picture in ("history", "slice", "parallel", "importance"):
        assert Path(f"reports/{HOUSES}/tune/ridge/{picture}.png").stat().st_size > 1000
    # The same study goes on with its new values, and has nothing more to write.
    again = tune("--trials", "0", "--apply")
    assert "6 configurations finished so far" in again.out
    assert "nothing is written" in again.out


@pytest.mark.deep
def test_networks_are_tried_with_one_seed_and_searched_in_batches(houses):
    outcome = tune("--trials", "3", "--batch", "3", "--sampler", "gp", model="mlp")
    assert outcome.code == 0, outcome.err
    assert list(trials("mlp")["state"]) == ["complete"] * 3
    assert trials("mlp")["hidden"][0] == "[8]"


@pytest.mark.deep
def test_the_current_configuration_is_never_pruned(houses):
    # It learns next to nothing: nobody is worse.
    houses.edit(lambda p: p[HOUSES]["models"]["mlp"].update(learning_rate=0.00001))
    outcome = tune("--trials", "6", "--batch", "6", "--sampler", "random", model="mlp")
    assert outcome.code == 0, outcome.err
    found = trials("mlp")
    assert found.set_index("trial")["state"][0] == "complete"
    assert set(found["state"]) == {"complete", "pruned"}
    assert "the gain is" in outcome.out


def test_one_trial_is_the_current_configuration(houses):
    outcome = tune("--trials", "1")
    assert outcome.code == 0, outcome.err
    assert "(the current configuration)" in outcome.out
    assert "there is nothing to confirm" in outcome.out
    assert "tpe, 1 trial, alphas" in outcome.out
    assert list(trials()["trial"]) == [0]
    answer = tune("--trials", "0", "--quiet").out.splitlines()
    assert answer[0].startswith("best: ")
    assert set(answer) < set(outcome.out.splitlines())


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--sampler", "tpee"), "--sampler: no sampler 'tpee'; did you mean 'tpe'?"),
        (("--pruner", "x"), "--pruner: no pruner 'x'; valid: folds"),
        (("--minutes", "-1"), "--minutes"),
        (("--trials", "x"), "--trials"),
        (("--storage", "nowhere"), "its storage nowhere can't be used"),
    ],
)
def test_wrong_words_are_one_line(houses, words, error):
    outcome = tune(*words, *(() if "--trials" in words else ("--trials", "1")))
    assert outcome.code == 2
    assert error in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_model_that_is_not_there_and_data_that_are_not_there(project):
    assert (
        "MODEL: no model 'ridgy' in house-prices; did you mean 'ridge'?" in tune(model="ridgy").err
    )
    assert "run 'dvc repro'" in tune().err


@pytest.mark.deep
def test_other_data_need_another_study(houses):
    assert tune("--trials", "1").code == 0
    houses.edit(lambda p: p[HOUSES]["folds"].update(seed=5))
    run_podium("preprocess", HOUSES)
    outcome = tune("--trials", "1")
    assert outcome.code == 2
    assert "was made with other folds" in outcome.err
    houses.edit(lambda p: p[HOUSES]["folds"].update(seed=0))
    run_podium("preprocess", HOUSES)
    houses.edit(lambda p: p[HOUSES]["models"]["mlp"].update(epochs=7))
    assert tune("--trials", "1", model="mlp").code == 0
    houses.edit(lambda p: p[HOUSES]["models"]["mlp"].update(epochs=8))
    outcome = tune("--trials", "1", model="mlp")
    assert "was made with other fixed knobs (epochs was 7), so" in outcome.err
    assert tune("--trials", "1", "--study", "other").code == 0


@pytest.mark.deep
def test_runs_are_below_one_parent(houses):
    tune("--trials", "2", "--study", "mine")
    log_runs()
    runs = runs_of(HOUSES)
    (parent,) = [run for run in runs if run.data.tags["podium.stage"] == "tune"]
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId")]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert len(children) == 2
    for run in (parent, *children):
        assert run.data.tags["sampler"] == "tpe"
        assert run.data.tags["study"] == "mine"
        assert run.data.tags["budget"] == "2 trials"
        assert run.info.status == "FINISHED"
    assert all({"cv", "seconds"} <= set(run.data.metrics) for run in children)
    assert {"tuned_best", "tuned_current"} <= set(parent.data.metrics)


@pytest.mark.deep
def test_samplers_compared(houses):
    outcome = tune("--trials", "3", "--compare")
    assert outcome.code == 0, outcome.err
    curves = pd.read_csv(f"reports/{HOUSES}/tune/ridge/compared.csv")
    for sampler in ("grid", "random", "tpe", "gp"):
        own = curves[curves["sampler"] == sampler]["best"]
        assert len(own) == 3
        assert own.is_monotonic_decreasing
    assert Path(f"reports/{HOUSES}/tune/ridge/compared.png").is_file()


@pytest.mark.deep
def test_preprocessing_is_searched(houses):
    def change(params):
        params[HOUSES]["features"] = {"Age": "YrSold - YearBuilt", "Big": "LotArea > 10000"}

    houses.edit(change)
    run_podium("preprocess", HOUSES)
    outcome = tune("--features", "--trials", "4", "--sampler", "random", "--apply")
    assert outcome.code == 0, outcome.err
    found = trials("ridge-features")
    assert {"clip", "min_count", "features.Age", "features.Big"} <= set(found)
    assert found["features.Age"][0]
    assert found["score"].nunique() > 1
    best = found.loc[found["score"].idxmin()]
    block = load_config(only=HOUSES)[HOUSES].preprocess
    assert str(block.min_count) == str(best["min_count"])
    assert block.na_indicators == best["na_indicators"]


def test_features_of_images(project):
    outcome = tune("--features", model="softmax", name=DIGITS)
    assert outcome.code == 2


@pytest.mark.deep
def test_a_killed_search_goes_on(houses):
    command = [sys.executable, "-m", "podium", "tune", HOUSES, "ridge", "--trials", "500"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "trial    3" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    outcome = tune("--trials", "2")
    assert outcome.code == 0, outcome.err
    assert "configurations finished so far" in outcome.out
    assert len(trials()) >= 6
    assert trials()["trial"].is_unique


@pytest.mark.deep
def test_minutes_are_kept(houses):
    started = time.monotonic()
    outcome = tune("--minutes", "0.5", model="lightgbm")
    assert outcome.code == 0, outcome.err
    # Python's own start and its imports count little in ten minutes, and much here.
    assert time.monotonic() - started < 30 * 1.05 + 10
    assert len(trials("lightgbm")) >= 1


@pytest.mark.deep
def test_no_time_for_anything(houses):
    outcome = tune("--minutes", "0.02", model="lightgbm")
    assert outcome.code == 2
    assert "no configuration could be evaluated within 0.02 min" in outcome.err


@pytest.mark.deep
def test_two_processes_search_in_one_study(houses):
    command = [sys.executable, "-m", "podium", "tune", HOUSES, "ridge", "--trials", "4"]
    both = [subprocess.Popen(command, env={**os.environ}) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    tune("--trials", "0")
    assert len(trials()) == 8
    assert trials()["alphas"].is_unique
