"""A competition without a sample submission: test ids, and the columns that its metric asks for."""

import shutil
import zipfile

import pandas as pd
import pytest

from podium.config import load_config
from podium.data.sample_submission import asked, make_sample
from podium.io.errors import PodiumError
from projects import DIGITS, HOUSES

NONE = {"files": {"sample_submission": None}}
MADE = pd.DataFrame({"Id": ["007", "x"], "y": ["", ""]})


@pytest.fixture
def competition(project):
    """House prices' block with other keys, and no sample submission."""

    def make(name: str = HOUSES, **keys: object):
        project.edit(lambda params: params[name]["source"].update(NONE))
        project.edit(lambda params: params[name].update(keys))
        return load_config(only=name)[name]

    return make


@pytest.mark.parametrize(
    ("task", "metric", "classes", "columns"),
    [
        ("regression", "rmse", [], ["y"]),
        ("binary", "accuracy", ["no", "yes"], ["y"]),
        ("binary", "auc", ["no", "yes"], ["y"]),
        ("multiclass", "accuracy", ["a", "b", "c"], ["y"]),
        ("multiclass", "map@2", ["a", "b", "c"], ["y"]),
        ("multiclass", "logloss", ["a", "b", "c"], ["a", "b", "c"]),
    ],
)
def test_the_columns_are_what_task_and_metric_ask_for(task, metric, classes, columns, competition):
    block = competition(task=task, metric=metric, target="y", target_transform="none")
    assert list(asked(MADE, classes, block)) == ["Id", *columns]
    named = competition(submission={"columns": {"p_one": "y"}})
    assert list(asked(MADE, classes, named)) == ["Id", "p_one"]


def test_a_sample_that_is_there_stays(project):
    assert asked(MADE, ["a", "b"], load_config(only=HOUSES)[HOUSES]) is MADE


def test_ids_are_the_texts_of_the_test_table(competition, tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "test.csv").write_text("a,Id\n1,007\n2,NA\n3,0x\n")
    make_sample(folder, competition())
    lines = (folder / "sample_submission.csv").read_text().splitlines()
    assert lines == ["Id,SalePrice", "007,", "NA,", "0x,"]


def test_a_test_table_without_the_ids_is_named(competition, tmp_path):
    (tmp_path / "test.csv").write_text("Idx,a\n1,2\n")
    with pytest.raises(PodiumError, match=r"test.csv: no id column 'Id'; did you mean 'Idx'\?"):
        make_sample(tmp_path, competition())


@pytest.mark.parametrize(("first", "ids"), [("a", ["b", "c"]), ("a.png", ["b.png", "c.png"])])
def test_ids_of_images_are_spelled_as_those_of_labels(first, ids, competition, tmp_path):
    files = {"train": "train", "test": "test", "labels": "labels.csv", "sample_submission": None}
    block = competition(DIGITS, source={"provider": "local", "path": ".", "files": files})
    (tmp_path / "labels.csv").write_text(f"{block.id},{block.target}\n{first},1\n")
    for archive, names in (("train.zip", ["a.png"]), ("test.zip", ["c.png", "b.png"])):
        with zipfile.ZipFile(tmp_path / archive, "w") as zipped:
            for name in names:
                zipped.writestr(name, "")
    make_sample(tmp_path, block)
    assert pd.read_csv(tmp_path / "sample_submission.csv")[block.id].tolist() == ids


def test_from_files_to_the_submission(project, podium, house_files):
    (house_files / "sample_submission.csv").unlink()
    project.use_files(house_files)
    project.keep({HOUSES: ["ridge"]})
    outcome = podium("download", HOUSES)
    assert outcome.code == 2
    assert "source.files.sample_submission (null if the competition has none)" in outcome.err
    project.edit(lambda params: params[HOUSES]["source"].update(NONE))
    project.edit(lambda params: params[HOUSES].pop("features", None))
    for stage in (["download"], ["preprocess"], ["train", "ridge"], ["ensemble"]):
        outcome = podium(stage[0], HOUSES, *stage[1:])
        assert outcome.code == 0, outcome.err
    assert "no sample submission" in outcome.out
    made = pd.read_csv(project.root / f"submissions/{HOUSES}/submission.csv")
    assert list(made) == ["Id", "SalePrice"]
    assert made["Id"].tolist() == pd.read_csv(house_files / "test.csv")["Id"].tolist()


def test_without_the_key_a_zip_says_so(project, podium, house_files):
    (house_files / "sample_submission.csv").unlink()
    project.use_files(shutil.make_archive(str(house_files), "zip", house_files))
    assert "(null if the competition has none)" in podium("download", HOUSES).err
