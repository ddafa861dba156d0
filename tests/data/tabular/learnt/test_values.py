"""Learnt columns against values worked out by hand."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

from learnt_help import ROWS, learnt, tables, training
from podium.config.folds import SCHEMES
from podium.config.learnt import learnt_kind
from podium.data.inner import Inner
from podium.data.tabular.learnt.encoding import LevelCounts, TargetMeans
from podium.data.tabular.learnt.groups import GroupStatistics
from podium.data.tabular.learnt.learner import Context, Work, make_columns
from podium.data.tabular.learnt.transformer import Transformer, uses_target
from podium.io.errors import KeyedError, PodiumError


def context(y, classes=()):
    inner = Inner("fold0", len(y), SCHEMES["kfold"], 0, pytest.fail)
    return Context(classes, np.asarray(y, dtype=float), inner)


TABLE = pd.DataFrame({"k": ["x", "x", "y", None], "v": [1.0, 3.0, 5.0, np.nan]})


def test_target_mean_is_drawn_to_the_overall_mean():
    learner = TargetMeans(["k"], 2.0, context([1, 2, 6, 3])).fit(TABLE, np.array([1.0, 2, 6, 3]))
    values = learner.transform(pd.DataFrame({"k": ["x", "y", None, "new"]}))[""]
    assert values.tolist() == pytest.approx([(3 + 2 * 3) / 4, (6 + 2 * 3) / 3, (3 + 6) / 3, 3.0])


def test_target_mean_of_classes_is_their_share():
    y = np.array([0.0, 2, 2, 1])
    learner = TargetMeans(["k"], 0.0, context(y, ["a", "b", "c"])).fit(TABLE, y)
    values = learner.transform(TABLE.iloc[:1])
    assert values.to_dict("records") == [{"a": 0.5, "b": 0.0, "c": 0.5}]


def test_many_classes_have_columns_for_the_most_frequent_only():
    y = np.repeat(np.arange(30), [5] * 25 + [1] * 5).astype(float)
    outputs = context(y, [str(code) for code in range(30)]).outputs
    assert list(outputs) == [str(code) for code in range(20)]


def test_levels_together_are_not_those_apart():
    table = pd.DataFrame({"a": ["x", "x", "y"], "b": [1.0, 2.0, 1.0]})
    learner = LevelCounts(["a", "b"], is_share=False).fit(table, None)
    assert learner.transform(table)[""].tolist() == [1, 1, 1]
    assert learner.transform(pd.DataFrame({"a": ["y"], "b": [2.0]}))[""].tolist() == [0]


def test_zero_has_no_sign():
    learner = LevelCounts(["a"], is_share=False).fit(pd.DataFrame({"a": [0.0, -0.0]}), None)
    assert learner.transform(pd.DataFrame({"a": [0.0]}))[""].tolist() == [2]


def test_counts_and_shares():
    for is_share, expected in ((False, [2, 2, 1, 1]), (True, [0.5, 0.5, 0.25, 0.25])):
        learner = LevelCounts(["k"], is_share).fit(TABLE, None)
        assert learner.transform(TABLE)[""].tolist() == expected


def test_group_statistics_and_what_a_row_differs_by():
    forms = ["value", "difference", "ratio"]
    learner = GroupStatistics("mean", "v", ["k"], forms).fit(TABLE, None)
    made = learner.transform(pd.DataFrame({"k": ["x", "new"], "v": [3.0, 6.0]}))
    assert made.to_dict("list") == {"value": [2, 3], "difference": [1, 3], "ratio": [1.5, 2]}


def test_neighbours_without_the_row_itself():
    typed = tables()
    a = np.concatenate([np.arange(ROWS), [0.0] * len(typed.test)])
    typed.train["a"], typed.test["a"] = a[:ROWS], a[ROWS:]
    made = learnt({"n": {"neighbours": ["a"], "count": 1}}, typed, fit_on="train")
    step = 1 / np.std(np.arange(ROWS))
    distance = made["repeat0-fold0"]["n distance"]
    assert distance.iloc[:ROWS].tolist() == pytest.approx([step] * ROWS)
    # The same place as a training row's.
    assert distance.iloc[ROWS:].tolist() == [0.0] * len(typed.test)


def test_robust_scale_is_realmlps():
    made = learnt({"r": {"scale": ["a"], "method": "robust"}}, fit_on="train")["repeat0-fold0"]
    a = tables().train["a"].to_numpy()
    lower, median, upper = np.quantile(a, [0.25, 0.5, 0.75])
    x = (a - median) / (upper - lower)
    assert made["r a"].iloc[:ROWS].tolist() == pytest.approx(
        (x / np.sqrt(1 + (x / 3) ** 2)).tolist()
    )


def test_bins_hold_as_many_rows_each_and_missing_stays_missing():
    made = learnt({"b": {"bins": ["a", "b"], "count": 3}}, fit_on="train")["repeat0-fold0"]
    assert made["b a"].iloc[:ROWS].value_counts().to_dict() == {0: 30, 1: 30, 2: 30}
    assert made["b b"].isna().iloc[:ROWS].tolist() == tables().train["b"].isna().tolist()


def test_one_column_has_the_features_name_and_several_a_suffix():
    made = learnt(
        {"n": {"count": ["k"]}, "m": {"mean": "a", "by": ["k"], "as": ["difference", "ratio"]}}
    )
    assert list(made["repeat0-fold2"]) == ["n", "m difference", "m ratio"]


def test_count_beside_another_key_is_that_keys():
    assert learnt_kind({"count": 10, "bins": ["a"]}) is learnt_kind({"bins": ["a"]})


class Wants(TransformerMixin, BaseEstimator):
    """The target's mean, which a row must not get from itself."""

    def fit(self, X, y):  # noqa: N803
        self.mean_ = y.mean()
        return self

    def transform(self, X):  # noqa: N803
        return np.full((len(X), 1), self.mean_)


