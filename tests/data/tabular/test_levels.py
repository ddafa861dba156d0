"""The number of one-hot columns is bounded by rows and levels."""

import numpy as np
import pandas as pd
import pytest

from podium.config import Preprocess
from podium.data.tabular.levels import FEW_LEVELS, MOST_LEVELS, fit_categories
from podium.data.tabular.size import affordable_features
from podium.data.tabular.transform import fit_transform_on

AUTO = Preprocess(na_indicators="none")


def of(values: list[str | None], spec: Preprocess = AUTO, features: int | None = None):
    return fit_categories(pd.DataFrame({"k": pd.Series(values, dtype="str")}), spec, features)["k"]


def cabins(rows: int) -> pd.Series:
    """Decks, numbers and sides, as a spaceship has them: nearly every row has its own."""
    generator = np.random.default_rng(0)
    numbers = generator.integers(0, rows, rows)
    return pd.Series([f"{'ABCDEFG'[number % 7]}/{number}/PS" for number in numbers])


def test_few_levels_are_all_kept_even_the_rarest():
    fit = of(["a"] * 200 + ["b"])
    assert (fit.levels, fit.rare, fit.min_count) == (["a", "b"], 0, 1)


def test_a_column_of_cabins_does_not_become_thousands_of_columns():
    table = pd.DataFrame({"cabin": cabins(3000), "deck": cabins(3000).str[0]})
    assert table["cabin"].nunique() > 1500
    transform = fit_transform_on(table, [], ["cabin", "deck"], AUTO)
    assert len(transform.feature_names) < 3000 // 20 + 10
    assert transform.native(table)["cabin"].cat.categories.size <= MOST_LEVELS + 1
    every = fit_transform_on(table, [], ["cabin"], Preprocess(min_count=1))
    assert len(every.feature_names) >= table["cabin"].nunique()


def test_the_most_frequent_levels_are_kept():
    sizes = np.arange(1, 601)
    fit = of([f"level {size}" for size in sizes for _ in range(size)])
    assert len(fit.levels) == MOST_LEVELS
    assert fit.min_count == 600 - MOST_LEVELS + 1
    assert fit.rare == 600 - MOST_LEVELS
    assert sorted(fit.levels) == fit.levels


def test_rare_and_unseen_levels_are_one():
    often = [f"level {index}" for index in range(FEW_LEVELS + 5) for _ in range(30)]
    table = pd.DataFrame({"k": [*often, "rare"]})
    transform = fit_transform_on(table, [], ["k"], AUTO)
    later = pd.DataFrame({"k": ["rare", "never seen", "level 3", None]})
    other = transform.dense(later)[:, transform.feature_names.index("k=(other)")]
    assert other.tolist() == [1, 1, 0, 0]
    assert transform.native(later)["k"].tolist()[:3] == ["(other)", "(other)", "level 3"]


@pytest.mark.parametrize(("missing", "features"), [(0, 0), (50, 2)])
def test_ids_are_not_used_but_for_whether_they_are_there(missing, features):
    table = pd.DataFrame({"name": [f"name {row}" for row in range(500)] + [None] * missing})
    transform = fit_transform_on(table, [], ["name"], Preprocess())
    assert len(transform.feature_names) == features
    assert ("name" in transform.native(table)) == bool(features)
    if features:
        assert np.ptp(transform.dense(table)[:500], axis=0).tolist() == [0, 0]


def test_all_columns_share_what_there_is_room_for():
    generator = np.random.default_rng(0)
    table = pd.DataFrame({name: generator.integers(0, 300, 9000).astype(str) for name in "abc"})
    wide, narrow = (sum(fit.width for fit in fit_categories(table, AUTO, most).values())
                    for most in (None, 90))  # fmt: skip
    assert wide > 700
    assert narrow <= 90 + 3


@pytest.mark.parametrize("rows", [1_000, 20_000, 134_217])
def test_there_is_room_for_a_gibibyte(rows):
    most = affordable_features(rows)
    assert most * rows * 8 <= 2**30 < (most + 1) * rows * 8


def test_very_many_rows_keep_as_many_columns() -> None:
    assert affordable_features(10**6) == affordable_features(10**8) == 1000


def test_a_level_that_is_one_more_in_other_rows_changes_nothing():
    """The rule reads the fitted rows alone."""
    fitted = [f"level {index % 40}" for index in range(400)]
    assert of(fitted) == of(list(fitted))
    assert of(fitted).levels == of([*fitted[::-1]]).levels
