"""From other people's tables to a submission: negative predictions, folds of one class, columns."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bad_input import assert_one_line, snapshot
from projects import Outcome, write_csv
from tracking_help import log_runs, runs_of

NAME = "shop"
GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=90)


def strict(path: Path) -> Any:
    """JSON as the standard has it: without NaN."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(path.read_text(), parse_constant=refuse)


@pytest.fixture
def shop(project, podium, tmp_path) -> Callable[..., list[Outcome]]:
    """Runs stages of a small competition: 60 rows with a target, 30 to predict."""

    def run(y, sample: dict[str, object], stages=("download", "preprocess", "train", "ensemble"),
            **block: object):  # fmt: skip
        folder = tmp_path / "files"
        folder.mkdir(exist_ok=True)
        table = pd.DataFrame({"Id": range(90), "x": X})
        write_csv(table[:60].assign(y=y), folder / "train.csv")
        write_csv(table[60:], folder / "test.csv")
        write_csv(table.loc[60:, ["Id"]].assign(**sample), folder / "sample_submission.csv")

        def change(params):
            params["competitions"] = [NAME]
            params[NAME] = {
                "kind": "tabular", "source": {"provider": "local", "path": str(folder)},
                "task": "regression", "id": "Id", "target": "y", "target_transform": "none",
                "metric": "rmse", "folds": {"scheme": "contiguous", "count": 3}, "preprocess": {},
                "models": {"ridge": {"alphas": [1]}}, "ensemble": {}, **block,
            }  # fmt: skip

        project.edit(change)
        podium("sync")
        words = {"train": ["train", NAME, "ridge"], "lasso": ["train", NAME, "lasso"]}
        return [podium(*words.get(stage, [stage, NAME])) for stage in stages]

    return run


def submission() -> pd.DataFrame:
    return pd.read_csv(f"submissions/{NAME}/submission.csv", dtype=str)


def test_negative_predictions_are_set_to_0_and_counted(shop):
    """They blocked the submission, though the metric itself takes them as 0."""
    y = np.maximum(X[:60] * 10, 0)
    outcomes = shop(y, {"y": 0}, metric="rmsle")
    assert [outcome.code for outcome in outcomes] == [0, 0, 0, 0]
    values = submission()["y"].astype(float)
    assert values.min() == 0
    below = int((values == 0).sum())
    assert f"{below} of 30 test predictions were below 0, the least" in outcomes[-1].err


@pytest.mark.deep
def test_a_fold_of_one_class_is_left_out_of_the_mean_and_reported(shop):
    """It wrote NaN into metrics.json; then ensemble and report failed."""
    y = np.where(np.arange(60) < 20, 0, (X[:60] > 0).astype(int))
    block = {"task": "binary", "metric": "auc"}
    stages = ("download", "preprocess", "train", "ensemble", "report")
    outcomes = shop(y, {"y": 0.5}, stages, **block)
    assert [outcome.code for outcome in outcomes] == [0] * 5, outcomes
    assert "ROC AUC is undefined on fold 0" in outcomes[2].err
    for path in (f"models/{NAME}/ridge/metrics.json", f"reports/{NAME}/blend/metrics.json"):
        metrics = strict(Path(path))
        assert metrics["undefined_folds"] == [0]
        assert list(metrics["folds"]) == ["1", "2"]
        assert metrics["cv_mean"] == pytest.approx(np.mean(list(metrics["folds"].values())))


@pytest.mark.deep
def test_a_metric_that_is_undefined_on_every_fold(shop):
    y = np.arange(60) // 15 % 2
    stages = ("download", "preprocess", "train", "ensemble", "report")
    block = {"task": "binary", "metric": "auc", "folds": {"scheme": "contiguous", "count": 4}}
    outcomes = shop(y, {"y": 0.5}, stages, **block)
    assert [outcome.code for outcome in outcomes] == [0] * 5, outcomes
    assert "cv_mean" not in strict(Path(f"reports/{NAME}/blend/metrics.json"))
    assert "undefined" in outcomes[-1].out


