"""Bad input: one line, exit code 2, and what was there before is still there."""

import zipfile
from pathlib import Path

import pytest

from bad_input import assert_one_line, change, drop, put, rewrite, snapshot
from projects import COLUMNS, Project


def not_utf8(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"Pave", b"Pav\xe9", 1))


def doubled_header(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_bytes(path.read_bytes().replace(b"LotArea", b"LotShape", 1))


def ragged(folder: Path) -> None:
    with (folder / "train.csv").open("a") as file:
        file.write("1,2,3" + ",4" * 200 + "\n")


def cut_off(folder: Path) -> None:
    path = folder / "train.csv"
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b",", 0, len(content) // 2)])


def semicolons(folder: Path) -> None:
    path = folder / "train.csv"
    path.write_text(path.read_text().replace(",", ";"))


def two_predicted_columns(folder: Path) -> None:
    change(folder, "sample_submission.csv", lambda table: table.assign(More="1"))


# What is done to the files, and what the line must say.
DOWNLOAD_ERRORS = {
    "missing file": (lambda f: (f / "test.csv").unlink(), "test.csv: file is missing"),
    "empty file": (rewrite("train.csv", b""), "train.csv: file is empty"),
    "header alone": (rewrite("train.csv", b"Id,SalePrice\n"), "train.csv: has a header and no"),
    "not a csv": (rewrite("train.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "train.csv: "),
    "a web page": (rewrite("train.csv", b"<html><body>Sign in</body></html>"), "not a csv"),
    "ragged rows": (ragged, f"train.csv:82: not a csv: 203 values under {len(COLUMNS)}"),
    "cut off": (cut_off, "column names; if the file was cut off"),
    "semicolons": (semicolons, "separated by ';': save it with commas"),
    "Excel": (rewrite("train.csv", b"PK\x03\x04xl"), "this is an Excel file or a zip"),
    "misspelt target": (
        lambda f: change(f, "train.csv", lambda t: t.rename(columns={"SalePrice": "Saleprice"})),
        "did you mean 'Saleprice'?",
    ),
    "sample of two columns": (two_predicted_columns, "has 2 columns after the id"),
    "no target column": (drop("train.csv", "SalePrice"), "no target column 'SalePrice'"),
    "no id column": (
        lambda f: [drop(name, "Id")(f) for name in ("train.csv", "test.csv")],
        "train.csv: no id column 'Id'",
    ),
    "no id column in test": (drop("test.csv", "Id"), "test.csv: no id column 'Id'"),
    "duplicate ids": (put("train.csv", 4, "Id", "1"), "train.csv:6: duplicate Id 1"),
    "missing id": (put("test.csv", 2, "Id", ""), "test.csv:4: Id is missing"),
    "target missing": (put("train.csv", 1, "SalePrice", "NA"), "train.csv:3: SalePrice is miss"),
    "target negative": (put("train.csv", 1, "SalePrice", "-5"), "SalePrice '-5' is not positive"),
    "target text": (put("train.csv", 0, "SalePrice", "cheap"), "'cheap' is not a number"),
    "target constant": (
        lambda f: change(f, "train.csv", lambda t: t.assign(SalePrice="5")),
        "SalePrice is 5 in every row, and there is nothing to learn",
    ),
    "target infinite": (put("train.csv", 0, "SalePrice", "inf"), "'inf' is infinite"),
    "columns differ": (drop("test.csv", "Fence"), "test.csv: lacks columns that train.csv has: F"),
    "more columns in test": (drop("train.csv", "Fence"), "test.csv: has columns that train.csv"),
    "doubled column": (doubled_header, "train.csv:1: duplicate column 'LotShape'"),
    "not UTF-8": (not_utf8, "byte 0xe9 is not UTF-8"),
    "sample of other ids": (put("sample_submission.csv", 0, "Id", "9"), "ids are not those of"),
    "sample without id": (drop("sample_submission.csv", "Id"), "sample_submission.csv: "),
}


@pytest.mark.parametrize("case", DOWNLOAD_ERRORS)
def test_download_refuses(case, project: Project, podium, house_files: Path):
    spoil, says = DOWNLOAD_ERRORS[case]
    project.use_files(house_files)
    assert podium("download", "house-prices").code == 0
    before = snapshot(project.root / "data")
    spoil(house_files)
    outcome = podium("download", "house-prices")
    assert_one_line(outcome, says)
    assert snapshot(project.root / "data") == before


# Only known once columns have types.
PREPROCESS_ERRORS = {
    "infinite number": (
        put("train.csv", 3, "LotArea", "inf"),
        "house-prices: train.csv:5: column 'LotArea' has",
    ),
    "infinite in test": (
        put("test.csv", 0, "LotArea", "-inf"),
        "house-prices: test.csv:2: column 'LotArea'",
    ),
}


@pytest.mark.parametrize("case", PREPROCESS_ERRORS)
def test_preprocess_refuses(case, project: Project, podium, house_files: Path):
    spoil, says = PREPROCESS_ERRORS[case]
    project.use_files(house_files)
    for stage in ("download", "preprocess"):
        assert podium(stage, "house-prices").code == 0
    before = snapshot(project.root / "data/processed")
    spoil(house_files)
    assert podium("download", "house-prices").code == 0
    assert_one_line(podium("preprocess", "house-prices"), says)
    assert snapshot(project.root / "data/processed") == before


@pytest.mark.parametrize("key", ["drop", "categorical", "na_is_category"])
def test_a_listed_column_that_is_not_there(key, project: Project, podium, house_files: Path):
    project.use_files(house_files)
    assert podium("download", "house-prices").code == 0
    project.edit(lambda params: params["house-prices"]["preprocess"].update({key: ["Nope"]}))
    assert_one_line(
        podium("preprocess", "house-prices"), f"preprocess.{key}: no column 'Nope' in train.csv"
    )


def test_a_truncated_zip(project: Project, podium, house_files: Path, tmp_path: Path):
    archive = tmp_path / "house.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in house_files.iterdir():
            zipped.write(path, path.name)
    project.use_files(archive)
    assert podium("download", "house-prices").code == 0
    before = snapshot(project.root / "data")
    archive.write_bytes(archive.read_bytes()[:-200])
    assert_one_line(podium("download", "house-prices"), "house.zip: not a whole zip")
    assert snapshot(project.root / "data") == before


def test_more_folds_than_rows(project: Project, podium, house_files: Path):
    project.use_files(house_files)
    project.edit(lambda params: params["house-prices"]["folds"].update(count=81))
    assert podium("download", "house-prices").code == 0
    assert_one_line(podium("preprocess", "house-prices"), "only 80 training rows")


@pytest.mark.parametrize("stage", ["preprocess", "train", "ensemble", "report"])
def test_a_stage_before_its_time_says_what_to_run(stage, project: Project, podium):
    arguments = ["house-prices", "ridge"] if stage == "train" else ["house-prices"]
    outcome = podium(stage, *arguments)
    assert outcome.code == 2
    assert "run" in outcome.err
    assert "Traceback" not in outcome.err


def test_an_unknown_model_has_a_hint(project: Project, podium):
    assert_one_line(podium("train", "house-prices", "mpl"), "did you mean 'mlp'?")


def test_a_folder_that_cannot_be_written(project: Project, podium):
    """A file where the folder should be: unlike permissions, it stops the superuser too."""
    (project.root / "data").write_text("in the way")
    assert_one_line(podium("download", "house-prices"), "check permissions and free space")


def test_debug_shows_the_traceback(project: Project, podium):
    outcome = podium("--debug", "preprocess", "house-prices")
    assert outcome.code == 2
    assert "Traceback" in outcome.err
