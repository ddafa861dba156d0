"""Functions do what pandas does; missing values, kinds and groups follow the rules of the docs."""

import numpy as np
import pandas as pd
import pytest

from feature_help import ROWS, evaluation, numbers, table, values
from podium.data.tabular.features.tokens import ExpressionError

TABLE = table()
A, B = (pd.to_numeric(TABLE[name]) for name in "ab")
FLAG = TABLE["flag"].map({"TRUE": 1.0, "False": 0.0}).astype(float)
DAY = pd.to_datetime(TABLE["day"])
CABIN, CODE = TABLE["cabin"], TABLE["code"]
BOTH = A.notna() & B.notna()

NUMBERS = {
    "a + b * 2 - -b": A + B * 2 + B,
    "a / (b + 3)": A / (B + 3),
    "b % 3": B % 3,
    "a ** 2": A**2,
    "exp(a) - log1p(b * b) + sqrt(abs(a))": np.exp(A) - np.log1p(B * B) + np.sqrt(A.abs()),
    "floor(a) + ceil(a)": np.floor(A) + np.ceil(A),
    "round(a) + round(a, 1)": A.round() + A.round(1),
    "a > b": (A > B).astype(float).where(BOTH),
    "b == 1": (B == 1).astype(float).where(B.notna()),
    "b != '1'": (B != 1).astype(float).where(B.notna()),
    "flag": FLAG,
    "not flag": 1 - FLAG,
    "flag == 'TRUE'": FLAG,
    "min(a, b)": pd.concat([A, B], axis=1).min(axis=1),
    "max(a, b, 0)": pd.concat([A, B], axis=1).max(axis=1).clip(0).fillna(0),
    "sum(a, b)": pd.concat([A, B], axis=1).sum(axis=1, min_count=1),
    "mean(a, b)": pd.concat([A, B], axis=1).mean(axis=1),
    "where(b > 0, a, b)": A.where(B > 0, B).where(B.notna()),
    "where(b > 0, a)": A.where(B > 0),
    "isna(a)": A.isna().astype(float),
    "fillna(a, b, 7)": A.fillna(B).fillna(7),
    "isin(code, 20, '30')": CODE.isin(["20", "30"]).astype(float).where(CODE.notna()),
    "length(cabin)": CABIN.str.len(),
    "contains(cabin, 'A/')": CABIN.str.startswith("A").astype(float).where(CABIN.notna()),
    "split(cabin, '/', 1) + 1": pd.to_numeric(CABIN.str.split("/").str[1]) + 1,
    "number(cabin)": pd.Series(np.nan, index=range(ROWS)),
    "number(replace(cabin, 'A/', ''))": pd.Series(np.nan, index=range(ROWS)),
    "year(day) * 100 + month(day)": DAY.dt.year * 100 + DAY.dt.month,
    "day(day) + weekday(day) + hour(day)": DAY.dt.day + DAY.dt.day_of_week,
    "days(day)": (DAY - pd.Timestamp("1970-01-01")).dt.days,
    "days(day, '2017-01-01')": (pd.Timestamp("2017-01-01") - DAY).dt.days,
    "day - '2017-01-01'": (DAY - pd.Timestamp("2017-01-01")).dt.days,
    "day >= '2017-01-01'": (DAY >= "2017-01-01").astype(float).where(DAY.notna()),
}  # fmt: skip
TEXTS = {
    "split(cabin, '/', -1)": CABIN.str.split("/").str[-1],
    "split(cabin, '/', 3)": CABIN.mask(CABIN.notna()),
    "extract(cabin, '([A-C])/')": CABIN.str[0],
    "upper(lower(`hood x`))": TABLE["hood x"],
    "strip(concat(' ', cabin, ' '))": CABIN,
    "concat(code, '-', `hood x`)": TABLE["code"] + "-" + TABLE["hood x"],
    "concat(b + 0, '!')": TABLE["b"] + "!",
    "where(flag, 'yes', `hood x`)": TABLE["hood x"].mask(FLAG == 1, "yes").where(FLAG.notna()),
    "fillna(`hood x`, 'none')": TABLE["hood x"].fillna("none"),
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text):
    found = numbers(text, TABLE)
    np.testing.assert_allclose(found, NUMBERS[text].to_numpy(float, na_value=np.nan), atol=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_texts(text):
    found = values(text, TABLE).text
    assert found.isna().tolist() == TEXTS[text].isna().tolist()
    assert found.dropna().tolist() == TEXTS[text].dropna().tolist()


def test_and_and_or_are_kleenes():
    three = pd.DataFrame({"x": ["0", "1", None] * 3, "y": ["0"] * 3 + ["1"] * 3 + [None] * 3})
    nan = np.nan
    np.testing.assert_array_equal(numbers("x and y", three), [0, 0, 0, 0, 1, nan, 0, nan, nan])
    np.testing.assert_array_equal(numbers("x or y", three), [0, 1, nan, 1, 1, 1, nan, 1, nan])
    np.testing.assert_array_equal(numbers("not x", three)[:3], [1, 0, nan])


@pytest.mark.parametrize("text", ["1 / b", "log(b)", "sqrt(b)", "exp(b * 1e9)", "1 % b"])
def test_what_is_no_finite_number_is_missing_and_counted(text):
    found, work = evaluation(text, TABLE)
    lost = np.isnan(found.number) & B.notna().to_numpy()
    assert lost.any()
    assert (work.lost == lost).all()
    assert not evaluation("a / 2", TABLE)[1].lost.any()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cabin + 1", "'+' takes numbers, and 'cabin' is text (for example '"),
        ("log(`hood x`)", "number(...) makes missing of what is no number"),
        ("day + 1", "'+' takes numbers, and 'day' is a date"),
        ("year(code)", "year() takes dates, and 'code' is a number"),
        ("year(a + 1)", "year() takes dates, and '+' is a number"),
        ("cabin == 3", "takes values of one kind"),
        ("cabin > 'A'", "'>' takes two numbers or two dates"),
        ("day - a", "'-' takes two numbers or two dates"),
        ("where(flag, a + 1, cabin)", "where() takes values of one kind"),
        ("-cabin", "'-' takes numbers"),
        ("mean(cabin) by code", "'mean' of groups takes numbers"),
    ],
)
def test_values_of_the_wrong_kind(text, says):
    with pytest.raises(ExpressionError) as error:
        values(text, TABLE, np.arange(ROWS))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_the_example_is_what_makes_a_column_text():
    toy = pd.DataFrame({"charge": ["1.5", "n/a", "3"]})
    with pytest.raises(ExpressionError, match="'charge' is text .for example 'n/a'."):
        values("charge * 2", toy)


