"""Types as the data means them."""

import pandas as pd
import pytest

from podium.config import Preprocess
from podium.errors import PodiumError
from podium.tabular.columns import type_columns

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


def test_missing_is_a_category_only_where_listed():
    tables = typed(na_is_category=["alley"])
    assert tables.train["alley"].tolist() == ["NA", "Grvl", "NA"]
    assert tables.train["zone"].isna().sum() == 1


def test_dropped_columns_are_gone():
    assert "zone" not in typed(drop=["zone"]).train


def test_no_column_left():
    with pytest.raises(PodiumError, match="no feature column"):
        typed(drop=["code", "area", "alley", "zone", "mixed"])
