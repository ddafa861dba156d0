"""The stages through the real command line, from raw files to the printed submit command."""

import io
import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from sklearn.metrics import root_mean_squared_log_error

from projects import SMALL_MODELS, Project, run_all

NAME = "house-prices"
PLOTS = f"reports/{NAME}/plots"


def keep_models(project: Project, *models: str) -> None:
    def change(params):
        kept = {name: params[NAME]["models"][name] for name in models}
        params[NAME]["models"] = kept

    project.edit(change)


def test_the_whole_way(finished):
    sample = pd.read_csv(finished.root.parent / "files/sample_submission.csv")
    submission = pd.read_csv(finished.root / f"submissions/{NAME}/submission.csv")
    assert submission["Id"].equals(sample["Id"])
    assert list(submission) == list(sample)
    assert (submission["SalePrice"] > 0).all()
    slug = finished.params[NAME]["source"]["slug"]
    printed = (finished.root.parent / "printed").read_text()
    file = f"submissions/{NAME}/submission.csv"
    assert f"podium submit {NAME}" in printed
    assert f"kaggle competitions submit -c {slug} -f {file} -m" in printed
    for model in [*SMALL_MODELS, "blend"]:
        assert model in printed


def test_a_narrow_terminal_breaks_no_command(finished, tmp_path, monkeypatch, podium):
    project = finished.copy(tmp_path / "copy")
    monkeypatch.chdir(project.root)
    narrow = partial(Console, width=60, force_terminal=True, color_system=None)
    monkeypatch.setattr("podium.stages.report.command.console", narrow)
    lines = podium("report", NAME).out.splitlines()
    slug = project.params[NAME]["source"]["slug"]
    file = f"submissions/{NAME}/submission.csv"
    assert f'{"":12}kaggle competitions submit -c {slug} -f {file} -m "podium"' in lines
    assert max(map(len, lines[:5])) <= 60


@pytest.mark.deep
def test_without_a_slug_there_is_no_command_to_submit(project, podium, house_files):
    project.use_files(house_files)
    keep_models(project, "ridge")

    def change(params):
        params[NAME]["source"] = {"provider": "local", "path": str(house_files)}

    project.edit(change)
    printed = run_all(podium, ["ridge"])[-1].out
    page = (project.root / f"reports/{NAME}/report.html").read_text()
    for text in (printed, page):
        assert f"set {NAME}.source.slug in params.yaml" in text.replace("Set ", "set ")
        assert "kaggle competitions" not in text
        assert "podium submit" not in text


def test_synthetic_data_are_named_wherever_results_are_shown(project, podium):
    keep_models(project, "ridge")
    outcomes = run_all(podium, ["ridge"])
    assert "SYNTHETIC" in outcomes[0].out
    for outcome in outcomes[2:]:
        assert "synthetic" in outcome.out
    page = (project.root / f"reports/{NAME}/report.html").read_text()
    assert "SYNTHETIC" in page
    compared = json.loads((project.root / PLOTS / "train-against-test.json").read_text())
    assert np.mean(compared["folds"]) == pytest.approx(compared["roc_auc"], abs=1e-3)
    assert compared["meaning"] in page
    assert "test rows are like training rows" in compared["meaning"]
    assert "Train against test (ROC AUC by fold" in page
    assert not [one for one in outcomes if "predicts SalePrice" in one.err or "equal" in one.err]


def test_scores_are_the_metric_of_the_oof(finished):
    for folder in (f"models/{NAME}/mlp", f"reports/{NAME}/blend"):
        metrics = json.loads((finished.root / folder / "metrics.json").read_text())
        oof = pd.read_parquet(finished.root / folder / "oof.parquet")
        assert len(oof) == 80
        score = root_mean_squared_log_error(oof["true_SalePrice"], oof["prediction"])
        assert metrics["cv"] == pytest.approx(score, abs=1e-6)
        by_fold = [
            root_mean_squared_log_error(own["true_SalePrice"], own["prediction"])
            for _, own in oof.groupby("fold")
        ]
        assert metrics["cv_mean"] == pytest.approx(np.mean(by_fold), abs=1e-6)
        assert metrics["cv_std"] == pytest.approx(np.std(by_fold), abs=1e-6)


def test_every_model_leaves_the_same_artefacts(finished):
    listings = set()
    for model in SMALL_MODELS:
        folder = finished.root / f"models/{NAME}/{model}"
        listings.add(tuple(sorted(path.name for path in folder.iterdir())))
        assert len(list((folder / "weights").iterdir())) >= 5
    assert listings == {  # fmt: skip
        (
            "curves.csv",
            "history.csv",
            "importance.csv",
            "metrics.json",
            "oof.parquet",
            "partial_dependence.csv",
            "pictures",
            "test.parquet",
            "timing.json",
            "weights",
        )
    }


