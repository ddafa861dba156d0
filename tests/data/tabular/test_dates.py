"""Dates are recognised, and become numbers."""

import numpy as np
import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.columns import type_columns
from podium.data.tabular.transform import fit_transform_on

DAYS = pd.to_datetime(["2017-06-12", "2016-12-05", "2017-01-31", "2016-02-29"])


def typed(train: list[str | None], test: list[str | None], **keys):
    frames = (pd.DataFrame({"day": pd.Series(own, dtype="str")}) for own in (train, test))
    return type_columns(*frames, [], Preprocess(**keys))


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%b-%Y", "%d %b %Y",
     "%B %d, %Y", "%m/%d/%y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M:%S"],
)  # fmt: skip
def test_every_common_format_gives_the_same_numbers(form):
    tables = typed(list(DAYS.strftime(form)), [pd.Timestamp("2020-01-31").strftime(form)])
    assert not tables.categorical
    found = tables.train
    assert list(found) == [f"day {part}" for part in ("year", "month", "day", "weekday", "days")]
    assert found["day month"].tolist() == DAYS.month.tolist()
    assert found["day day"].tolist() == DAYS.day.tolist()
    assert found["day weekday"].tolist() == DAYS.day_of_week.tolist()
    since = (DAYS - pd.Timestamp("1970-01-01")).days
    assert found["day days"].tolist() == since.tolist()
    assert (found.dtypes == "float64").all()


def test_times_add_the_hour_and_a_part_of_the_day():
    train = typed(["2017-06-12 06:30", "2017-06-12 18:00"], ["2017-06-13 00:00"]).train
    assert train["day hour"].tolist() == [6.5, 18]
    assert np.diff(train["day days"]).tolist() == pytest.approx([11.5 / 24])


def test_a_missing_date_is_missing_in_every_part():
    tables = typed(["2017-06-12", None], [None])
    assert tables.train.isna().to_numpy().tolist() == [[False] * 5, [True] * 5]
    assert tables.test.isna().all(axis=None)


def test_later_dates_of_the_test_rows_are_numbers_too():
    tables = typed(["2017-06-12", "2017-06-13"], ["2021-01-01"])
    assert tables.test["day year"].tolist() == [2021]


@pytest.mark.parametrize(
    "values",
    [["12-34", "13-35"], ["a-1-2", "b-1-3"], ["2017-99-01", "2017-98-01"], ["May", "June"]],
)
def test_other_texts_are_no_dates(values):
    assert typed(values, values).categorical == ["day"]


def test_days_that_recur_are_levels_too_for_linear_models_and_networks():
    days = [str(day.date()) for day in pd.date_range("2017-01-01", periods=9)] * 4
    tables = typed(days, days)
    assert tables.categorical == ["day"]
    transform = fit_transform_on(
        tables.train, tables.numeric, ["day"], Preprocess(), dense_only=tables.dates
    )
    assert list(transform.native(tables.train)) == tables.numeric
    assert "day=2017-01-02" in transform.feature_names
    assert typed(days[:4], days[4:9]).categorical == []


def test_a_listed_date_stays_a_category():
    assert typed(["2017-06-12"], ["2017-06-12"], categorical=["day"]).categorical == ["day"]


def test_one_text_among_dates_is_told(capsys):
    days = [str(day.date()) for day in pd.date_range("2017-01-01", periods=60)]
    assert typed([*days, "soon"], days).categorical == ["day"]
    assert "'soon' and becomes a category, although all but 1 of its 121 values are dates" in (
        capsys.readouterr().err
    )


def test_each_table_may_have_a_format_of_its_own():
    tables = typed(list(DAYS.strftime("%Y-%m-%d")), list(DAYS.strftime("%d.%m.%Y")))
    assert tables.train.equals(tables.test)
    assert "other formats" in tables.warnings["day"]
    assert "%d.%m.%Y in test" in tables.warnings["day"]


def test_a_format_that_is_not_clear_is_not_guessed():
    tables = typed(list(DAYS.strftime("%Y-%m-%d")), ["01/02/2017", "03/04/2017"])
    assert tables.categorical == ["day"]
    assert "not in test.csv" in tables.warnings["day"]
