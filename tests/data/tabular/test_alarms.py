"""Each alarm about a leak is raised on a table that has it, and not on one without."""

import re
import shutil

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from podium.config import load_config
from podium.data.tabular.prepare import prepare
from projects import write_csv

ROWS, TEST_ROWS = 600, 300
MANIFEST = {"provider": "local", "synthetic": False, "files": []}
SHUFFLED = {"scheme": "kfold", "count": 4, "repeats": 1, "seed": 0}
CLASSES = {"binary": 2, "multiclass": 4}
TASKS = ["regression", *CLASSES]


@pytest.fixture
def alarms(tmp_path):
    """The warnings about two tables, by column, as the summary has them."""

    def found(train, test, task="regression", drop=(), **folds):
        write_csv(train, tmp_path / "train.csv")
        write_csv(test, tmp_path / "test.csv")
        sample = test[["id"]].assign(y=train["y"].iloc[0])
        write_csv(sample, tmp_path / "sample_submission.csv")
        block = {
            "kind": "tabular", "source": {"provider": "local", "path": str(tmp_path)},
            "task": task, "id": "id", "target": "y", "target_transform": "none",
            "metric": "rmse" if task == "regression" else "accuracy",
            "folds": folds or SHUFFLED, "preprocess": {"drop": list(drop)},
            "models": {"ridge": {}}, "ensemble": {"method": "mean"},
        }  # fmt: skip
        YAML().dump({"competitions": ["made"], "made": block}, tmp_path / "params.yaml")
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        prepare(tmp_path, load_config(tmp_path / "params.yaml")["made"], MANIFEST, out)
        summary = pd.read_csv(out / "summary.csv").dropna(subset="warning")
        return dict(zip(summary["column"], summary["warning"], strict=True))

    return found


def tables(task="regression"):
    """A target that two of the features explain in part; ids and rows in no order."""
    rng = np.random.default_rng(0)
    count = ROWS + TEST_ROWS
    table = pd.DataFrame({"id": rng.permutation(count), "size": rng.normal(size=count)})
    table["kind"] = rng.choice(list("abcdef"), count)
    noisy = table["size"] + (table["kind"] == "a") + rng.normal(size=count)
    table["y"] = noisy.round(4)
    if task != "regression":
        table["y"] = "class " + pd.qcut(noisy, CLASSES[task], labels=False).astype(str)
    return table[:ROWS].copy(), table[ROWS:].drop(columns="y").reset_index(drop=True)


@pytest.mark.parametrize("task", TASKS)
def test_a_clean_table_raises_none(alarms, task):
    assert alarms(*tables(task), task) == {}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_feature_that_gives_the_target_away(alarms, task, as_text):
    train, test = tables(task)
    number = pd.factorize(train["y"], sort=True)[0]
    levels = number // 20 if task == "regression" else number
    train["fee"] = "level " + pd.Series(levels).astype(str) if as_text else 3 * number
    test["fee"] = train["fee"][:TEST_ROWS].to_numpy()
    found = alarms(train, test, task)
    assert "alone predicts y nearly perfectly" in found["fee"]
    assert set(found) == {"fee"}


def test_one_that_is_missing_where_the_target_is_low(alarms):
    train, test = tables("binary")
    train["paid"] = np.where(train["y"] == "class 1", train["size"], np.nan)
    test["paid"] = test["size"]
    assert "alone predicts y" in alarms(train, test, "binary")["paid"]
    assert "paid" not in alarms(train, test, "binary", drop=["paid"]), "what is dropped is no leak"


@pytest.mark.parametrize("task", TASKS)
def test_rows_that_are_sorted(alarms, task):
    train, test = tables(task)
    order = (pd.factorize(train["y"], sort=True)[0]).argsort(kind="stable")
    found = alarms(train.iloc[order], test, task)
    assert "predicts y" in found["row order"]
    assert set(found) == {"row order"}


