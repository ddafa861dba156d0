"""Blending: weights that sum to one, a nested score, models that help."""

import numpy as np
import pytest

from podium.config import Ensemble
from podium.data.targets import Target
from podium.ensemble.blend import blend, select_greedily
from podium.metrics import METRICS

ROWS = 300
GENERATOR = np.random.default_rng(0)
Y = np.exp(GENERATOR.normal(12, 0.4, ROWS))
FOLDS = np.arange(ROWS) % 5
LOG = Target("regression", "log")


def prediction(noise: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.exp(np.log(Y) + noise * generator.normal(size=ROWS))[:, None]


def blended(oof: list[np.ndarray], **spec: object):
    stacked = np.stack(oof)
    return blend(Ensemble(**spec), stacked, stacked[:, :10], Y, FOLDS, LOG, METRICS["rmsle"])


def score(oof: np.ndarray) -> float:
    return METRICS["rmsle"](Y, oof[:, 0])


def test_the_blend_beats_its_best_model():
    models = [prediction(0.2, 1), prediction(0.2, 2), prediction(0.25, 3)]
    result = blended(models)
    assert result.weights.sum() == pytest.approx(1)
    assert (result.weights >= 0).all()
    assert result.score < min(score(model) for model in models)


def test_a_model_of_noise_gets_no_weight():
    result = blended([prediction(0.1, 1), prediction(3.0, 2)])
    assert result.weights[0] == pytest.approx(1)


def test_the_mean_weighs_all_alike():
    result = blended([prediction(0.1, 1), prediction(0.3, 2)], method="mean")
    assert result.weights.tolist() == [0.5, 0.5]


def test_the_blend_mixes_on_the_log_scale():
    one, two = np.full((ROWS, 1), 100.0), np.full((ROWS, 1), 400.0)
    assert blended([one, two], method="mean").test[0, 0] == pytest.approx(200.0)


def test_nested_score_is_worse_than_the_score_of_the_fitted_rows():
    """Many useless models: fitted weights look good on their own rows, not on others."""
    generator = np.random.default_rng(1)
    models = [np.exp(np.log(Y).mean() + generator.normal(0, 0.05, (ROWS, 1))) for _ in range(30)]
    result = blended(models)
    mixed = np.exp(np.einsum("m,mnk->nk", result.weights, np.log(np.stack(models))))
    assert score(mixed) < result.score


def test_a_fold_has_no_part_in_its_own_weights():
    """Spoil one fold's target: its nested predictions stay as they were."""
    models = np.stack([prediction(0.2, 1), prediction(0.2, 2)])
    spoilt = np.where(FOLDS == 0, Y * 50, Y)
    first, second = (
        blend(Ensemble(), models, models, target, FOLDS, LOG, METRICS["rmsle"])
        for target in (Y, spoilt)
    )
    assert (first.oof[FOLDS == 0] == second.oof[FOLDS == 0]).all()


def test_greedy_selection_stops_at_the_best_prefix():
    truth = np.array([[1.0], [2.0]])
    candidates = np.stack([truth + 1, truth - 1, truth + 5])
    weights = select_greedily(candidates, lambda mixed: (float(np.abs(mixed - truth).mean()),), 11)
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_a_metric_to_maximise():
    target = Target("binary", "none", ("no", "yes"))
    y = np.array([0.0, 1.0, 0.0, 1.0] * 10)
    good = np.stack([0.9 - 0.8 * y, 0.1 + 0.8 * y], axis=1)
    oof = np.stack([good[:, ::-1], good])
    result = blend(Ensemble(), oof, oof, y, np.arange(40) // 10, target, METRICS["auc"])
    assert result.weights.tolist() == [0.0, 1.0]
    assert result.score == 1.0


def test_where_labels_are_equally_good_the_surer_model_is_taken():
    """A metric of labels doesn't see how sure they are: the log loss breaks ties."""
    target = Target("binary", "none", ("no", "yes"))
    y = np.array([0.0, 1.0, 0.0, 1.0] * 10)
    sure = np.stack([0.9 - 0.8 * y, 0.1 + 0.8 * y], axis=1)
    unsure = np.stack([0.6 - 0.2 * y, 0.4 + 0.2 * y], axis=1)
    oof = np.stack([unsure, sure])
    result = blend(Ensemble(), oof, oof, y, np.arange(40) // 10, target, METRICS["accuracy"])
    assert result.weights.tolist() == [0.0, 1.0]
    assert result.score == 1.0
