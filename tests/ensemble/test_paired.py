"""Paired differences: their sign, their interval, and what they say of models that are alike."""

import numpy as np
import pytest

from podium.ensemble.paired import paired
from podium.metrics import METRICS

ROWS = 200
RNG = np.random.default_rng(0)
Y = RNG.normal(size=ROWS)
FOLDS = np.arange(ROWS) % 5
NOISE = RNG.normal(size=(2, ROWS))


def classes(p):
    return np.column_stack([1 - p, p])


def test_the_better_model_is_better_by_a_positive_number():
    found = paired(METRICS["rmse"], Y, Y + 0.1 * NOISE[0], Y + 0.5 * NOISE[1], FOLDS)
    assert found.gain > 0
    assert found.is_clear
    assert 0 < found.low < found.gain < found.high
    assert (found.fold_gains > 0).all()
    assert found.gain == pytest.approx(found.second - found.first)


def test_the_sign_follows_the_metrics_direction():
    labels = (Y > 0).astype(float)
    good = classes(1 / (1 + np.exp(-4 * Y)))
    bad = classes(1 / (1 + np.exp(-Y + 3 * NOISE[0])))
    for name in ("auc", "logloss"):
        found = paired(METRICS[name], labels, good, bad, FOLDS)
        assert found.low > 0, name
        assert found.fold_gain > 0, name


def test_changing_places_changes_the_sign_alone():
    one, other = Y + 0.3 * NOISE[0], Y + 0.4 * NOISE[1]
    found, back = (paired(METRICS["mae"], Y, *pair, FOLDS) for pair in ((one, other), (other, one)))
    assert found.gain == pytest.approx(-back.gain)
    assert (found.low, found.high) == pytest.approx((-back.high, -back.low))
    assert found.standard_error == pytest.approx(back.standard_error)


def test_models_of_equal_quality_are_not_told_apart():
    found = paired(METRICS["rmse"], Y, Y + 0.3 * NOISE[0], Y + 0.3 * NOISE[1], FOLDS)
    assert not found.is_clear


def test_pairing_finds_what_the_scores_alone_would_hide():
    """Errors that both models share are no noise of the difference."""
    shared = Y + NOISE[0]
    found = paired(METRICS["mae"], Y, shared, shared + 0.05 * np.sign(NOISE[0]), FOLDS)
    assert found.is_clear
    alone = np.std([np.abs(NOISE[0])[fold == FOLDS].mean() for fold in range(5)])
    assert found.standard_error < alone / 10


def test_the_interval_covers_the_truth_as_often_as_it_says(monkeypatch):
    """True gain 0: an interval of 95 % misses it in about 3 of 60 tables, hardly ever in 10."""
    monkeypatch.setattr("podium.ensemble.paired.DRAWS", 200)
    missed = 0
    for seed in range(60):
        y, one, other = np.random.default_rng(seed).normal(size=(3, 100))
        missed += paired(METRICS["mae"], y, one, other, np.arange(100) % 5).is_clear
    assert missed < 10


def test_a_fold_without_a_score_is_left_out():
    labels = np.where(FOLDS == 0, 0.0, Y > 0)
    found = paired(METRICS["auc"], labels, classes(Y), classes(Y + NOISE[0]), FOLDS)
    assert np.isnan(found.fold_gains[0])
    assert np.isfinite([found.fold_gain, found.standard_error, found.low]).all()
