"""``test: refit`` through the stages: what it writes, what it makes run again, what it can't be."""

import json
from pathlib import Path

import pandas as pd
import pytest

from finished import made_finished, repro
from podium.stages.resolve import resolve
from projects import HOUSES

FOLDER = Path(f"models/{HOUSES}/lasso")


@pytest.fixture
def asked(finished, tmp_path, monkeypatch):
    """A finished project in which lasso asks for all rows, and a feature is learnt."""
    project = finished.copy(tmp_path / "copy")
    monkeypatch.chdir(project.root)
    return project


def set_knob(project, model="lasso", **knobs):
    project.edit(lambda params: params[HOUSES]["models"][model].update(knobs))


def learn_a_feature(params):
    params[HOUSES]["features"] = {"Price": {"target_mean": ["Neighborhood"]}}


def bytes_of(folder):
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.parquet"))}


@pytest.mark.parametrize("learns", [False, True])
def test_only_test_predictions_and_weights_change(learns, asked, podium):
    if learns:
        asked.edit(learn_a_feature)
        for stage in ("preprocess", "train"):
            assert podium(stage, HOUSES, *(["lasso"] if stage == "train" else [])).code == 0
    before, data = bytes_of(FOLDER), bytes_of(f"data/processed/{HOUSES}")
    set_knob(asked, test="refit")
    missing = podium("train", HOUSES, "lasso")
    assert missing.code == 2
    assert "has nothing that is fitted on all rows; run 'podium preprocess' again" in missing.err
    assert podium("preprocess", HOUSES).code == 0
    assert bytes_of(f"data/processed/{HOUSES}") == data
    whole = Path(f"data/refit/{HOUSES}")
    assert (whole / "transforms/all.json").is_file()
    assert (whole / "features/all.parquet").is_file() == learns
    trained = podium("train", HOUSES, "lasso")
    assert trained.code == 0, trained.err
    after = bytes_of(FOLDER)
    assert after["oof.parquet"] == before["oof.parquet"]
    assert after["test.parquet"] != before["test.parquet"]
    assert (FOLDER / "weights/all.safetensors").is_file()
    metrics = json.loads((FOLDER / "metrics.json").read_text())
    assert metrics["refit"]["alpha"] > 0
    assert podium("ensemble", HOUSES).code == 0
    asked.edit(lambda params: params[HOUSES]["models"]["lasso"].pop("test"))
    assert podium("preprocess", HOUSES).code == 0
    assert [path.name for path in whole.iterdir()] == ["about.txt"]


def resolved():
    resolve(HOUSES)
    folder = Path(f"data/resolved/{HOUSES}")
    return {path.name: path.read_text() for path in folder.rglob("*.json")}


def changed(before, after):
    return {name for name in after if after[name] != before[name]}


def test_an_edit_of_preprocessing_trains_what_reads_its_folder_and_no_other(asked):
    before = resolved()
    set_knob(asked, test="both")
    after = resolved()
    assert changed(before, after) == {"lasso.json", "preprocess.json", "report.json"}
    asked.edit(lambda params: params[HOUSES]["preprocess"].update(clip=9.0))
    assert changed(after, resolved()) == {"lasso.json", "preprocess.json"}


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda block: block["models"]["lasso"].update(test="all"),
         "models.lasso.test: expected 'folds', 'refit' or 'both', found text 'all'"),
        (lambda block: (block["models"]["lasso"].update(test="refit"),
                        block.update(folds={"scheme": "time", "window": 20})),
         "models.lasso.test: 'refit' trains on all rows, and folds.window limits"),
        (lambda block: block["models"]["lasso"].update(search={"test": {"values": ["refit"]}}),
         "models.lasso.search.test"),
    ],
)  # fmt: skip
def test_what_it_can_not_be_is_an_error(edit, says, project, podium):
    project.edit(lambda params: edit(params[HOUSES]))
    outcome = podium("check")
    assert outcome.code == 2
    assert says in outcome.err


@pytest.mark.deep
def test_a_first_model_that_asks_trains_no_other(shared, tmp_path):
    project = made_finished(shared).copy(tmp_path / "project")
    set_knob(project, test="both")
    ends = [f"models/dvc.yaml:{HOUSES}@lasso", f"ensemble@{HOUSES}", f"report@{HOUSES}"]
    assert repro(project) == [f"resolve@{HOUSES}", f"preprocess@{HOUSES}", *ends]
    assert repro(project) == []
    test = pd.read_parquet(project.root / FOLDER / "test.parquet")
    assert test["prediction"].gt(0).all()


def test_of_other_folds_scores_alone_are_wanted(asked, podium, monkeypatch):
    monkeypatch.setenv("PODIUM_WRITER", "0")
    monkeypatch.setattr("podium.runtime.tracking.run.END_SECONDS", 0)
    set_knob(asked, test="refit")
    found = podium("cv", HOUSES, "--models", "lasso", "--seeds", "1,")
    assert found.code == 0, found.err
    (metrics,) = Path(".podium/cv").rglob("seed1/lasso-*/metrics.json")
    assert "refit" not in json.loads(metrics.read_text())
