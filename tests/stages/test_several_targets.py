"""From files with several targets to a submission, by the real commands."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from podium.config import load_config
from podium.submissions.plausible import doubts
from podium.submissions.prepare import notes, prepare
from projects import write_csv
from several_help import ROWS, table

NAME = "sizes"
STAGES = (
    "resolve", "download", "preprocess", "train ridge", "train lightgbm", "ensemble",
)  # fmt: skip
SUBMISSION = Path(f"submissions/{NAME}/submission.csv")


@pytest.fixture
def ran(project, podium, tmp_path, monkeypatch):
    """The stages up to the submission, on a table with the targets y and z."""
    # Nothing here looks at MLflow.
    monkeypatch.setattr("podium.runtime.tracking.run.END_SECONDS", 0)

    def run(task: str, stages=STAGES, whole: pd.DataFrame | None = None, **block: object):
        whole = table(task) if whole is None else whole
        files = tmp_path / "files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        write_csv(whole[:ROWS], files / "train.csv")
        write_csv(whole[ROWS:].drop(columns=["y", "z"]), files / "test.csv")
        sample = {"z": "0.5", "y": "0.5"}
        write_csv(whole.loc[ROWS:, ["id"]].assign(**sample), files / "sample_submission.csv")

        def change(params):
            params["competitions"] = [NAME]
            params[NAME] = {
                "kind": "tabular", "source": {"provider": "local", "path": str(files)},
                "task": task, "id": "id", "target": ["y", "z"], "target_transform": "none",
                "metric": "rmse" if task == "regression" else "auc", "preprocess": {},
                "folds": {"scheme": "kfold", "count": 3}, "ensemble": {},
                "models": {"ridge": {"alphas": [1]}, "lightgbm": {"rounds": 5}}, **block,
            }  # fmt: skip

        project.edit(change)
        podium("sync")
        for stage in stages:
            command, *model = stage.split()
            outcome = podium(command, NAME, *model)
            assert outcome.code == 0, outcome.err
        return outcome

    return run


def metrics(place: str) -> dict:
    return json.loads(Path(place, "metrics.json").read_text())


def test_numbers(ran, podium):
    outcome = ran("regression")
    assert "blend of 2  rmse nested OOF" in outcome.out
    made = pd.read_csv(SUBMISSION)
    assert list(made) == ["id", "z", "y"]
    assert np.isfinite(made).all(axis=None)
    facts = metrics(f"models/{NAME}/ridge")
    of_each = [facts["targets"][name]["cv"] for name in ("y", "z")]
    assert facts["cv"] == pytest.approx(np.mean(of_each), abs=2e-6)
    oof = pd.read_parquet(f"models/{NAME}/ridge/oof.parquet")
    assert list(oof) == ["id", "prediction_y", "prediction_z", "true_y", "true_z", "fold"]
    error = np.sqrt(((oof["prediction_z"] - oof["true_z"]) ** 2).mean())
    assert of_each[1] == pytest.approx(error, abs=1e-6)
    compared = podium("compare", NAME, "ridge", "lightgbm").out
    assert "RMSE, mean over 2 targets on the same 3 folds" in compared
    assert f"{facts['cv']:.5f}" in compared
    assert "\nz " in compared
    made.assign(z=made["z"] * 1e6).to_csv(SUBMISSION, index=False)
    competition = load_config()[NAME]
    said = notes(competition, prepare(competition))
    assert any(one.startswith("20 of 20 predictions of 'z' are outside") for one in said)


@pytest.mark.deep
def test_labels_and_what_is_sent(ran):
    ran("binary", metric="f1", submission={"values": "labels"})
    made = pd.read_csv(SUBMISSION, dtype=str)
    assert set(made["y"]) <= {"no", "yes"}
    assert set(made["z"]) <= {"0", "1"}
    blend = metrics(f"reports/{NAME}/blend")
    assert all(0 <= blend["targets"][name]["decision"]["threshold"] <= 1 for name in ("y", "z"))
    competition = load_config()[NAME]
    assert doubts(competition, prepare(competition)) == []
    made.assign(z="1").to_csv(SUBMISSION, index=False)
    (doubt,) = doubts(competition, prepare(competition))
    assert doubt.startswith("'z': all 20 rows have one class")


def test_user_code_sees_the_targets_where_it_may(ran):
    code = Path("src/competitions") / f"{NAME}.py"
    code.write_text(
        "def features(table):\n"
        "    assert not {'y', 'z'} & set(table)\n"
        "    return table\n"
        "def sample_weight(train):\n"
        "    return 1 + (train['z'] > train['y'])\n"
        "def metric(y, p):\n"
        "    assert y.shape == p.shape == (len(y),)\n"
        "    return float(abs(y - p).mean())\n"
        "metric.greater_is_better = False\n"
    )
    ran("regression", STAGES[:4], metric="own")
    oof = pd.read_parquet(f"models/{NAME}/ridge/oof.parquet")
    error = [(oof[f"prediction_{name}"] - oof[f"true_{name}"]).abs().mean() for name in "yz"]
    assert metrics(f"models/{NAME}/ridge")["cv"] == pytest.approx(np.mean(error), abs=1e-6)


def test_a_missing_target_stops_the_download(ran, podium):
    with pytest.raises(AssertionError, match=r"train.csv:2: z is missing.*\(1 such rows\)"):
        ran("regression", STAGES[:2], whole=table().assign(z=[np.nan, *table()["z"][1:]]))


@pytest.mark.deep
@pytest.mark.parametrize("task", ["regression", "binary"])
def test_the_page_has_each_target(task, ran):
    ran(task, (*STAGES, "report"))
    text = Path(f"reports/{NAME}/report.html").read_text()
    assert "Scores by target" in text
    assert "mean over 2 targets" in text
    folder = Path(f"reports/{NAME}/plots")
    wanted = "predictions-z.csv" if task == "regression" else "z/confusion.csv"
    assert (folder / wanted).is_file()
    for title in ("y: Loss by tree", "z: Loss by tree", "z by fold"):
        assert title in text


def test_other_fold_seeds(ran, podium):
    ran("regression")
    outcome = podium("cv", NAME, "--seeds", "2", "--out", "cv.json")
    assert outcome.code == 0, outcome.err
    rows = {row["model"]: row["cv"] for row in json.loads(Path("cv.json").read_text())["rows"]}
    for model in ("ridge", "lightgbm"):
        metrics = json.loads(Path(f"models/{NAME}/{model}/metrics.json").read_text())
        assert rows[model][0] == metrics["cv"]
    metrics = json.loads(Path(f"reports/{NAME}/blend/metrics.json").read_text())
    assert rows["blend"][0] == metrics.get("blend", metrics)["cv"]
