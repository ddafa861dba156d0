"""Methods of the blend: what each is, and what none may do."""

from collections.abc import Callable

import numpy as np
import pytest

from blends import FOLDS, KINDS, ROWS, blended, make
from podium.config import Ensemble
from podium.config.blending import METHODS
from podium.ensemble.blend import blend
from podium.metrics import METRICS
from projects import HOUSES


def takes(method: str, kind: str) -> bool:
    target, metric = KINDS[kind]
    return not METHODS[method].problem(target.task, METRICS[metric])


CASES = [(method, kind) for method in METHODS for kind in KINDS if takes(method, kind)]


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_a_folds_own_target_has_no_part_in_its_predictions(method, kind):
    y, oof = make(kind, (0.5, 0.8, 1.5))
    spoilt = np.where(FOLDS == 1, np.roll(y, 4), y)
    first, second = (blended(method, kind, own, oof).blended.oof for own in (y, spoilt))
    assert np.array_equal(first[FOLDS == 1], second[FOLDS == 1])
    # Another best one is found by chance only.
    if method != "best":
        assert np.array_equal(first, second) == (not METHODS[method].is_fitted)


@pytest.mark.parametrize(("method", "kind"), CASES)
def test_predictions_are_ones_that_can_be_submitted(method, kind):
    y, oof = make(kind, (0.5, 0.8, 1.5))
    found = blended(method, kind, y, oof)
    for predicted in (found.blended.oof, found.blended.test):
        assert np.isfinite(predicted).all()
        if kind != "regression":
            assert predicted.min() >= 0
            assert predicted.sum(axis=1) == pytest.approx(np.ones(ROWS))
    assert len(found.weights) == 3


@pytest.mark.parametrize(("method", "kind"), [case for case in CASES if case[1] != "labels"])
def test_on_pure_noise_the_nested_score_is_that_of_fresh_rows(method, kind):
    """Weights that looked at what they are scored on would be better than on fresh rows."""
    target, name = KINDS[kind]
    gaps = []
    for seed in range(8):
        y, oof = make(kind, (np.inf,) * 5, seed, 2 * ROWS)
        seen = slice(0, ROWS)
        spec = Ensemble(method=method, rounds=20, submit="blend")
        found = blend(
            spec, oof[:, seen], oof[:, ROWS:], y[seen], FOLDS, target, METRICS[name]
        )  # fmt: skip
        fresh = METRICS[name](y[ROWS:], target.scorable(found.blended.test))
        gaps.append(METRICS[name].as_loss(found.blended.score) - METRICS[name].as_loss(fresh))
    assert np.mean(gaps) > -3 * np.std(gaps, ddof=1) / np.sqrt(len(gaps))


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_a_copy_of_a_model_changes_nothing_of_nnls(kind):
    y, oof = make(kind, (0.5, 0.8, 1.5))
    once, twice = (
        blended("nnls", kind, y, models) for models in (oof, np.concatenate([oof, oof[:1]]))
    )
    assert twice.blended.oof == pytest.approx(once.blended.oof, rel=1e-6)
    assert twice.weights[0] + twice.weights[3] == pytest.approx(once.weights[0], abs=1e-6)


def test_no_other_shares_have_a_smaller_squared_error_than_those_of_nnls():
    y, oof = make("regression", (0.5, 0.8, 1.5, 3.0))
    weights = blended("nnls", "regression", y, oof).weights
    assert weights.sum() == pytest.approx(1)
    assert weights.min() >= 0

    def error(shares: np.ndarray) -> float:
        return float(np.square(np.log(oof[:, :, 0]).T @ shares - np.log(y)).sum())

    others = np.random.default_rng(0).dirichlet(np.ones(4), 2000)
    nearby = 0.99 * weights + 0.01 * others
    assert error(weights) <= min(map(error, [*others, *nearby]))


@pytest.mark.parametrize("change", [np.square, np.sqrt, lambda p: p / 10])
def test_ranks_are_those_of_any_monotone_change_of_a_models_predictions(change: Callable):
    y, oof = make("ranks", (0.5, 0.8, 1.5))
    second = change(oof[0, :, 1])
    changed = np.concatenate([np.stack([1 - second, second], axis=1)[None], oof[1:]])
    before, after = (blended("rank_mean", "ranks", y, own) for own in (oof, changed))
    assert np.array_equal(before.blended.oof, after.blended.oof)
    assert before.blended.score == after.blended.score
    means = [blended("mean", "ranks", y, own).blended.oof for own in (oof, changed)]
    assert not np.array_equal(*means)