def test_a_transformer_that_wants_the_target_is_cross_fitted():
    assert uses_target(Wants())
    assert not uses_target(StandardScaler())
    typed, rows = tables(), training()
    own = np.flatnonzero(rows.folds[:, 0] != 0)
    work = Work(typed.train, typed.test, rows.y, own, context(rows.y[own]))
    train, test = make_columns("w", lambda: [Transformer(Wants(), ["a"])], work)
    mean = rows.y[own].mean()
    assert set(test["w 0"]) == {mean}
    # Five means of the other inner folds.
    assert train["w 0"].iloc[own].nunique() == 5
    assert mean not in set(train["w 0"].iloc[own])


def test_a_transformer_gets_no_target_that_it_does_not_ask_for():
    typed, rows = tables(), training()
    own = np.flatnonzero(rows.folds[:, 0] != 0)
    work = Work(typed.train, typed.test, rows.y, own, context(rows.y[own]))
    train, _ = make_columns("s", lambda: [Transformer(StandardScaler(), ["a"])], work)
    assert train["s a"].iloc[own].mean() == pytest.approx(0)
    assert train["s a"].iloc[own].std(ddof=0) == pytest.approx(1)


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"count": ["kk"]}, "features.f: count: no column 'kk'; did you mean 'k'?"),
        (
            {"mean": "k", "by": ["m"]},
            "features.f: mean: column 'k' is not of numbers, which is needed",
        ),
        ({"count": ["y"]}, "features.f: count: no column 'y'"),
    ],
)
def test_a_column_that_is_wrong_is_named(feature, message):
    with pytest.raises(KeyedError, match=f"^{re.escape(message)}"):
        learnt({"f": feature})


def test_a_name_that_is_taken():
    with pytest.raises(PodiumError, match="column 'a' is there already"):
        learnt({"a": {"count": ["k"]}})


def test_a_text_without_words():
    typed = tables()
    typed.train["words"] = "!"
    with pytest.raises(PodiumError, match="'words' has no word"):
        learnt({"t": {"text": "words"}}, typed)
