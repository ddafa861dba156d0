"""The pipeline under the real DVC: what an edit touches, metrics, plots, experiments."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from conftest import ROOT, Project

pytestmark = pytest.mark.slow

QUICK = ("ridge", "lasso", "mlp")
QUICK_IMAGES = ("ridge", "cnn")


def call(*command: str, cwd: Path, fails: bool = False) -> str:
    """Run a command in the project; returns what it printed."""
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=400
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, output
    return output


def repro(root: Path, *arguments: str) -> list[str]:
    """Run ``dvc repro``; returns the stages that ran."""
    return re.findall(r"Running stage '([^']+)'", call("dvc", "repro", *arguments, cwd=root))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project in a git repository of its own, after one ``dvc repro``."""
    root = tmp_path_factory.mktemp("dvc")
    project = Project(root)
    project.shrink()

    def change(params):
        params["competitions"] = ["house-prices", "digit-recognizer"]
        for competition, quick in (("house-prices", QUICK), ("digit-recognizer", QUICK_IMAGES)):
            models = params[competition]["models"]
            for name in list(models):
                if name not in quick:
                    del models[name]

    project.edit(change)
    # Code that tests may edit.
    (root / "src").unlink()
    shutil.copytree(
        ROOT / "src", root / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
    )
    git = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")
    call("git", "init", "-q", cwd=root)
    call("dvc", "config", "core.analytics", "false", cwd=root)
    call(*git, "add", ".", cwd=root)
    call(*git, "commit", "-qm", "start", cwd=root)
    stages = repro(root)
    assert len(stages) == 10 + len(QUICK) + len(QUICK_IMAGES)
    call(*git, "add", ".", cwd=root)
    call(*git, "commit", "-qm", "first results", cwd=root)
    return project


def test_results_are_where_they_should_be(finished):
    root = finished.root
    for model in QUICK:
        names = {path.name for path in (root / "models/house-prices" / model).iterdir()}
        assert {
            "oof.parquet", "test.parquet", "metrics.json", "history.csv", "curves.csv", "weights",
        } <= names  # fmt: skip
    submission = pd.read_csv(root / "submissions/house-prices/submission.csv")
    sample = pd.read_csv(root / "data/raw/house-prices/sample_submission.csv")
    assert submission["Id"].equals(sample["Id"])
    assert (submission["SalePrice"] > 0).all()
    page = (root / "reports/house-prices/report.html").read_text()
    assert "synthetic" in page
    assert "src='data:image/png" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_only_small_results_are_for_git(finished):
    tracked = call("git", "ls-files", cwd=finished.root).splitlines()
    results = {name for name in tracked if name.startswith(("models/h", "reports/", "data/"))}
    assert {Path(name).name for name in results} == {"metrics.json", "curves.csv", "scores.csv"}
    assert "dvc.lock" in tracked
    assert not any(name.startswith(("mlflow", "mlartifacts", "submissions")) for name in tracked)


def test_nothing_runs_twice(finished):
    assert repro(finished.root) == []


def test_a_models_edit_reruns_that_model_and_the_blend(finished):
    finished.edit(lambda params: params["house-prices"]["models"]["mlp"].update(dropout=0.25))
    kept = finished.root / "models/house-prices/ridge/oof.parquet"
    before = kept.stat().st_mtime_ns
    assert repro(finished.root) == [
        "resolve@house-prices", "models/dvc.yaml:house-prices@mlp", "ensemble@house-prices",
        "report@house-prices",
    ]  # fmt: skip
    assert kept.stat().st_mtime_ns == before


def test_images_go_the_same_way(finished):
    root = finished.root
    submission = pd.read_csv(root / "submissions/digit-recognizer/submission.csv")
    sample = pd.read_csv(root / "data/raw/digit-recognizer/sample_submission.csv")
    assert list(submission.columns) == list(sample.columns) == ["ImageId", "Label"]
    assert (submission["ImageId"] == sample["ImageId"]).all()
    assert set(submission["Label"]) == set(range(10))
    scores = pd.read_csv(root / "reports/digit-recognizer/blend/scores.csv").set_index("model")
    assert scores.loc["blend", "cv"] > 0.9
    pictures = {path.name for path in (root / "reports/digit-recognizer/plots/pictures").iterdir()}
    assert {"2-confusion.png", "2-reliability.png", "2-classes.png", "2-worst.png"} <= pictures
    page = (root / "reports/digit-recognizer/report.html").read_text()
    assert "25 worst-predicted" in page
    finished.edit(lambda params: params["digit-recognizer"]["models"]["cnn"].update(rotation=5))
    assert repro(root) == [
        "resolve@digit-recognizer", "models/dvc.yaml:digit-recognizer@cnn",
        "ensemble@digit-recognizer", "report@digit-recognizer",
    ]  # fmt: skip


def test_the_ensembles_edit_reruns_the_ensemble(finished):
    finished.edit(lambda params: params["house-prices"]["ensemble"].update(method="mean"))
    assert repro(finished.root) == [
        "resolve@house-prices", "ensemble@house-prices", "report@house-prices",
    ]  # fmt: skip


def test_a_new_model_needs_params_yaml_alone(finished):
    finished.edit(lambda params: params["house-prices"]["models"].update(ridge2={"model": "ridge"}))
    assert repro(finished.root) == [
        "resolve@house-prices", "models/dvc.yaml:house-prices@ridge2", "ensemble@house-prices",
        "report@house-prices",
    ]  # fmt: skip
    finished.edit(lambda params: params["house-prices"]["models"].pop("ridge2"))
    assert repro(finished.root)[-2:] == ["ensemble@house-prices", "report@house-prices"]
    scores = pd.read_csv(finished.root / "reports/house-prices/blend/scores.csv")
    assert "ridge2" not in set(scores["model"])