@pytest.mark.parametrize("how", ["mean", "median", "min", "max", "std", "count", "nunique"])
def test_groups_are_those_of_pandas(how):
    frame = pd.DataFrame({"b": B, "k": TABLE["hood x"], "c": TABLE["code"]})
    wanted = frame.groupby(["k", "c"], dropna=False)["b"].transform(how)
    found = numbers(f"{how}(b) by `hood x`, code", TABLE, np.arange(ROWS))
    overall = 0 if how in ("count", "nunique") else getattr(B, how)()
    np.testing.assert_allclose(found, wanted.fillna(overall))


def test_groups_learn_nothing_from_other_rows():
    rows = np.arange(0, ROWS, 2)
    others = np.setdiff1d(np.arange(ROWS), rows)
    texts = ["mean(a) by `hood x`", "a - (median(a) by code, flag)", "nunique(cabin) by `hood x`",
             "max(std(a) by code, mean(b) by flag)"]  # fmt: skip
    spoilt = TABLE.copy()
    spoilt.loc[others, ["a", "b"]] = "1000000"
    spoilt.loc[others, "cabin"] = "Z/1/Z"
    spoilt.loc[others[::3], ["hood x", "code"]] = ["new", "777"]
    for text in texts:
        before, after = (numbers(text, one, rows) for one in (TABLE, spoilt))
        np.testing.assert_array_equal(before[rows], after[rows])
        # The same groups get the same values, wherever their other columns went.
        assert not np.array_equal(numbers(text, TABLE, np.arange(ROWS)), before)


def test_a_group_that_was_not_fitted_gets_the_value_of_all():
    toy = pd.DataFrame({"x": ["1", "3", "5", "100"], "k": ["p", "p", None, "q"]})
    rows = np.arange(3)
    assert numbers("mean(x) by k", toy, rows).tolist() == [2, 2, 5, 3]
    assert numbers("count(x) by k", toy, rows).tolist() == [2, 2, 1, 0]
