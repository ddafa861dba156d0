"""Raw tables: targets, columns of one table only, missing values, spellings."""

import pandas as pd
import pytest

from podium.config import TableCompetition, load_config
from podium.data.tabular.prepare import make_dataset, prepare
from podium.data.tabular.read import check_raw, read_raw, read_target
from podium.io.errors import PodiumError


@pytest.mark.parametrize(
    ("transform", "metric", "least", "says"),
    [
        ("log", "rmsle", "0.1", "'0' is not positive, and target_transform is log"),
        ("log1p", "rmse", "0", "'-1' is negative, which log1p can't take"),
        ("none", "rmsle", "0", "'-1' is negative, which rmsle can't take"),
        ("none", "qwk", "-9", "'2.5' is no whole number, and qwk compares whole numbers"),
        ("none", "rmse", "-9", None),
    ],
)
def test_the_least_target(transform, metric, least, says, project):
    keys = {"target_transform": transform, "metric": metric}
    project.edit(lambda params: params["house-prices"].update(keys))
    competition = load_config(only="house-prices")["house-prices"]
    assert isinstance(competition, TableCompetition)
    y, classes = read_target(pd.DataFrame({"SalePrice": ["5", least]}), competition)
    assert (y.tolist(), classes) == ([5.0, float(least)], [])
    if says:
        bad = pd.DataFrame({"SalePrice": ["5", says.split("'")[1]]})
        with pytest.raises(PodiumError, match=rf"train.csv:3: SalePrice {says}"):
            read_target(bad, competition)


MANIFEST = {"provider": "local", "synthetic": False, "files": []}


@pytest.fixture
def competition(project, tmp_path):
    """A competition of these tables and keys: ids 0 ..., two classes."""

    def make(train: pd.DataFrame, test: pd.DataFrame, sample: pd.DataFrame, **keys):
        for name, table in (("train", train), ("test", test), ("sample_submission", sample)):
            table.to_csv(tmp_path / f"{name}.csv", index=False)
        block = {
            "task": "binary", "id": "id", "target": "y", "target_transform": "none",
            "metric": "accuracy", "folds": {"count": 2}, "preprocess": {}, "models": {"ridge": {}},
        }  # fmt: skip
        project.edit(lambda params: params["house-prices"].update({**block, **keys}))
        found = load_config(only="house-prices")["house-prices"]
        assert isinstance(found, TableCompetition)
        return tmp_path, found

    return make


