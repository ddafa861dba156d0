"""Exploration: what is put into a table is found in it."""

import numpy as np
import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.columns import TypedTables, type_columns
from podium.data.tabular.explore import (
    doubtful_nones,
    feature_strength,
    first_rows,
    missing_values,
    robust_line,
    train_test_shift,
)

ROWS = 400


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def tables_of(train, test=None):
    """Typed tables from columns: numbers stay numbers, text is a category."""
    train = pd.DataFrame(train)
    test = train.iloc[:0] if test is None else pd.DataFrame(test)
    numeric = [name for name in train if pd.api.types.is_numeric_dtype(train[name])]
    return TypedTables(train, test, numeric, [name for name in train if name not in numeric])


def by_column(table):
    return table.set_index("column")


# Missing values


@pytest.fixture
def gaps():
    raw = {
        "Id": ["1", "2", "3", "4"],
        "alley": ["Grvl", None, None, None],
        "front": ["60", None, "70", "80"],
        "zone": ["A", "B", "A", "B"],
    }
    spec = Preprocess(na_is_category=["alley"])
    train = pd.DataFrame(raw, dtype="str")
    test = train.assign(zone=["A", "A", None, "B"], front="50").head(3)
    return type_columns(train, test, ["Id"], spec), spec


def test_none_and_unknown_are_told_apart(gaps):
    table = by_column(missing_values(*gaps))
    assert table["meaning"].to_dict() == {"alley": "none", "front": "unknown", "zone": "unknown"}
    assert table["train"].to_dict() == {"alley": 3, "front": 1, "zone": 0}
    assert table["test"].to_dict() == {"alley": 2, "front": 0, "zone": 1}


def test_missing_shares_are_of_each_table_and_the_emptiest_is_first(gaps):
    table = missing_values(*gaps)
    assert table["column"].tolist() == ["alley", "front", "zone"]
    assert table["train_share"].tolist() == [0.75, 0.25, 0]
    assert table["test_share"].tolist() == pytest.approx([2 / 3, 0, 1 / 3])


def test_complete_columns_are_not_listed():
    assert missing_values(tables_of({"x": [1.0, 2.0]}), Preprocess()).empty


def test_a_none_with_a_size_is_doubtful():
    train = {"pool": ["NA", "NA", "Gd"], "area": [0.0, 500.0, 400.0]}
    test = {"pool": ["NA"], "area": [np.nan]}
    table = doubtful_nones(tables_of(train, test), {"pool": "area"})
    assert table.loc[0].to_dict() == {"column": "pool", "size": "area", "none": 3, "doubtful": 1}


# Strength


def test_a_copy_of_the_target_is_the_strongest(rng):
    y = rng.lognormal(size=ROWS)
    columns = {"noise": rng.normal(size=ROWS), "noisy": y + rng.normal(size=ROWS), "copy": y}
    table = feature_strength(tables_of(columns), y)
    assert table["column"].tolist() == ["copy", "noisy", "noise"]
    assert table["strength"].iloc[0] == pytest.approx(1)


def test_spearman_is_that_of_pandas(rng):
    frame = pd.DataFrame({"x": rng.integers(0, 9, ROWS).astype(float)})
    y = frame["x"].to_numpy() + rng.normal(size=ROWS)
    frame.loc[:20, "x"] = np.nan
    row = feature_strength(tables_of(frame), y).loc[0]
    expected = frame.assign(y=y).dropna().corr("spearman").loc["x", "y"]
    assert row["strength"] * row["direction"] == pytest.approx(expected)
    assert row["rows"] == ROWS - 21


def test_a_falling_relation_is_as_strong_as_a_rising_one(rng):
    y = rng.normal(size=ROWS)
    table = by_column(feature_strength(tables_of({"up": np.exp(y), "down": -y}), y))
    assert table["strength"].tolist() == pytest.approx([1, 1])
    assert table["direction"].to_dict() == {"up": 1, "down": -1}


def test_levels_that_part_the_target_are_strong_and_luck_is_not(rng):
    y = rng.normal(size=ROWS)
    columns = {
        "halves": np.where(y > 0, "high", "low"),
        "random": rng.choice([f"level {index}" for index in range(100)], ROWS),
    }
    table = by_column(feature_strength(tables_of(columns), y))
    assert table.loc["halves", "strength"] == pytest.approx(np.sqrt(0.75), abs=0.02)
    assert table.loc["random", "strength"] < 0.3
    assert table["direction"].isna().all()


