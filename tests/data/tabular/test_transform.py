"""Standardize, impute, one-hot: fitted on some rows, applied to any, nothing leaks."""

import json

import numpy as np
import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.transform import TableTransform, fit_transform_on

TABLE = pd.DataFrame(
    {
        "area": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0],
        "rooms": [3.0, 3.0, 4.0, 4.0, 5.0, 5.0],
        "zone": ["A", "A", "B", "B", None, "C"],
    }
)
NUMERIC, CATEGORICAL = ["area", "rooms"], ["zone"]


def fitted(spec: Preprocess, rows: pd.DataFrame = TABLE) -> TableTransform:
    return fit_transform_on(rows, NUMERIC, CATEGORICAL, spec)


def column(transform: TableTransform, name: str, table: pd.DataFrame = TABLE) -> np.ndarray:
    return transform.dense(table)[:, transform.feature_names.index(name)]


def test_standardized_columns_have_mean_0_and_std_1():
    rooms = column(fitted(Preprocess()), "rooms")
    assert rooms.mean() == pytest.approx(0)
    assert rooms.std() == pytest.approx(1)


@pytest.mark.parametrize(("impute", "fill"), [("mean", 3.6), ("median", 4.0), ("zero", 0.0)])
def test_missing_numbers_get_the_fill(impute, fill):
    spec = Preprocess(impute=impute, standardize=False)
    assert column(fitted(spec), "area")[2] == pytest.approx(fill)


def test_mean_imputation_is_zero_on_the_standardized_scale():
    """The textbook standardizes and then puts 0 for missing: the same thing."""
    assert column(fitted(Preprocess(impute="mean")), "area")[2] == pytest.approx(0)


def test_names_and_columns_agree_and_nothing_is_missing():
    transform = fitted(Preprocess())
    assert transform.feature_names == [
        "area", "rooms", "area is missing", "zone=A", "zone=B", "zone=C", "zone is missing",
    ]  # fmt: skip
    dense = transform.dense(TABLE)
    assert dense.shape == (6, 7)
    assert np.isfinite(dense).all()


@pytest.mark.parametrize(
    ("indicators", "count"), [("none", 0), ("observed", 2), ("categorical", 1)]
)
def test_missing_indicators(indicators, count):
    names = fitted(Preprocess(na_indicators=indicators)).feature_names
    assert sum(name.endswith("is missing") for name in names) == count


def test_categorical_indicators_are_there_even_where_nothing_is_missing():
    names = fitted(Preprocess(na_indicators="categorical"), TABLE.iloc[:4]).feature_names
    assert "zone is missing" in names


def test_an_unseen_level_is_all_zeros_and_unknown_to_trees():
    transform = fitted(Preprocess(na_indicators="none"), TABLE.iloc[:4])
    dense = transform.dense(TABLE)
    zones = [i for i, name in enumerate(transform.feature_names) if name.startswith("zone=")]
    assert (dense[5, zones] == 0).all()
    assert pd.isna(transform.native(TABLE)["zone"].iloc[5])


def test_rare_levels_are_pooled():
    transform = fitted(Preprocess(min_count=2, na_indicators="none"))
    assert transform.feature_names[-3:] == ["zone=A", "zone=B", "zone=(other)"]
    assert column(transform, "zone=(other)").tolist() == [0, 0, 0, 0, 0, 1]


def test_skewed_columns_are_logged_and_only_those():
    skewed = TABLE.assign(area=[1.0, 1.0, 1.0, 2.0, 2.0, 1000.0])
    transform = fitted(Preprocess(log_skewed=1.0, standardize=False), skewed)
    assert column(transform, "area", skewed) == pytest.approx(np.log1p(skewed["area"]))
    assert column(transform, "rooms", skewed) == pytest.approx(TABLE["rooms"])


def test_clip_bounds_standardized_numbers():
    spec = Preprocess(clip=1.0)
    assert np.abs(fitted(spec).dense(TABLE)[:, :2]).max() == pytest.approx(1.0)


def test_only_the_fitted_rows_count():
    """Changing rows that the transform was not fitted on changes nothing for the others."""
    rows = TABLE.iloc[:4]
    changed = TABLE.copy()
    changed.loc[4:, "area"] = 1e6
    changed.loc[4:, "zone"] = "Z"
    before, after = fitted(Preprocess(), rows), fitted(Preprocess(), changed.iloc[:4])
    assert before == after
    assert (before.dense(TABLE)[:4] == after.dense(changed)[:4]).all()


def test_json_and_back():
    transform = fitted(Preprocess(log_skewed=0.1, min_count=2, clip=3.0))
    again = TableTransform.from_json(json.loads(json.dumps(transform.to_json())))
    assert again == transform
    assert again.feature_names == transform.feature_names


def number(train: list[float], later: list[float], **keys) -> np.ndarray:
    """Later rows of one column, standardized as training rows say."""
    frame = pd.DataFrame({"x": train})
    transform = fit_transform_on(frame, ["x"], [], Preprocess(na_indicators="none", **keys))
    return transform.dense(pd.DataFrame({"x": later}))[:, 0]


CONSTANT = {
    "constant": [3.0] * 40,
    "of zeros": [0.0] * 40,
    "missing": [np.nan] * 40,
    "but for rounding": [0.1 + 0.2, 0.3] * 20,
    "large but for rounding": [1e15, 1e15 + 1] * 20,
    "tiny": [1e-300] * 40,
}


@pytest.mark.parametrize("keys", [{}, {"standardize": False}, {"log_skewed": 0.5}])
@pytest.mark.parametrize("case", CONSTANT)
def test_a_column_that_says_nothing_in_the_fitted_rows_is_0_in_all(case, keys):
    assert number(CONSTANT[case], [3.0, 0.0, 1e6, np.nan], **keys).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-13, 1e13, 1e200, 1e300])
def test_the_unit_of_a_column_does_not_matter(unit):
    values = np.random.default_rng(0).normal(5, 1, 60)
    scaled = number(list(values * unit), list(values * unit))
    assert scaled == pytest.approx(number(list(values), list(values)), rel=1e-9)
    assert scaled.std() == pytest.approx(1)


@pytest.mark.parametrize("keys", [{}, {"standardize": False}, {"impute": "mean"}])
def test_the_largest_numbers_there_are_stay_finite(keys):
    extreme = [1.7e308, -1.7e308, 1e308, np.nan, 0.0]
    for train in (extreme, [1.0, 2.0, 3.0]):
        found = number(train, extreme, **keys)
        assert np.isfinite(found.astype(np.float32)).all()
        assert np.isfinite(np.square(found, dtype=np.float32)).all()
        assert found[0] > found[4] > found[1]
    assert np.abs(number(extreme, extreme)).max() < 3
