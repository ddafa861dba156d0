"""Targets that are transformed for the models, and come back."""

import json

import numpy as np
import pytest
from scipy.stats import skew
from sklearn.preprocessing import PowerTransformer

from podium.data.target_scales import MOST_KNOTS, SCALES
from podium.data.targets import Target
from podium.metrics import METRICS

Y = np.random.default_rng(0).uniform(1, 9, 50)


@pytest.mark.parametrize("transform", ["none", "log", "log1p", "sqrt"])
def test_targets_come_back(transform):
    target = Target("regression", transform)
    assert target.decode(target.encode(Y)) == pytest.approx(Y)


@pytest.mark.parametrize("transform", ["log", "log1p", "sqrt"])
def test_predictions_far_below_are_finite_on_the_model_scale(transform):
    """They are decoded to 0 or -1, of which there is no logarithm."""
    target = Target("regression", transform)
    assert np.isfinite(target.encode(target.decode(np.array([-800.0])))).all()


SKEWED = np.exp(np.random.default_rng(1).normal(2, 1, 400))


@pytest.mark.parametrize("transform", SCALES)
@pytest.mark.parametrize("y", [SKEWED, -SKEWED, SKEWED - 10, np.rint(SKEWED)])
def test_learnt_scales_come_back_keep_the_order_and_stay_inside(transform, y):
    target = Target("regression", transform).fitted(y)
    coded = target.encode(y[:, None])
    assert target.decode(coded)[:, 0] == pytest.approx(y)
    assert (np.diff(target.encode(np.sort(y))) >= 0).all()
    beyond = target.decode(np.array([-1e9, -50.0, 0.0, 50.0, 1e9]))
    assert (beyond >= y.min() - 1e-9).all()
    assert (beyond <= y.max() + 1e-9).all()
    json.dumps(target.scale.to_json())


@pytest.mark.parametrize("transform", SCALES)
def test_equal_targets_come_back(transform):
    y = np.full(5, 3.0)
    target = Target("regression", transform).fitted(y)
    assert target.decode(target.encode(y)) == pytest.approx(y)


def test_yeo_johnson_is_scikit_learns():
    y = SKEWED - 10
    expected = PowerTransformer().fit_transform(y[:, None])[:, 0]
    assert Target("regression", "yeo_johnson").fitted(y).encode(y) == pytest.approx(
        expected, abs=1e-3
    )


def test_quantiles_are_normal_and_ranks_uniform():
    normal, uniform = (
        Target("regression", name).fitted(SKEWED).encode(SKEWED) for name in ("quantile", "rank")
    )
    assert abs(skew(normal)) < 0.01 < abs(skew(SKEWED))
    assert normal.std() == pytest.approx(1, abs=0.02)
    assert np.sort(uniform) == pytest.approx((np.arange(400) + 0.5) / 400)


def test_of_many_targets_the_least_and_the_largest_are_knots():
    y = np.random.default_rng(0).normal(size=20_000)
    target = Target("regression", "quantile").fitted(y)
    assert len(target.scale.targets) <= MOST_KNOTS
    assert target.decode(target.encode(y)) == pytest.approx(y, abs=0.01)
    assert (target.scale.targets[[0, -1]] == [y.min(), y.max()]).all()


@pytest.mark.parametrize(
    ("transform", "metric", "least"),
    [("sqrt", "rmse", 0.0), ("none", "poisson", 1e-9), ("rank", "rmsle", 0.0), ("log", "gamma",
     1e-9), ("quantile", "mae", -np.inf)],
)  # fmt: skip
def test_the_least_prediction_is_by_transform_and_metric(transform, metric, least):
    assert Target("regression", transform).least(METRICS[metric]) == least