@pytest.mark.parametrize(
    ("module", "trained"), [("models/penalized", ["lasso", "ridge"]), ("runtime/tracking", [])]
)
def test_an_edit_of_code_reruns_what_it_can_change(finished, module, trained):
    """The results are the same bytes, so that nothing after them runs."""
    with (finished.root / f"src/podium/{module}.py").open("a") as file:
        file.write("# edited\n")
    stages = repro(finished.root)
    assert sorted(stages) == sorted(
        ["resolve@house-prices", "resolve@digit-recognizer"]
        + [f"models/dvc.yaml:house-prices@{model}" for model in trained]
    )
    assert repro(finished.root) == []


def test_params_are_shown_by_dvc(finished):
    finished.edit(lambda params: params["house-prices"]["models"]["lasso"].update(alpha_count=6))
    changed = json.loads(call("dvc", "params", "diff", "--json", cwd=finished.root))
    assert changed["params.yaml"]["house-prices.models.lasso.alpha_count"]["new"] == 6
    assert repro(finished.root)[:2] == [
        "resolve@house-prices", "models/dvc.yaml:house-prices@lasso",
    ]  # fmt: skip


def test_metrics_and_plots(finished, tmp_path):
    shown = json.loads(call("dvc", "metrics", "show", "--json", cwd=finished.root))
    paths = shown[""]["data"]
    assert "models/house-prices/mlp/metrics.json" in paths
    assert paths["reports/house-prices/blend/metrics.json"]["data"]["cv"] > 0
    assert "error" not in json.dumps(shown)
    call("dvc", "plots", "show", "-o", str(tmp_path / "plots"), cwd=finished.root)
    page = (tmp_path / "plots/index.html").read_text()
    for title in ("mlp, mean loss over folds", "predicted against actual", "OOF score by model"):
        assert title in page
    for title in ("confusion", "reliability", "F1 by class"):
        assert f"digit-recognizer, {title}" in page
    assert list((tmp_path / "plots/static").glob("*.png"))
    difference = call("dvc", "metrics", "diff", cwd=finished.root)
    assert "blend/metrics.json" in difference


def test_experiments_override_params(finished):
    override = "house-prices.models.mlp.epochs=2"
    output = call("dvc", "exp", "run", "-S", override, cwd=finished.root)
    assert "Running stage 'models/dvc.yaml:house-prices@mlp'" in output
    assert finished.params["house-prices"]["models"]["mlp"]["epochs"] == 2


def test_a_failing_stage_leaves_the_earlier_submission(finished):
    submission = finished.root / "submissions/house-prices/submission.csv"
    raw = finished.root / "data/raw/house-prices/train.csv"
    before = submission.read_bytes(), raw.read_bytes()
    text = (finished.root / "params.yaml").read_text()
    finished.use_files(finished.root / "nowhere")
    output = call("dvc", "repro", cwd=finished.root, fails=True)
    assert "podium: error: params.yaml: house-prices.source.path: no folder or zip" in output
    assert (submission.read_bytes(), raw.read_bytes()) == before
    (finished.root / "params.yaml").write_text(text)


def test_local_files_that_change_are_noticed(finished, house_files):
    root = finished.root
    text = (root / "params.yaml").read_text()
    finished.use_files(house_files)
    assert "preprocess@house-prices" in repro(root)
    assert repro(root) == []
    train = house_files / "train.csv"
    table = pd.read_csv(train, dtype=str, keep_default_na=False)
    table.iloc[:-1].to_csv(train, index=False)
    assert "preprocess@house-prices" in repro(root)
    train.unlink()
    assert "source/train" in call("dvc", "repro", cwd=root, fails=True)
    assert "train.csv: file is missing" in call("podium", "check", cwd=root)
    assert "house-prices: local files have gone" in call("podium", "sync", cwd=root)
    output = call("dvc", "repro", cwd=root, fails=True)
    assert "podium: error: " in output
    assert "train.csv: file is missing" in output
    # Back again: the links go where DVC stops no more.
    (root / "params.yaml").write_text(text)
    assert "download@house-prices" in repro(root)


def test_after_a_local_file_has_gone_another_provider_needs_no_repair(finished, house_files):
    text = (finished.root / "params.yaml").read_text()
    finished.use_files(house_files)
    repro(finished.root, "download@house-prices")
    shutil.rmtree(house_files)
    (finished.root / "params.yaml").write_text(text)
    assert repro(finished.root, "download@house-prices") == [
        "resolve@house-prices", "download@house-prices",
    ]  # fmt: skip


def test_a_new_competition_is_a_block(finished):
    def change(params):
        params["second"] = dict(params["house-prices"])
        params["second"]["models"] = {"ridge": {"alphas": [10]}}
        params["competitions"] = ["second"]

    finished.edit(change)
    output = call("dvc", "repro", cwd=finished.root, fails=True)
    assert "second is a new competition" in output
    assert "run 'dvc repro' again" in output
    stages = repro(finished.root)
    assert [name for name in stages if "house-prices" in name] == []
    assert len(stages) == 6
    assert (finished.root / "submissions/second/submission.csv").is_file()