def test_a_logarithm_of_the_target_changes_nothing(rng):
    y = rng.lognormal(size=ROWS)
    tables = tables_of({"x": y + rng.normal(size=ROWS), "c": np.where(y > 1, "a", "b")})
    pd.testing.assert_frame_equal(feature_strength(tables, y), feature_strength(tables, np.log(y)))


def test_constant_features_explain_nothing_and_hopeless_ones_come_last(rng):
    columns = {
        "unique": [f"house {index}" for index in range(ROWS)],
        "empty": np.full(ROWS, np.nan),
        "one number": np.ones(ROWS),
        "one level": ["same"] * ROWS,
    }
    table = by_column(feature_strength(tables_of(columns), rng.normal(size=ROWS)))
    assert table.loc[["one number", "one level"], "strength"].tolist() == [0, 0]
    assert table.index[2:].tolist() == ["unique", "empty"]
    assert table.loc[["unique", "empty"], "strength"].isna().all()


# Shift


def drawn(rng, shift=0.0):
    zones = np.array(["A", "B", "C"])
    odds = np.array([0.5, 0.3, 0.2]) + np.array([-0.4, 0.0, 0.4]) * shift
    return {
        "area": rng.normal(shift, 1, ROWS),
        "year": rng.normal(size=ROWS),
        "zone": rng.choice(zones, ROWS, p=odds),
        "street": rng.choice(zones, ROWS),
    }


def test_an_injected_shift_is_found(rng):
    table = train_test_shift(tables_of(drawn(rng), drawn(rng, shift=1)))
    assert set(table["column"].head(2)) == {"area", "zone"}
    beyond = table["distance"] > table["chance"]
    assert beyond.tolist() == [True, True, False, False]


def test_a_random_split_exceeds_chance_about_once_in_twenty(rng):
    train, test = ({f"x{index}": rng.normal(size=200) for index in range(200)} for _ in range(2))
    table = train_test_shift(tables_of(train, test))
    assert 1 <= (table["distance"] > table["chance"]).sum() <= 22


def test_distances_by_hand():
    train = {"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "a", "b", None]}
    test = {"x": [3.0, 4.0, 5.0, np.nan], "c": ["a", "b", "c", "c"]}
    table = by_column(train_test_shift(tables_of(train, test)))
    assert table.loc["x", "distance"] == pytest.approx(1 / 2)  # between 2 and 3
    assert table.loc["c", "distance"] == pytest.approx(1 / 2)  # c has half of test


def test_values_that_train_lacks():
    train = {"x": [1.0, 4.0, np.nan], "c": ["a", "b", None]}
    test = {"x": [0.0, 2.0, np.nan, 9.0], "c": ["z", "a", None, "d"]}
    table = by_column(train_test_shift(tables_of(train, test)))
    assert table["new_rows"].to_dict() == {"x": 2, "c": 2}
    assert table.loc["c", "new_levels"] == "d, z"


def test_a_column_that_one_table_lacks_has_no_distance():
    table = train_test_shift(tables_of({"x": [1.0, 2.0]}, {"x": [np.nan, np.nan]}))
    assert table[["distance", "chance"]].isna().all(axis=None)


def test_same_seed_same_table(rng):
    tables = tables_of(drawn(rng), drawn(rng))
    pd.testing.assert_frame_equal(train_test_shift(tables), train_test_shift(tables))


# Outliers and short mode


def test_a_planted_outlier_is_furthest_and_hardly_moves_the_line(rng):
    x = np.linspace(0, 10, 200)
    y = 3 + 2 * x + rng.normal(scale=0.5, size=200)
    y[-1] -= 30
    line, distance = robust_line(x, y)
    assert line == pytest.approx(3 + 2 * x, abs=0.5)
    assert distance.argmin() == 199
    assert distance[-1] < -20
    assert np.std(distance[:-1]) == pytest.approx(1, abs=0.2)


def test_first_rows_keeps_types_and_none_keeps_all(gaps):
    tables, _ = gaps
    few, every = first_rows(tables, 2), first_rows(tables, None)
    assert (len(few.train), len(few.test)) == (2, 2)
    assert (few.train.dtypes == tables.train.dtypes).all()
    assert (len(every.train), len(every.test)) == (4, 3)
