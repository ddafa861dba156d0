"""Targets that are transformed for the models, and come back."""

import numpy as np
import pytest

from podium.data.targets import Target

Y = np.random.default_rng(0).uniform(1, 9, 50)


@pytest.mark.parametrize("transform", ["none", "log", "log1p"])
def test_targets_come_back(transform):
    target = Target("regression", transform)
    assert target.decode(target.encode(Y)) == pytest.approx(Y)
