"""Columns that params.yaml names and the data lack: podium check and the stage say which."""

import pytest

from projects import DIGITS, HOUSES

NAMED = {
    "drop": (lambda block: block["preprocess"].update(drop=["PoolQC", "Allex"]), "Alley"),
    "categorical": (lambda block: block["preprocess"].update(categorical=["MSSubclas"]), "MSSub"),
    "na_is_category": (lambda block: block["preprocess"]["na_is_category"].append("Fenc"), "Fence"),
    "group": (lambda block: block.update(folds={"scheme": "group", "group": "YrSol"}), "YrSold"),
    "id": (lambda block: block.update(id="Idd"), "Id"),
    "target": (lambda block: block.update(target="SalesPrice"), "SalePrice"),
}


@pytest.fixture
def downloaded(project, podium):
    assert podium("download", HOUSES).code == 0
    checked = podium("check")
    assert checked.code == 0
    assert "not checked" not in checked.out
    return project


@pytest.mark.parametrize("key", NAMED)
def test_a_column_that_is_not_there(key, downloaded, podium):
    change, meant = NAMED[key]
    downloaded.edit(lambda params: change(params[HOUSES]))
    errors = []
    for outcome in (podium("check"), podium("preprocess", HOUSES)):
        assert outcome.code == 2
        assert "is valid" not in outcome.out
        (error,) = outcome.err.splitlines()
        errors.append(error)
    assert errors[0] == errors[1]
    _, line, name = errors[0].removeprefix("podium: error: ").split(":")[:3]
    assert name.strip().startswith(f"{HOUSES}.")
    assert name.endswith(key)
    assert "in train.csv" in errors[0]
    assert f"did you mean '{meant}" in errors[0]
    wrong = errors[0].split("no column '")[1].partition("'")[0]
    assert wrong in (downloaded.root / "params.yaml").read_text().splitlines()[int(line) - 1]


def test_all_columns_that_are_not_there_are_listed_by_check(downloaded, podium):
    downloaded.edit(lambda params: params[HOUSES]["preprocess"].update(drop=["A", "B", "Alley"]))
    assert len(podium("check").err.splitlines()) == 2


def test_data_of_another_source_say_nothing(downloaded, podium):
    downloaded.edit(lambda params: params[HOUSES].update(target="y"))
    assert podium("check").code == 2
    downloaded.edit(lambda params: params[HOUSES]["source"].update(provider="kaggle"))
    assert podium("check").code == 0


def test_local_files_are_looked_at_before_they_are_copied(project, podium, house_files):
    project.use_files(house_files)
    assert podium("check").code == 0
    project.edit(lambda params: params[HOUSES]["preprocess"].update(drop=["PoolQ"]))
    assert "did you mean 'PoolQC'?" in podium("check").err


def test_pixels_have_a_label_and_no_id(project, podium):
    assert podium("download", DIGITS).code == 0
    assert podium("check").code == 0
    project.edit(lambda params: params[DIGITS].update(target="lable"))
    assert "digit-recognizer.target: no column 'lable' in train.csv" in podium("check").err


def test_all_features_of_the_wrong_kind_are_listed_by_check(downloaded, podium):
    features = {
        "Sold": "year(GrLivArea)",
        "Half": "Sold / 2",
        "Logged": "log(Street)",
        "Fine": "GrLivArea / 2",
        "ToMean": "GrLivArea - (mean(Street) by Alley)",
        "Later": "Street + 1",
    }
    downloaded.edit(lambda params: params[HOUSES].update(features=features))
    checked = podium("check")
    lines = checked.err.splitlines()
    assert checked.code == 2
    named = [line.split(f"{HOUSES}.features.")[1].partition(":")[0] for line in lines]
    assert named == ["Sold", "Logged", "ToMean", "Later"]
    assert "year() takes dates, and 'GrLivArea' is a number (for example" in lines[0]
    (stage,) = podium("preprocess", HOUSES).err.splitlines()
    assert stage.startswith(lines[0])
    assert stage.endswith("(and 3 more: 'podium check' lists all)")


def test_preprocess_before_download_says_so(project, podium):
    (line,) = podium("preprocess", HOUSES).err.splitlines()
    assert line.endswith(f"run 'podium download {HOUSES}' first")


@pytest.fixture
def classes(downloaded):
    """Downloaded files whose target is one of three classes, NA among them."""
    path = downloaded.root / f"data/raw/{HOUSES}/train.csv"
    header, *rows = path.read_text().splitlines()
    kept = [row.rpartition(",")[0] for row in rows]
    new = [f"{row},{('NA', 'low', 'high')[place % 3]}" for place, row in enumerate(kept)]
    path.write_text("\n".join([header, *new]) + "\n")
    block = {
        "task": "multiclass", "metric": "accuracy", "target_transform": "none", "features": {},
        "models": {"ridge": {}},
    }  # fmt: skip
    downloaded.edit(lambda params: params[HOUSES].update(block))
    return downloaded


def test_a_class_called_na_is_no_missing_one(classes, podium):
    """As for the stages: in ids, classes and groups only an empty text is missing."""
    assert podium("check").code == 0


def test_a_class_that_is_not_listed_has_the_line_of_classes(classes, podium):
    classes.edit(lambda params: params[HOUSES].update(classes=["low", "high"]))
    (error,) = podium("check").err.splitlines()
    assert error.endswith("'NA' in train.csv, which is not among them; list every class, in order")
    assert error.count("params.yaml") == 1
    line = int(error.split("params.yaml:")[1].split(":")[0])
    assert "classes" in (classes.root / "params.yaml").read_text().splitlines()[line - 1]


def test_a_target_that_does_not_fit_is_an_error_of_check(downloaded, podium):
    downloaded.edit(lambda params: params[HOUSES].update(target="Street", features={}))
    outcome = podium("check")
    assert outcome.code == 2
    assert f"{HOUSES}.target: train.csv:2: Street 'Pave' is not a number" in outcome.err