def test_the_stage_publishes_all_of_its_files_or_none(shop, podium, monkeypatch):
    y = (X[:60] > 0).astype(int)
    shop(y, {"y": 0}, task="binary", metric="accuracy")
    before = {top: snapshot(Path(top)) for top in ("submissions", "reports")}

    def fail(*_: object) -> None:
        raise RuntimeError("no picture")

    monkeypatch.setattr("podium.stages.ensemble.class_report", fail)
    shop(1 - y, {"y": 0}, ("download", "preprocess", "train"), task="binary", metric="accuracy")
    assert podium("ensemble", NAME).code == 1
    assert before == {top: snapshot(Path(top)) for top in ("submissions", "reports")}


def test_what_the_sample_asks_for_is_checked_when_the_data_come(shop):
    kinds = np.array(["a", "b", "c"])[np.arange(60) % 3]
    block = {"task": "multiclass", "metric": "logloss"}
    (outcome,) = shop(kinds, {"kind": 0.3}, ("download",), **block)
    assert_one_line(outcome, "has one column, 'kind', for 3 classes, and logloss is of a")


@pytest.mark.deep
def test_columns_are_mapped_by_the_competitions_block(shop):
    kinds = np.array(["1", "2", "3"])[np.arange(60) % 3]
    sample = {"Status_1": 0, "Status_2": 0, "third": 1, "Status_4": 0}
    block = {"task": "multiclass", "metric": "logloss", "folds": {"scheme": "kfold", "count": 3}}
    (outcome,) = shop(kinds, sample, ("download",), **block)
    assert_one_line(outcome, "name the class it holds, or null")
    columns = {"third": 3, "Status_4": None}
    outcomes = shop(kinds, sample, **block, submission={"columns": columns})
    assert [one.code for one in outcomes] == [0] * 4, outcomes
    made = submission()
    assert list(made) == ["Id", *sample]
    numbers = made[list(sample)].astype(float)
    assert (numbers["Status_4"] == 0).all()
    assert numbers.sum(axis=1).to_numpy() == pytest.approx(1)


def test_thresholds_are_written_shown_and_decide_the_labels(shop):
    """Positives are rare: the most probable class is never theirs."""
    y = (X[:60] + 1.5 * GENERATOR.normal(size=60) > 2.2).astype(int)
    stages = ("download", "preprocess", "train", "ensemble", "report")
    block = {"task": "binary", "metric": "f1", "folds": {"scheme": "stratified", "count": 3}}
    outcomes = shop(y, {"y": 0}, stages, **block)
    assert [one.code for one in outcomes] == [0] * 5, outcomes
    for path in (f"models/{NAME}/ridge/metrics.json", f"reports/{NAME}/blend/metrics.json"):
        decision = strict(Path(path))["decision"]
        assert list(decision["folds"]) == ["0", "1", "2"]
        assert 0 < decision["threshold"] < 0.5
    test = pd.read_parquet(f"models/{NAME}/ridge/test.parquet")["prob_1"]
    assert (submission()["y"] == (test > decision["threshold"]).astype(int).astype(str)).all()
    page = Path(f"reports/{NAME}/report.html").read_text()
    assert f"threshold {decision['threshold']:.4g}, tuned for F1 on all OOF rows" in page
    counts = pd.read_csv(f"reports/{NAME}/plots/confusion.csv", index_col="actual")
    right = counts.loc[1, "1"]
    assert 2 * right / (counts.loc[1].sum() + counts["1"].sum()) == pytest.approx(
        strict(Path(path))["cv"], abs=1e-6
    )


