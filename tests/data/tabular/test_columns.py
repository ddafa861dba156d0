"""Types as the data means them."""

import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.columns import type_columns
from podium.io.errors import PodiumError

TRAIN = pd.DataFrame(
    {
        "Id": ["1", "2", "3"],
        "code": ["20", "60", "20"],
        "area": ["1.5", None, "3"],
        "alley": [None, "Grvl", None],
        "zone": ["A", None, "B"],
        "mixed": ["1", "2", "3"],
    },
    dtype="str",
)
TEST = TRAIN.assign(mixed=["1", "2", "many"])


def typed(**keys: list[str]):
    return type_columns(TRAIN, TEST, ["Id"], Preprocess(**keys))


def test_numbers_categories_and_codes():
    tables = typed(categorical=["code"])
    assert tables.numeric == ["area"]
    assert tables.categorical == ["code", "alley", "zone", "mixed"]
    assert tables.train["area"].dtype == "float64"
    assert tables.train["area"].isna().tolist() == [False, True, False]


def test_a_code_that_is_not_listed_is_a_number():
    assert "code" in typed().numeric


def spoilt(strays: int, rows: int = 100) -> pd.DataFrame:
    """A column of numbers and, from its third row on, so many texts."""
    area = [str(row) for row in range(rows)]
    area[2 : 2 + strays] = ["n/k"] * strays
    return pd.DataFrame({"Id": [str(row) for row in range(rows)], "area": area}, dtype="str")


@pytest.mark.parametrize("table", ["train", "test"])
def test_a_stray_text_in_a_column_of_numbers_is_told(table, capsys):
    tables = {"train": spoilt(0), "test": spoilt(0), table: spoilt(1)}
    typed = type_columns(tables["train"], tables["test"], ["Id"], Preprocess())
    assert typed.categorical == ["area"]
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{table}.csv:4: column 'area' has 'n/k'" in line
    assert "all but 1 of its 200 values are numbers" in line


@pytest.mark.parametrize(
    ("strays", "keys"), [(0, {}), (50, {}), (1, {"categorical": ["area"]}), (1, {"drop": ["area"]})]
)
def test_a_column_that_is_what_it_seems_is_not_remarked(strays, keys, capsys):
    train = spoilt(strays).assign(zone="A")
    type_columns(train, train, ["Id"], Preprocess(**keys))
    assert capsys.readouterr().err == ""


def test_missing_is_a_category_only_where_listed():
    tables = typed(na_is_category=["alley"])
    assert tables.train["alley"].tolist() == ["NA", "Grvl", "NA"]
    assert tables.train["zone"].isna().sum() == 1


def test_dropped_columns_are_gone():
    assert "zone" not in typed(drop=["zone"]).train


def test_no_column_left():
    with pytest.raises(PodiumError, match="no feature column"):
        typed(drop=["code", "area", "alley", "zone", "mixed"])


def one_column(train: list[str | None], test: list[str | None], **keys: list[str]):
    frames = (pd.DataFrame({"x": pd.Series(own, dtype="str")}) for own in (train, test))
    return type_columns(*frames, [], Preprocess(**keys))


def test_booleans_are_numbers_however_each_table_spells_them():
    tables = one_column(["TRUE", "FALSE", None], ["False", "true"])
    assert tables.numeric == ["x"]
    assert tables.train["x"].tolist()[:2] == [1, 0]
    assert tables.train["x"].isna().tolist() == [False, False, True]
    assert tables.test["x"].tolist() == [0, 1]


def test_booleans_match_ones_and_zeros_of_the_other_table():
    assert one_column(["1", "0"], ["TRUE", "FALSE"]).test["x"].tolist() == [1, 0]


def test_a_category_has_one_spelling_of_true_and_false():
    tables = one_column(["TRUE", "FALSE"], ["True", "false"], categorical=["x"])
    assert set(tables.train["x"]) == set(tables.test["x"]) == {"True", "False"}
    mixed = one_column(["TRUE", "maybe"], ["True", "maybe"])
    assert mixed.train["x"].tolist() == mixed.test["x"].tolist() == ["True", "maybe"]
