"""Predictions from files through the stages: what they are, what depends on them, what is said."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from ruamel.yaml import YAML

from documents import blocks, text_of
from finished import made_finished, repro
from podium.stages.resolve import resolve
from projects import HOUSES, ROOT

GIVEN = {"model": "file", "oof": "own/oof.parquet", "test": "own/test.parquet"}


@pytest.fixture
def given(finished, tmp_path, monkeypatch):
    """A finished project in which one model's predictions are another's, from files."""
    project = finished.copy(tmp_path / "copy")
    monkeypatch.chdir(project.root)
    Path("own").mkdir()
    for name in ("oof", "test"):
        shutil.copy(f"models/{HOUSES}/lasso/{name}.parquet", "own")
    project.edit(lambda params: params[HOUSES]["models"].update(given=dict(GIVEN)))
    return project


def test_they_are_a_model_like_any_other(given, podium):
    trained = podium("train", HOUSES, "given")
    assert trained.code == 0, trained.err
    folders = [Path(f"models/{HOUSES}/{name}") for name in ("lasso", "given")]
    listings = [{path.name for path in folder.iterdir()} for folder in folders]
    assert listings[0] == listings[1]
    lasso, own = (json.loads((folder / "metrics.json").read_text()) for folder in folders)
    assert {key: own[key] for key in ("cv", "cv_se", "folds")} == {
        key: lasso[key] for key in ("cv", "cv_se", "folds")
    }
    for name in ("oof", "test"):
        tables = [pd.read_parquet(folder / f"{name}.parquet") for folder in folders]
        pd.testing.assert_frame_equal(*tables, rtol=1e-9)
    for stage in ("ensemble", "report"):
        outcome = podium(stage, HOUSES)
        assert outcome.code == 0, outcome.err
    assert "<dt>folds</dt><dd>as here" in Path(f"reports/{HOUSES}/report.html").read_text()
    compared = podium("compare", HOUSES, "lasso", "given").out
    assert "better by" in compared


def resolved():
    """The files that stages depend on, by their names."""
    resolve(HOUSES)
    folder = Path(f"data/resolved/{HOUSES}")
    return {path.name: path.read_text() for path in folder.rglob("*.json")}


def test_the_stage_depends_on_what_is_in_them(given):
    before = resolved()
    table = pd.read_parquet("own/oof.parquet")
    table.assign(prediction=table["prediction"] + 1).to_parquet("own/oof.parquet")
    after = resolved()
    assert [name for name in after if after[name] != before[name]] == ["given.json"]
    link = Path(f"data/resolved/{HOUSES}/source/models/given/oof")
    assert link.resolve() == Path("own/oof.parquet").resolve()


def test_a_file_that_is_missing_is_said_before_anything_runs(project, podium):
    project.edit(lambda params: params[HOUSES].update(models={"given": dict(GIVEN)}))
    Path("own").mkdir()
    Path(GIVEN["oof"]).touch()
    for words in (["check"], ["resolve", HOUSES]):
        outcome = podium(*words)
        assert outcome.code == 2
        assert f"{HOUSES}.models.given.test: no file 'own/test.parquet'" in outcome.err


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda block: block["models"]["given"].update(oof="o.txt"),
         "models.given.oof: expected the path of a .csv or .parquet file, found text 'o.txt'"),
        (lambda block: block["models"]["given"].pop("test"), "missing key 'test'"),
        (lambda block: block["models"]["given"].update(seed=1),
         "models.given.seed: does nothing for predictions from files"),
        (lambda block: block["ensemble"].update(nested="full"),
         "models.given: its predictions come from files, and can't be made again without a fold"),
        (lambda block: block["models"].update(fille={}), "did you mean 'file'?"),
    ],
)  # fmt: skip
def test_contradictions_are_errors(edit, says, project, podium):
    Path("own").mkdir()
    for key in ("oof", "test"):
        Path(GIVEN[key]).touch()

    def change(params):
        params[HOUSES]["models"] = {"given": dict(GIVEN)}
        edit(params[HOUSES])

    project.edit(change)
    outcome = podium("check")
    assert outcome.code == 2
    assert says in outcome.err


def test_there_is_nothing_to_search(given, podium):
    outcome = podium("tune", HOUSES, "given", "--trials", "1")
    assert outcome.code == 2
    assert "predictions come from files, so there is nothing to search" in outcome.err


@pytest.mark.deep
def test_an_edit_of_a_file_runs_its_model_again_and_nothing_else(shared, tmp_path):
    project = made_finished(shared).copy(tmp_path / "project")
    own = project.root / "own"
    own.mkdir()
    for name in ("oof", "test"):
        shutil.copy(project.root / f"models/{HOUSES}/ridge/{name}.parquet", own)
    project.edit(lambda params: params[HOUSES]["models"].update(given=dict(GIVEN)))
    ends = [f"ensemble@{HOUSES}", f"report@{HOUSES}"]
    train = f"models/dvc.yaml:{HOUSES}@given"
    assert repro(project) == [f"resolve@{HOUSES}", train, *ends]
    assert repro(project) == []
    table = pd.read_parquet(own / "oof.parquet")
    table.assign(prediction=table["prediction"] * 1.01).to_parquet(own / "oof.parquet")
    assert repro(project) == [f"resolve@{HOUSES}", train, *ends]
    (own / "test.parquet").unlink()
    project.must_run("podium", "sync")
    done = project.run("dvc", "repro")
    assert done.returncode != 0
    assert "no file 'own/test.parquet'" in done.stdout + done.stderr


def test_the_example_of_the_docs_runs(given, podium):
    page = text_of(ROOT / "docs/models.md").partition("## Predictions from elsewhere\n")[2]
    page = page.partition("\n## ")[0]
    ((code,), (block,)) = (blocks(page, language) for language in ("python", "yaml"))
    exec(code, {})
    knn = YAML(typ="safe").load(block)["models"]["knn"]
    given.edit(lambda params: params[HOUSES]["models"].update(knn=knn))
    trained = podium("train", HOUSES, "knn")
    assert trained.code == 0, trained.err
    assert "not checked" not in trained.err