def test_ids_that_tell_the_target(alarms):
    train, test = tables()
    train["id"] = train["y"].rank(method="first").astype(int)
    test["id"] = np.arange(TEST_ROWS) + 10_000
    found = alarms(train, test)
    assert "folds.by" in found["id"]
    assert set(found) == {"id"}
    # As text, and where a scheme goes by time they may.
    names = train.assign(id="house-" + train["id"].astype(str).str.zfill(4))
    assert set(alarms(names, test)) == {"id"}
    assert alarms(train, test, scheme="contiguous", count=4, repeats=1, seed=0) == {}


def test_rows_of_train_in_test(alarms):
    train, test = tables()
    test.loc[:29, ["size", "kind"]] = train.loc[:29, ["size", "kind"]]
    found = alarms(train, test)
    assert "30 of 300 (10%) are equal to a training row" in found["test rows"]
    assert set(found) == {"test rows"}


def test_rows_that_are_there_twice(alarms):
    train, test = tables()
    twice = train[:200].assign(id=np.arange(200) + 5_000)
    both = pd.concat([train, twice]).sample(frac=1, random_state=0)
    found = alarms(both, test)
    assert "100% of them with the same y; only 0% of the test rows" in found["training rows"]
    assert set(found) == {"training rows"}
    other = both.assign(y=np.random.default_rng(1).permutation(both["y"]))
    same = re.search(r"(\d+)% of them with the same y", alarms(other, test)["training rows"])
    assert int(same[1]) < 5


def test_repeats_within_a_fold_or_of_few_values_are_none(alarms):
    train, test = tables()
    both = pd.concat([train, train.assign(id=train["id"] + 5_000)]).sample(frac=1, random_state=0)
    both["customer"] = pd.factorize(both["size"])[0]
    folds = {"scheme": "group", "group": "customer", "count": 4, "repeats": 1, "seed": 0}
    assert alarms(both, test, **folds) == {}
    few = [table.assign(size=(table["size"] > 0).astype(int)) for table in (train, test)]
    assert alarms(*few) == {}, "two features of few values are alike by chance"


@pytest.mark.parametrize("is_text", [False, True])
def test_groups_that_test_has_others_of(alarms, is_text):
    train, test = tables()
    rng = np.random.default_rng(2)
    train["customer"], test["customer"] = rng.integers(60, size=ROWS), 60 + np.arange(300) // 5
    if is_text:
        for table in (train, test):
            table["customer"] = "c" + table["customer"].astype(str)
    found = alarms(train, test)
    assert "folds.group: customer" in found["customer"]
    assert set(found) == {"customer"}
    folds = {"scheme": "group", "group": "customer", "count": 4, "repeats": 1, "seed": 0}
    assert alarms(train, test, **folds) == {}
    assert "folds.group" in alarms(train, test, drop=["customer"])["customer"], "no feature, but"
    mixed = test.assign(customer=train["customer"][:TEST_ROWS].to_numpy())
    assert alarms(train, mixed) == {}


@pytest.mark.parametrize("is_date", [False, True])
def test_times_that_go_on_in_test(alarms, is_date):
    train, test = tables()
    rng = np.random.default_rng(3)
    days = rng.permutation(np.arange(ROWS) // 2), 300 + np.arange(TEST_ROWS) // 2
    for table, day in zip((train, test), days, strict=True):
        date = pd.Timestamp("2020-01-01") + pd.to_timedelta(day, "D")
        table["day"] = date.strftime("%Y-%m-%d") if is_date else day
    found = alarms(train, test)
    assert "later in 100% of the test rows" in found["day"]
    assert "folds.by: day" in found["day"]
    assert len(found) == 1
    folds = {"scheme": "time", "by": "day", "count": 4, "repeats": 1, "seed": 0}
    assert alarms(train, test, **folds) == {}
    mixed = test.assign(day=train["day"][:TEST_ROWS].to_numpy())
    assert "later" not in str(alarms(train, mixed))


def test_the_terminal_and_the_summary_say_the_same(alarms, capsys):
    train, test = tables()
    train["fee"], test["fee"] = train["y"] * 2, test["size"]
    order = train["y"].argsort(kind="stable")
    found = alarms(train.iloc[order], test)
    lines = capsys.readouterr().err.splitlines()
    assert f"podium: warning: made: column 'fee' {found['fee']}" in lines
    assert f"podium: warning: made: row order: {found['row order']}" in lines
    assert len(lines) == 2
