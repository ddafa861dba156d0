"""Keys of folds that contradict each other, with file, line and what to do."""

from pathlib import Path

import pytest

from bad_input import assert_one_line

HOUSES, DIGITS = "house-prices", "digit-recognizer"


def set_folds(project, competition=HOUSES, **keys):
    def change(params):
        params[competition]["folds"].clear()
        params[competition]["folds"].update(keys)

    project.edit(change)


WRONG = {
    "gap for kfold": (
        {"scheme": "kfold", "gap": 3},
        "folds.gap: is used by scheme 'purged' or 'time' only, not 'kfold'; remove it",
    ),
    "window for purged": (
        {"scheme": "purged", "gap": 1, "window": 3},
        "folds.window: is used by scheme 'time' only, not 'purged'; remove it",
    ),
    "by for stratified": (
        {"scheme": "stratified", "by": "YrSold"},
        "folds.by: is used by scheme 'contiguous', 'purged' or 'time' only",
    ),
    "purged without gap": ({"scheme": "purged"}, "'purged' needs 'gap: <number>' beside it"),
    "stratified group without group": (
        {"scheme": "stratified_group"},
        "'stratified_group' needs 'group: <column>' beside it",
    ),
    "column without column": ({"scheme": "column"}, "'column' needs 'column: <column>' beside it"),
    "file without path": ({"scheme": "file"}, "'file' needs 'path: <csv file>' beside it"),
    "count of a column": (
        {"scheme": "column", "column": "Id", "count": 4},
        "folds.count: does nothing: 'column' says how many; remove it",
    ),
    "repeats in time": (
        {"scheme": "time", "repeats": 2},
        "folds.repeats: 'time' folds are the same at every repeat; set repeats to 1",
    ),
    "a group that is the target": (
        {"scheme": "group", "group": "SalePrice"},
        "folds.group: 'SalePrice' is the target; name another column",
    ),
    "a negative gap": (
        {"scheme": "time", "gap": -1},
        "folds.gap: expected at least 0, found -1",
    ),
    "a gap that is no number": (
        {"scheme": "time", "gap": "7 days"},
        "folds.gap: expected a whole number, found text '7 days'",
    ),
    "an empty window": (
        {"scheme": "time", "window": 0},
        "folds.window: expected at least 1, found 0",
    ),
    "max_train_size": (
        {"scheme": "time", "max_train_size": 5},
        "unknown key 'max_train_size'; did you mean 'window'?",
    ),
    "a list": ({"scheme": ["time"]}, "folds.scheme: expected"),
}


@pytest.mark.parametrize(("keys", "says"), WRONG.values(), ids=WRONG)
def test_contradictory_keys(keys, says, project, podium):
    set_folds(project, **keys)
    outcome = podium("check")
    assert_one_line(outcome, says)
    assert "params.yaml:" in outcome.err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GroupKFold", "group"),
        ("TimeSeriesSplit", "time"),
        ("StratifiedKFold", "stratified"),
        ("StratifiedGroupKFold", "stratified_group"),
        ("PurgedKFold", "purged"),
        ("predefined-split", "column"),
        ("K_Fold", "kfold"),
    ],
)
def test_names_of_scikit_learn_are_known(name, meant, project, podium):
    set_folds(project, scheme=name)
    says = f"folds.scheme: expected '{meant}', as it is called here, found text '{name}'"
    assert_one_line(podium("check"), says)


@pytest.mark.parametrize("keys", [{"scheme": "time"}, {"scheme": "column", "column": "Fold"}])
def test_what_nested_full_can_do(keys, project, podium):
    set_folds(project, **keys)
    project.edit(lambda params: params[HOUSES]["ensemble"].update(nested="full"))
    outcome = podium("check")
    if keys["scheme"] == "time":
        assert_one_line(outcome, "'full' does nothing with 'time' folds")
    else:
        assert outcome.code == 0
        assert "rmsle, folds of scheme column, models" in outcome.out


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"scheme": "stratified_group"}, "'stratified_group' needs a column, and images have none"),
        ({"scheme": "column"}, "'column' needs a column, and images have none"),
        ({"scheme": "time", "by": "when"}, "folds.by: images have no columns"),
        ({"scheme": "time"}, None),
        ({"scheme": "contiguous"}, None),
    ],
)
def test_images_have_no_columns(keys, says, project, podium):
    set_folds(project, DIGITS, **keys)
    outcome = podium("check")
    if says is None:
        assert outcome.code == 0
    else:
        assert_one_line(outcome, says)


def test_a_file_of_folds_that_is_not_there(project, podium):
    set_folds(project, scheme="file", path="own.csv")
    for command in (["check"], ["resolve", HOUSES]):
        outcome = podium(*command)
        assert_one_line(outcome, "folds.path: no file 'own.csv'; give a csv of folds")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"scheme": "kfold", "count": 81}, "folds.count: is 81, but there are only 80 training"),
        ({"scheme": "group", "group": "Street", "count": 3}, "only 2 groups in column 'Street'"),
        ({"scheme": "time", "by": "YrSold", "count": 5}, "only 5 values in column 'YrSold'"),
        ({"scheme": "time", "gap": 40}, "folds.gap: is 40, but there are only 15 rows before"),
        ({"scheme": "purged", "gap": 40}, "folds.gap: is 40, which leaves fold 2 no rows to train"),
        ({"scheme": "time", "count": 80}, "80 training rows, and the first part is only trained"),
        ({"scheme": "column", "column": "YrSold"}, "column 'YrSold' has a fold 2010 and no fold"),
    ],
)
def test_counts_that_the_rows_do_not_allow(keys, says, project, podium, house_files):
    project.use_files(house_files)
    set_folds(project, **keys)
    assert_one_line(podium("check"), says)
    podium("sync")
    assert podium("download", HOUSES).code == 0
    outcome = podium("preprocess", HOUSES)
    assert_one_line(outcome, says)
    line = next(
        number
        for number, text in enumerate(Path("params.yaml").read_text().splitlines(), start=1)
        if text.startswith("  folds:")
    )
    assert f"params.yaml:{line}: house-prices.folds." in outcome.err


@pytest.mark.parametrize("keys", [{"group": "Nbhd"}, {"by": "Nbhd"}, {"column": "Nbhd"}])
def test_a_column_that_is_not_there(keys, project, podium, house_files):
    project.use_files(house_files)
    scheme = {"group": "group", "by": "time", "column": "column"}[next(iter(keys))]
    set_folds(project, scheme=scheme, **keys)
    outcome = podium("check")
    assert_one_line(outcome, "no column 'Nbhd' in train.csv")
    assert f"folds.{next(iter(keys))}: " in outcome.err