def tables(rows: int = 12, **columns: list[object]) -> tuple[pd.DataFrame, ...]:
    """A train, a test and a sample; ``columns`` are of both tables."""
    table = pd.DataFrame({"id": range(rows), "x": range(rows), **columns})
    train = table.assign(y=["no", "yes"] * (rows // 2))
    return train, table, table[["id"]].assign(y="no")


@pytest.mark.parametrize(
    "keys",
    [
        {"preprocess": {"drop": ["when"]}},
        {"folds": {"scheme": "group", "count": 2, "group": "when"}},
    ],
    ids=["dropped", "the group"],
)
def test_a_column_that_only_train_has_is_legal_where_no_model_reads_it(competition, keys):
    train, test, sample = tables(when=[1, 2, 3] * 4)
    folder, found = competition(train, test.drop(columns="when"), sample, **keys)
    assert check_raw(folder, found) == "12 training rows, 12 test rows"
    assert list(make_dataset(read_raw(folder, found), found, MANIFEST).train) == ["x"]


def test_a_dropped_column_that_only_test_has_is_legal(competition):
    train, test, sample = tables(when=[1, 2, 3] * 4)
    keys = {"preprocess": {"drop": ["when"]}}
    folder, found = competition(train.drop(columns="when"), test, sample, **keys)
    assert list(make_dataset(read_raw(folder, found), found, MANIFEST).test) == ["x"]


def test_any_other_column_that_only_train_has_is_told(competition):
    train, test, sample = tables(when=[1, 2, 3] * 4)
    folder, found = competition(train, test.drop(columns="when"), sample)
    with pytest.raises(PodiumError, match="lacks columns that train.csv has: when;.*drop"):
        read_raw(folder, found)


def test_na_is_an_id_a_class_and_a_group_but_a_missing_feature(competition):
    train, test, sample = tables(country=["NA", "FR", "DE"] * 4)
    for table in (train, test, sample):
        table["id"] = ["NA", "null", *range(2, 12)]
    train["y"] = ["NA", "other"] * 6
    sample["y"] = "NA"
    folds = {"scheme": "group", "count": 3, "group": "country"}
    folder, found = competition(train, test, sample)
    data = make_dataset(read_raw(folder, found), found, MANIFEST)
    assert data.train_ids.tolist()[:2] == ["NA", "null"]
    assert data.schema.classes == ["NA", "other"]
    assert data.train["country"].isna().tolist()[:3] == [True, False, False]
    folder, found = competition(train, test, sample, folds=folds)
    data = make_dataset(read_raw(folder, found), found, MANIFEST)
    assert len(set(zip(data.folds[:, 0], train["country"], strict=True))) == 3


def test_an_empty_id_or_class_is_missing(competition):
    train, test, sample = tables()
    train["y"] = ["", "yes", *train["y"][2:]]
    folder, found = competition(train, test, sample)
    with pytest.raises(PodiumError, match=r"train.csv:2: y is missing"):
        read_raw(folder, found)


def test_na_is_a_missing_target_of_numbers(competition):
    train, test, sample = tables()
    train["y"] = ["NA", *range(11)]
    folder, found = competition(train, test, sample, task="regression", metric="rmse")
    with pytest.raises(PodiumError, match=r"train.csv:2: y is missing"):
        read_raw(folder, found)


@pytest.mark.parametrize(
    ("spelling", "expected"), [("False", "True"), ("false", "true"), ("0", "1")]
)
def test_boolean_classes_are_spelled_as_the_sample_does(competition, spelling, expected):
    train, test, sample = tables(flag=["TRUE", "FALSE"] * 6)
    train["y"] = ["TRUE", "FALSE"] * 6
    test["flag"] = ["True", "False"] * 6
    folder, found = competition(train, test, sample.assign(y=spelling))
    data = make_dataset(read_raw(folder, found), found, MANIFEST)
    assert data.schema.classes == [spelling, expected]
    assert data.y.tolist() == [1, 0] * 6
    assert data.train["flag"].tolist() == data.test["flag"].tolist() == [1, 0] * 6


def test_levels_that_most_test_rows_have_and_no_training_row_are_told(
    competition, capsys, tmp_path
):
    train, test, sample = tables(shop=["a", "b", "c"] * 4)
    test["shop"] = ["d", "e", "a"] * 4
    folder, found = competition(train, test, sample)
    (out := tmp_path / "out").mkdir()
    prepare(folder, found, MANIFEST, out)
    (line,) = capsys.readouterr().err.splitlines()
    assert "house-prices: column 'shop' holds levels in 67% of the test rows" in line
    summary = pd.read_csv(out / "summary.csv").set_index("column")
    assert "67% of the test rows" in summary.loc["shop", "warning"]
    assert pd.isna(summary.loc["x", "warning"])


def test_what_does_not_fit_into_memory_is_told_before_it_is_made(competition, monkeypatch):
    train, test, sample = tables(name=[f"name {row}" for row in range(12)])
    folder, found = competition(train, test, sample, preprocess={"min_count": 1})
    data = make_dataset(read_raw(folder, found), found, MANIFEST)
    data.dense(data.splits[0])
    monkeypatch.setattr("podium.data.tabular.size.memory", lambda: 4 * 8 * 24 * 6)
    with pytest.raises(PodiumError, match=r"features of 24 rows .*levels of 'name' \(6\): set"):
        data.dense(data.splits[0])


def prepared(competition, capsys, tmp_path, train, test, sample, **keys):
    """What the stage says, and the summary's rows by column."""
    folder, found = competition(train, test, sample, **keys)
    (out := tmp_path / "out").mkdir()
    prepare(folder, found, MANIFEST, out)
    summary = pd.read_csv(out / "summary.csv", keep_default_na=False).set_index("column")
    # That test has the rows of train is told too, and is so here.
    said = [line for line in capsys.readouterr().err.splitlines() if ": test rows:" not in line]
    return said, summary


def test_ids_in_the_test_table_alone(competition, capsys):
    train, test, sample = tables(shop=list("abcd") * 3)
    folder, found = competition(train.drop(columns="id"), test, sample)
    assert "12 training rows" in check_raw(folder, found)
    (line,) = capsys.readouterr().err.splitlines()
    assert "house-prices: train.csv has no column 'id' as test.csv has" in line
    data = make_dataset(read_raw(folder, found), found, MANIFEST)
    assert data.train_ids.tolist() == [str(number) for number in range(1, 13)]
    assert list(data.train) == ["x", "shop"]


def test_a_column_that_is_missing_in_every_training_row_is_left_out(competition, capsys, tmp_path):
    train, test, sample = tables(pool=None)
    said, summary = prepared(competition, capsys, tmp_path, train, test.assign(pool=1), sample)
    assert len(said) == 1
    assert "house-prices: column 'pool' is missing in every training row" in said[0]
    assert summary.loc["pool", "treatment"] == "not used"


def test_columns_of_one_value_are_told_on_one_line(competition, capsys, tmp_path):
    said, _ = prepared(competition, capsys, tmp_path, *tables(a="k", b=7))
    (line,) = said
    assert "'a' is constant in the training rows" in line
    assert "'b' is constant in the training rows" in line


@pytest.mark.parametrize(
    ("name", "values", "is_index"),
    [
        ("Unnamed: 0", range(100, 124), True),
        ("size", range(24), True),
        ("Unnamed: 0", [*range(0, 24, 2), *range(1, 24, 2)], True),
        ("size", [*range(0, 24, 2), *range(1, 24, 2)], False),
        ("Unnamed: 0", [1.5, *range(2, 25)], False),
    ],
)
def test_row_numbers_are_told(name, values, is_index, competition, capsys, tmp_path):
    said, summary = prepared(
        competition, capsys, tmp_path, *tables(24, **{"x": [3, 1] * 12, name: list(values)})
    )
    assert any(f"column '{name}' counts the rows" in line for line in said) == is_index
    assert ("may be an index" in summary.loc[name, "warning"]) == is_index


def test_written_numbers_are_in_the_summary(competition, capsys, tmp_path):
    said, summary = prepared(competition, capsys, tmp_path, *tables(pay=["$1,200", "90"] * 6))
    assert not said
    assert summary.loc["pay", "type"] == "number"
    assert summary.loc["pay", "treatment"] == "read without ',' and '$', standardize"


def test_parts_of_a_date_are_no_columns_to_drop(competition, capsys, tmp_path):
    """A day later in each row, and one year: parts count the rows, or are constant."""
    days = list(pd.date_range("2020-01-01", periods=24).strftime("%Y-%m-%d"))
    said, _ = prepared(competition, capsys, tmp_path, *tables(24, x=[3, 1] * 12, day=days))
    assert not [line for line in said if "day" in line]


def test_of_a_column_that_is_not_used_one_thing_is_said(competition, tmp_path, capsys):
    names = [f"Mr {row}" for row in range(60)]
    days = pd.date_range("2020-01-01", periods=60).strftime("%Y-%m-%d").tolist()
    train, test, sample = tables(60, name=names, day=days)
    test = test.assign(name=[f"Mrs {name}" for name in names])
    folder, found = competition(train, test, sample)
    (tmp_path / "out").mkdir()
    prepare(folder, found, MANIFEST, tmp_path / "out")
    summary = pd.read_csv(tmp_path / "out/summary.csv").set_index("column")["warning"]
    assert "each too rare to learn from, and is not used" in summary["name"]
    assert "that no training row has" not in summary["name"]
    # The parts of a date are used.
    assert summary["day"].isna().all()
    assert capsys.readouterr().err.count("too rare") == 1