def test_the_best_is_the_best_of_the_other_folds():
    """A model that is perfect in one fold and bad elsewhere is not taken for that fold."""
    y, oof = make("regression", (0.3, 0.8))
    oof[1, FOLDS == 2, 0] = y[FOLDS == 2]
    found = blended("best", "regression", y, oof)
    assert found.weights.tolist() == [1.0, 0.0]
    assert found.fold_weights[2].tolist() == [1.0, 0.0]


def test_bags_count_more_models_than_one_selection():
    y, oof = make("regression", (0.5, 0.6, 0.6, 0.6, 0.7, 0.7, 0.7))
    one, many = (blended(method, "regression", y, oof).weights for method in ("weighted", "bagged"))
    assert many.sum() == pytest.approx(1)
    assert np.square(many).sum() < np.square(one).sum()


def test_class_weights_take_each_class_from_the_model_that_knows_it():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, ROWS).astype(float)
    oof = np.full((2, ROWS, 3), 1 / 3)
    # The first tells class 0 from the others, the second class 2 from them.
    for model, known in ((0, 0), (1, 2)):
        own = np.where(y == known, 0.9, 0.05)
        oof[model] = ((1 - own) / 2)[:, None]
        oof[model, :, known] = own
    losses = [
        blended(method, "multiclass", y, oof).blended.score for method in ("nnls", "class_weights")
    ]
    assert losses[1] < losses[0]
    weights = blended("class_weights", "multiclass", y, oof).weights
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_a_linear_stack_puts_right_what_all_models_have_wrong(kind):
    """Predictions that are all too high, or of which one class is too likely: shares can't help."""
    y, oof = make(kind, (0.3, 0.3))
    off = oof * np.linspace(8.0, 1.0, oof.shape[2])
    if kind != "regression":
        off /= off.sum(axis=-1, keepdims=True)
    scores = [
        blended(method, kind, y, off).blended.score for method in ("mean", "nnls", "linear_stack")
    ]
    assert scores[2] < 0.9 * min(scores[:2])


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_a_linear_stack_of_equally_good_models_is_about_their_mean(kind):
    y, oof = make(kind, (0.5,) * 4)
    oof = np.concatenate([oof, oof, oof])
    scores = [blended(method, kind, y, oof).blended.score for method in ("mean", "linear_stack")]
    assert scores[1] < 1.1 * scores[0]


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_a_linear_stack_of_unsure_models_is_as_good_as_of_sure_ones(kind):
    """As after label smoothing. One that is surer, but often wrong, is not used to repair it."""
    y, oof = make(kind, (0.3, 0.3, 2.0), rows=20_000)
    unsure = oof.copy()
    unsure[:2] **= 0.3
    unsure /= unsure.sum(axis=-1, keepdims=True)
    scores = [blended("linear_stack", kind, y, own).blended.score for own in (oof, unsure)]
    assert scores[1] < 1.05 * scores[0]


@pytest.mark.parametrize("kind", ["regression", "binary", "multiclass"])
def test_trees_find_where_a_model_is_the_better_one(kind):
    """Each of two models is right on its side of the first one's prediction."""
    y, oof = make(kind, (0.1, 0.1), rows=1200)
    generator = np.random.default_rng(1)
    bad = oof[:, generator.permutation(1200)]
    side = oof[0, :, -1] > np.median(oof[0, :, -1])
    oof[1] = np.where(side[:, None], oof[1], bad[1])
    oof[0] = np.where(side[:, None], np.quantile(oof[0], 0.9), oof[0])
    if kind != "regression":
        oof /= oof.sum(axis=-1, keepdims=True)
    scores = [
        blended(method, kind, y, oof).blended.score for method in ("weighted", "lightgbm_stack")
    ]
    assert scores[1] < scores[0]


def test_a_method_that_does_not_fit_the_metric_is_an_error_that_names_one(project, podium):
    project.edit(lambda params: params[HOUSES]["ensemble"].update(method="rank_mean"))
    (line,) = podium("check").err.splitlines()
    assert "ensemble.method: 'rank_mean' is for task binary, not regression" in line
    assert "rmsle: it keeps" in METHODS["rank_mean"].problem("binary", METRICS["rmsle"])
    assert METHODS["class_weights"].problem("binary", METRICS["auc"])
    assert not METHODS["rank_mean"].problem("binary", METRICS["average_precision"])