@pytest.mark.parametrize(
    ("block", "y"),
    [
        ({"metric": "qwk"}, np.clip(np.rint(3 + X[:60]), 1, 5)),
        ({"metric": "gamma", "target_transform": "log"}, np.exp(X[:60])),
        ({"metric": "pinball_0.9", "target_transform": "quantile"}, np.exp(X[:60])),
    ],
)
def test_metrics_of_numbers_with_their_own_rules(shop, block, y):
    outcomes = shop(y, {"y": 1}, **block)
    assert [one.code for one in outcomes] == [0] * 4, outcomes
    values = submission()["y"].astype(float)
    assert ((values >= y.min()) & (values <= y.max())).all() or block["metric"] == "gamma"
    assert (values > 0).all()
    if block["metric"] == "qwk":
        assert set(values) <= {1.0, 2.0, 3.0, 4.0, 5.0}
        decision = strict(Path(f"reports/{NAME}/blend/metrics.json"))["decision"]
        assert set(decision["cut_points"]) <= {"2", "3", "4", "5"}


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ({"metric": "gamma"}, "'0.0' is not positive, which gamma can't take"),
        ({"target_transform": "sqrt"}, "'-1.0' is negative, which sqrt can't take"),
    ],
)
def test_targets_that_a_metric_or_transform_cannot_take(shop, block, says):
    y = np.where(np.arange(60) == 7, -1.0 if "target_transform" in block else 0.0, 2.0)
    (outcome,) = shop(y, {"y": 1}, ("download",), **block)
    assert_one_line(outcome, says)


@pytest.mark.deep
def test_booleans_are_written_as_the_sample_spells_them(shop):
    y = np.where(X[:60] > 0, "TRUE", "FALSE")
    outcomes = shop(y, {"y": "False"}, task="binary", metric="accuracy")
    assert [one.code for one in outcomes] == [0] * 4, outcomes
    assert set(submission()["y"]) == {"True", "False"}


def test_a_model_that_the_blend_does_not_beat_is_submitted_and_named(shop, podium):
    y = X[:60] * 10
    models = {"ridge": {"alphas": [0.01]}, "bad": {"model": "ridge", "alphas": [1e6]}}
    block = {"models": models, "ensemble": {"method": "mean"}}
    shop(y, {"y": 0}, ("download", "preprocess", "train"), **block)
    assert podium("train", NAME, "bad").code == 0
    outcome = podium("ensemble", NAME)
    assert outcome.code == 0, outcome.err
    assert "submitted: ridge" in outcome.out
    test = pd.read_parquet(f"models/{NAME}/ridge/test.parquet")
    assert submission()["y"].astype(float).to_numpy() == pytest.approx(test["prediction"])
    metrics = strict(Path(f"reports/{NAME}/blend/metrics.json"))
    assert metrics["submitted"] == "ridge"
    assert metrics["cv"] < metrics["blend"]["cv"]
    outcome = podium("report", NAME)
    assert "(of ridge, since the blend's score doesn't beat it)" in outcome.out
    assert "ridge, since the blend" in Path(f"reports/{NAME}/report.html").read_text()
    # The blend's name stands for the blend's own score, wherever it is.
    cv = pd.read_csv(f"reports/{NAME}/blend/scores.csv", index_col="model")["cv"]
    assert log_runs() == ""
    blended = next(run for run in runs_of(NAME) if run.data.tags["podium.model"] == "blend")
    assert blended.data.metrics["cv"] == cv["blend"] == metrics["blend"]["cv"]
    assert blended.data.metrics["submitted_cv"] == cv["ridge"]
    assert blended.data.tags["podium.submitted"] == "ridge"
    for name in ("blend", blended.info.run_id):
        lines = podium("compare", NAME, name, "ridge").out.splitlines()
        everywhere = next(line.split() for line in lines if line.startswith("all "))
        assert [float(one) for one in everywhere[1:3]] == pytest.approx(
            [cv["blend"], cv["ridge"]], abs=1e-5
        )
    listed = podium("runs", NAME).out.splitlines()
    (row,) = (line for line in listed if " blend " in line)
    assert f"{cv['blend']:.5f}" in row
    assert "submitted=ridge" in row
    assert "*" not in row


