"""Targets that are transformed for the models, and come back."""

import numpy as np
import pytest

from podium.data.targets import Target

Y = np.random.default_rng(0).uniform(1, 9, 50)


@pytest.mark.parametrize("transform", ["none", "log", "log1p"])
def test_targets_come_back(transform):
    target = Target("regression", transform)
    assert target.decode(target.encode(Y)) == pytest.approx(Y)


@pytest.mark.parametrize("transform", ["log", "log1p"])
def test_predictions_far_below_are_finite_on_the_model_scale(transform):
    """They are decoded to 0 or -1, of which there is no logarithm."""
    target = Target("regression", transform)
    assert np.isfinite(target.encode(target.decode(np.array([-800.0])))).all()