def test_features_are_explained_on_their_own_scale(finished):
    for model in SMALL_MODELS:
        folder = finished.root / f"models/{NAME}/{model}"
        importance, dependence = (
            pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
            for name in ("importance", "partial_dependence")
        )
        assert list(importance) == ["target", "feature", "mean", "se"]
        columns = ["target", "feature", "type", "value", "output", "mean", "low", "high"]
        assert list(dependence) == columns
        assert {"Neighborhood", "OverallQual"} <= set(importance["feature"])
        assert "Id" not in set(importance["feature"])
        assert set(dependence["feature"]) == set(importance["feature"][:6])
        assert dependence["mean"].between(20_000, 800_000).all()
        assert not {*importance["target"], *dependence["target"], *dependence["output"]} - {""}
    timing = json.loads((folder / "timing.json").read_text())
    assert 0 < timing["predict_seconds"] < timing["fit_seconds"]


@pytest.mark.deep
def test_twice_the_same_bytes(finished, podium, tmp_path, monkeypatch):
    again = finished.copy(tmp_path / "project")
    monkeypatch.chdir(again.root)
    run_all(podium)
    assert results(again.root) == results(finished.root)


def results(root: Path) -> dict[str, object]:
    """What all stages left, without seconds."""
    paths = [
        *(root / "data/processed").rglob("*.*"),
        root / f"submissions/{NAME}/submission.csv",
        *(root / f"models/{NAME}").rglob("*.*"),
        *(root / f"reports/{NAME}/blend").iterdir(),
    ]
    files = [path for path in paths if path.is_file() and path.name != "timing.json"]
    return {str(path.relative_to(root)): without_clock(path) for path in files}


def without_clock(path):
    """A file's content, a network's curves without the seconds of their epochs."""
    if path.name != "history.csv":
        return path.read_bytes()
    return pd.read_csv(path).drop(columns="seconds", errors="ignore").to_csv()


@pytest.mark.deep
def test_booleans_are_submitted_as_the_sample_spells_them(project, podium, tmp_path):
    """Train has TRUE, test and sample True; most shops of the test rows are new: a warning."""
    files = tmp_path / "booleans"
    files.mkdir()
    generator = np.random.default_rng(0)
    vip = generator.random(120) < 0.5
    table = pd.DataFrame({"id": np.arange(120), "vip": vip, "shop": ["a", "b"] * 60})
    table["sold"] = vip ^ (generator.random(120) < 0.1)
    train, test = table.iloc[:80], table.iloc[80:].assign(shop="new")
    train = train.replace({"vip": {True: "TRUE", False: "FALSE"}})
    train.assign(sold=np.where(train["sold"], "TRUE", "FALSE")).to_csv(
        files / "train.csv", index=False
    )
    test.drop(columns="sold").to_csv(files / "test.csv", index=False)
    test[["id"]].assign(sold=False).to_csv(files / "sample_submission.csv", index=False)

    def change(params):
        params[NAME].update(
            source={"provider": "local", "path": str(files)}, task="binary", id="id",
            target="sold", target_transform="none", metric="accuracy", preprocess={},
            models={"ridge": {"alphas": [1], "inner_folds": 2}},
        )  # fmt: skip

    project.edit(change)
    outcomes = run_all(podium, ["ridge"])
    submission = pd.read_csv(project.root / f"submissions/{NAME}/submission.csv", dtype=str)
    assert set(submission["sold"]) == {"True", "False"}
    assert ((submission["sold"] == "True").to_numpy() == table["vip"].iloc[80:]).all()
    told = "100% of the test rows that no training row has"
    assert told in outcomes[1].err
    assert told in (project.root / f"reports/{NAME}/report.html").read_text()


