"""Automatic features: found where they help, bounded, and chosen on the training rows alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnt_help import learnt
from podium.config import Folds
from podium.config.features import Features
from podium.data.folds import assign_folds
from podium.data.tabular.columns import TypedTables
from podium.data.tabular.learnt.about import about_learnt
from podium.data.tabular.learnt.auto import MOST_CHOSEN
from podium.data.tabular.learnt.candidates import candidates
from podium.data.tabular.learnt.learner import Context
from podium.data.tabular.learnt.training import Training

ROWS = 900


@pytest.fixture(scope="module")
def ratio() -> tuple[TypedTables, Training]:
    """A target that is a ratio of two numbers, among others."""
    generator = np.random.default_rng(0)
    whole = pd.DataFrame(generator.uniform(1, 10, size=(ROWS + 30, 3)), columns=list("abc"))
    whole["k"] = generator.choice(["x", "y"], len(whole))
    train, test = whole.iloc[:ROWS], whole.iloc[ROWS:].reset_index(drop=True)
    y = (train["a"] / train["b"]).to_numpy() + 0.1 * generator.normal(size=ROWS)
    folds = assign_folds(Folds(count=3), y)
    return TypedTables(train, test, list("abc"), ["k"]), Training(y, [], folds, None)


@pytest.fixture(scope="module")
def made(ratio):
    return learnt({}, *ratio, auto=True)


def test_a_ratio_is_found_in_every_fold(made):
    for frame in made.values():
        assert {"a / b", "b / a"} & set(frame)
        assert frame.shape[1] <= MOST_CHOSEN


def test_the_choice_is_blind_to_validation_rows(ratio, made):
    tables, rows = ratio
    held = np.flatnonzero(rows.folds[:, 0] == 0)
    train, y = tables.train.copy(), rows.y.copy()
    for name in "abc":
        train.loc[held, name] = 7.0
    train.loc[held, "k"] = "z"
    y[held] = 1e3
    one_fold = replace(rows, y=y, folds=np.where(rows.folds == 0, 0, 1))
    after = learnt({}, replace(tables, train=train), one_fold, auto=True)["repeat0-fold0"]
    others = np.setdiff1d(np.arange(len(after)), held)
    pd.testing.assert_frame_equal(after.iloc[others], made["repeat0-fold0"].iloc[others])


def test_noise_gets_no_feature(ratio):
    tables, rows = ratio
    noise = np.random.default_rng(1).normal(size=ROWS)
    frames = learnt({}, tables, replace(rows, y=noise), auto=True).values()
    assert sum(frame.shape[1] == 0 for frame in frames) >= 2


def test_the_number_of_candidates_is_bounded(ratio):
    many = [f"c{index}" for index in range(500)]
    context = Context([], np.zeros(3), None)  # type: ignore[arg-type]
    names = [one.name for one in candidates(many, many, context)]
    assert len(names) == len(set(names)) <= 100


def test_the_summary_counts_folds():
    frames = [pd.DataFrame(columns=["a / b"]), pd.DataFrame(columns=["a / b", "a - b"])]
    about = about_learnt(Features(auto=True), frames)
    assert about["a / b"] == "automatic, chosen in 2 of 2 folds"
    assert about["a - b"] == "automatic, chosen in 1 of 2 folds"