def test_auto_says_what_it_chose_from_and_what_each_model_is_worth(shop, podium):
    y = X[:60] + np.random.default_rng(1).normal(size=60)
    models = {"ridge": {"alphas": [0.01]}, "bad": {"model": "ridge", "alphas": [1e6]}}
    block = {"models": models, "ensemble": {"method": "auto", "submit": "blend"}}
    block["ensemble"]["candidates"] = ["mean", "nnls", "linear_stack"]
    shop(y, {"y": 0}, ("download", "preprocess", "train"), **block)
    assert podium("train", NAME, "bad").code == 0
    outcome = podium("ensemble", NAME)
    assert outcome.code == 0, outcome.err
    metrics = strict(Path(f"reports/{NAME}/blend/metrics.json"))
    assert f"auto chose {metrics['method']}" in outcome.out
    scores = {name: facts["cv"] for name, facts in metrics["candidates"].items()}
    assert scores[metrics["method"]] == min(scores.values()) < scores["mean"]
    assert set(metrics["fold_methods"]) <= set(scores)
    same = metrics["same_rows"]
    assert same["optimism"] == pytest.approx(metrics["cv"] - same["cv"], abs=2e-6)
    worth = pd.read_csv(f"reports/{NAME}/blend/worth.csv").set_index("model")
    assert worth.loc["ridge", "worse_without"] > 2 * worth.loc["ridge", "se"] > 0
    outcome = podium("report", NAME)
    assert outcome.code == 0, podium("--debug", "report", NAME).err
    assert "auto chose" in Path(f"reports/{NAME}/report.html").read_text()


def test_the_blends_own_labels_are_kept_beside_the_submitted_models(shop, podium):
    """Labels by thresholds of the mixture; no fold validates the first rows."""
    y = (X[:60] + np.random.default_rng(1).normal(size=60) > 0.8).astype(int)
    tree = {"model": "sklearn.tree.ExtraTreeClassifier", "seed": 0}
    models = {"ridge": {"alphas": [1]}, "bad": tree}
    block = {"task": "binary", "metric": "f1", "models": models, "ensemble": {"method": "mean"}}
    block["folds"] = {"scheme": "time", "count": 3}
    shop(y, {"y": 0}, ("download", "preprocess", "train"), **block)
    for words in (["train", NAME, "bad"], ["ensemble", NAME]):
        outcome = podium(*words)
        assert outcome.code == 0, outcome.err
    metrics = strict(Path(f"reports/{NAME}/blend/metrics.json"))
    assert metrics["submitted"] != "blend"
    lines = podium("compare", NAME, "blend", metrics["submitted"]).out.splitlines()
    everywhere = next(line.split() for line in lines if line.startswith("all "))
    assert float(everywhere[1]) == pytest.approx(metrics["blend"]["cv"], abs=1e-5)
    assert float(everywhere[2]) == pytest.approx(metrics["cv"], abs=1e-5)
    assert everywhere[1] != everywhere[2]


def test_fully_nested_weights_do_not_depend_on_the_scored_folds_target(shop):
    """The models are fitted again: only fold 0's y changed, its nested blend stays."""
    models = {"ridge": {"alphas": [1]}, "lasso": {"alpha_count": 3, "inner_folds": 2}}
    noise = np.random.default_rng(1).normal(size=60)
    block = {"models": models, "ensemble": {"nested": "full", "submit": "blend"}}
    nested = []
    for spoilt in (noise, np.where(np.arange(60) < 20, 30 * noise, noise)):
        stages = ("download", "preprocess", "train", "lasso", "ensemble")
        outcomes = shop(spoilt, {"y": 0}, stages, **block)
        assert [one.code for one in outcomes] == [0] * 5, outcomes
        nested.append(pd.read_parquet(f"reports/{NAME}/blend/oof.parquet").query("fold == 0"))
    assert nested[0]["prediction"].equals(nested[1]["prediction"])