def test_a_binary_competition_from_a_block_alone(project, podium, tmp_path):
    """Titanic's shape: text classes, a label submission, no transform."""
    files = tmp_path / "binary"
    files.mkdir()
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"Pid": np.arange(1, 161), "age": generator.normal(40, 9, 160).round(1)})
    table["sex"] = generator.choice(["f", "m"], 160)
    table.loc[::7, "age"] = np.nan
    alive = (table["sex"] == "f") ^ (generator.random(160) < 0.1)
    table["Survived"] = alive.astype(int)
    table.iloc[:120].to_csv(files / "train.csv", index=False)
    table.iloc[120:].drop(columns="Survived").to_csv(files / "test.csv", index=False)
    sample = table.iloc[120:][["Pid"]].assign(Survived=0)
    sample.to_csv(files / "sample_submission.csv", index=False)

    def change(params):
        params["ships"] = {
            "kind": "tabular",
            "source": {"provider": "local", "slug": "titanic", "path": str(files)},
            "task": "binary",
            "id": "Pid",
            "target": "Survived",
            "target_transform": "none",
            "metric": "accuracy",
            "folds": {"scheme": "stratified", "count": 4},
            "preprocess": {},
            "models": {
                "ridge": {"alphas": [1, 10], "inner_folds": 3},
                "lightgbm": {"rounds": 20},
                "mlp": {"epochs": 20, "hidden": [8], "learning_rate": 0.01, "weight_decay": 0.1},
            },
            "ensemble": {},
        }

    project.edit(change)
    podium("sync")
    run_all(podium, ["ridge", "lightgbm", "mlp"], "ships")
    submission = pd.read_csv(project.root / "submissions/ships/submission.csv")
    assert set(submission["Survived"]) == {0, 1}
    assert submission["Pid"].tolist() == list(range(121, 161))
    metrics = json.loads((project.root / "reports/ships/blend/metrics.json").read_text())
    assert metrics["cv"] > 0.8
    truth = table["Survived"].iloc[120:].to_numpy()
    assert (submission["Survived"].to_numpy() == truth).mean() > 0.75


@pytest.mark.deep
def test_the_ensemble_refuses_models_of_other_folds(project, podium, house_files):
    project.use_files(house_files)
    keep_models(project, "ridge", "lasso")
    run_all(podium, ["ridge", "lasso"])
    submission = project.root / f"submissions/{NAME}/submission.csv"
    before = submission.read_bytes()
    project.edit(lambda params: params[NAME]["folds"].update(seed=9))
    assert podium("preprocess", NAME).code == 0
    assert podium("train", NAME, "ridge").code == 0
    outcome = podium("ensemble", NAME)
    assert outcome.code == 2
    assert "other rows or folds" in outcome.err
    assert submission.read_bytes() == before


def test_the_summary_has_a_row_for_every_column(project, podium):
    for stage in ("download", "preprocess"):
        assert podium(stage, NAME).code == 0
    summary = pd.read_csv(Path(f"data/processed/{NAME}/summary.csv"), keep_default_na=False)
    assert len(summary) == 79
    rows = summary.set_index("column")
    assert rows.loc["MSSubClass", "type"] == "category"
    assert "missing is the category 'NA'" in rows.loc["PoolQC", "treatment"]
    assert "missing -> median" in rows.loc["LotFrontage", "treatment"]
    assert rows.loc["MSSubClass", "unseen_in_test"] == "150"


@pytest.mark.deep
def test_a_stopped_training_continues_to_the_same_files(project, podium, monkeypatch):
    """Ctrl-C in the middle; the next run reads the checkpoint, and nothing shows afterwards."""
    from podium.models import networks

    def lengthen(params):
        params[NAME]["models"]["mlp"] = {"epochs": 12, "hidden": [8], "seeds": 2}

    project.edit(lengthen)
    for step in ("download", "preprocess"):
        assert podium(step, NAME).code == 0
    folder = project.root / f"models/{NAME}/mlp"
    names = ("oof.parquet", "test.parquet", "weights/fold0.safetensors", "metrics.json")
    assert podium("train", NAME, "mlp").code == 0
    whole = {name: (folder / name).read_bytes() for name in names}

    told = networks._ProgressForwarder.epoch
    epochs = []

    def interrupt(self, progress):
        told(self, progress)
        epochs.append(progress.epoch)
        if len(epochs) == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("podium.nn.training.CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(networks._ProgressForwarder, "epoch", interrupt)
    with monkeypatch.context() as terminal:
        screen = io.StringIO()
        own = partial(Console, file=screen, force_terminal=True, width=100, color_system=None)
        terminal.setattr("podium.stages.train.console", own)
        stopped = podium("train", NAME, "mlp")
    assert stopped.code != 0
    # The bar has left its two lines, and shows the cursor again.
    assert "\n\x1b[?25hstopped; the next run continues from here" in screen.getvalue()
    assert list((folder / "checkpoint").glob("*.safetensors"))
    assert whole == {name: (folder / name).read_bytes() for name in names}
    again = podium("train", NAME, "mlp")
    assert again.code == 0
    assert "networks continue from epoch" in again.out
    assert len(epochs) < 5 + 2 * 12
    assert whole == {name: (folder / name).read_bytes() for name in names}
    assert not (folder / "checkpoint").exists()
