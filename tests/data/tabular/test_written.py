"""Numbers that are written with marks."""

import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.columns import type_columns


def typed(train: list[str | None], test: list[str | None] | None = None, **keys):
    frames = (
        pd.DataFrame({"pay": pd.Series(own, dtype="str")})
        for own in (train, train if test is None else test)
    )
    return type_columns(*frames, [], Preprocess(**keys))


@pytest.mark.parametrize(
    ("texts", "numbers", "marks"),
    [
        (["1,015", "12", None], [1015, 12, None], "','"),
        (["10.2%", "3 %", "0"], [10.2, 3, 0], "'%'"),
        (["$1,200", "-$5.50", "$-2"], [1200, -5.5, -2], "',' and '$'"),
        (["12 €", "1,234,567.5 €", "7"], [12, 1234567.5, 7], "',' and '€'"),
        (["1,000", "1e3", "+2"], [1000, 1000, 2], "','"),
    ],
)
def test_marks_are_left_out(texts, numbers, marks):
    tables = typed(texts)
    assert tables.numeric == ["pay"]
    assert tables.marks == {"pay": marks}
    assert (
        tables.train["pay"].astype(object).where(tables.train["pay"].notna(), None).tolist()
        == numbers
    )


@pytest.mark.parametrize(
    "texts",
    [
        ["1,2", "3,4"],
        ["10%", "0.1"],
        ["$5", "€5"],
        ["1,01,5", "2,000"],
        ["12-34", "%", "$"],
        ["a,b", "1,000", "2,000"],
        ["%5", "5%"],
        ["1,0000", "2"],
    ],
)
def test_other_texts_stay_categories(texts):
    assert typed(texts).categorical == ["pay"]


def test_both_tables_have_one_rule():
    tables = typed(["1200", "3"], ["1,015"])
    assert tables.test["pay"].tolist() == [1015]
    assert typed(["10%", "3%"], ["0.5"]).categorical == ["pay"]


def test_a_listed_column_stays_a_category():
    assert typed(["1,015", "2,030"], categorical=["pay"]).categorical == ["pay"]


def test_a_few_texts_among_written_numbers_are_told(capsys):
    assert typed([*["1,015"] * 60, "n/k"], ["2,000"] * 60).categorical == ["pay"]
    assert "all but 1 of its 121 values are numbers" in capsys.readouterr().err
