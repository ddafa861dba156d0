"""Blending: weights that sum to one, a nested score, models that help."""

import time
from dataclasses import replace

import numpy as np
import pytest

from podium.config import Ensemble
from podium.data.targets import Target
from podium.ensemble.blend import blend
from podium.metrics import METRICS
from podium.metrics.greedy import select_greedily

ROWS = 300
GENERATOR = np.random.default_rng(0)
Y = np.exp(GENERATOR.normal(12, 0.4, ROWS))
FOLDS = np.arange(ROWS) % 5
LOG = Target("regression", "log")


def prediction(noise: float, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.exp(np.log(Y) + noise * generator.normal(size=ROWS))[:, None]


def weighted(**spec: object) -> Ensemble:
    """The method of whose weights these tests know what they are."""
    return Ensemble(**{"method": "weighted", **spec})


def blended(oof: list[np.ndarray], **spec: object):
    stacked = np.stack(oof)
    return blend(weighted(**spec), stacked, stacked[:, :10], Y, FOLDS, LOG, METRICS["rmsle"])


def score(oof: np.ndarray) -> float:
    return METRICS["rmsle"](Y, oof[:, 0])


def test_the_blend_beats_its_best_model():
    models = [prediction(0.2, 1), prediction(0.2, 2), prediction(0.25, 3)]
    result = blended(models)
    assert result.weights.sum() == pytest.approx(1)
    assert (result.weights >= 0).all()
    assert result.blended.score < min(score(model) for model in models)


def test_a_model_of_noise_gets_no_weight():
    result = blended([prediction(0.1, 1), prediction(3.0, 2)])
    assert result.weights[0] == pytest.approx(1)


def test_the_mean_weighs_all_alike():
    result = blended([prediction(0.1, 1), prediction(0.3, 2)], method="mean")
    assert result.weights.tolist() == [0.5, 0.5]


def test_the_blend_mixes_on_the_log_scale():
    one, two = np.full((ROWS, 1), 100.0), np.full((ROWS, 1), 400.0)
    assert blended([one, two], method="mean").blended.test[0, 0] == pytest.approx(200.0)


def test_nested_score_is_worse_than_the_score_of_the_fitted_rows():
    """Many useless models: fitted weights look good on their own rows, not on others."""
    generator = np.random.default_rng(1)
    models = [np.exp(np.log(Y).mean() + generator.normal(0, 0.05, (ROWS, 1))) for _ in range(30)]
    result = blended(models)
    mixed = np.exp(np.einsum("m,mnk->nk", result.weights, np.log(np.stack(models))))
    assert score(mixed) < result.blended.score


def test_a_fold_has_no_part_in_its_own_weights():
    """Spoil one fold's target: its nested predictions stay as they were."""
    models = np.stack([prediction(0.2, 1), prediction(0.2, 2)])
    spoilt = np.where(FOLDS == 0, Y * 50, Y)
    first, second = (
        blend(weighted(), models, models, target, FOLDS, LOG, METRICS["rmsle"])
        for target in (Y, spoilt)
    )
    assert (first.blended.oof[FOLDS == 0] == second.blended.oof[FOLDS == 0]).all()


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_a_fold_has_no_part_in_how_its_weights_are_fitted(metric):
    """By log loss or by labels: other folds decide, whatever the scored fold's labels are."""
    for seed in range(10):
        generator = np.random.default_rng(seed)
        oof, y = class_models(seed, 40)
        folds = np.arange(40) % 4
        spoilt = np.where(folds == 0, generator.permutation(y), y)
        first, second = (
            blend(weighted(rounds=5), oof, oof, own, folds, BINARY, METRICS[metric])
            for own in (y, spoilt)
        )
        assert (first.fold_weights[0] == second.fold_weights[0]).all(), seed


def test_inner_predictions_alone_decide_a_folds_weights():
    """Fold 0's weights follow what is predicted without its rows, whatever the models' OOF is."""
    good, bad = prediction(0.01, 1), prediction(0.5, 2)
    swapped = np.stack([np.stack([bad, good]) if fold == 0 else np.stack([good, bad])
                        for fold in range(5)])  # fmt: skip
    swapped[0][:, FOLDS == 0] = np.nan
    models = np.stack([good, bad])
    result = blend(weighted(), models, models, Y, FOLDS, LOG, METRICS["rmsle"], swapped)
    assert result.fold_weights[0].tolist() == [0.0, 1.0]
    assert result.fold_weights[1].tolist() == [1.0, 0.0]
    assert result.weights.tolist() == [1.0, 0.0]


def in_time(y: np.ndarray, seen: np.ndarray = FOLDS >= 1):
    """A blend of folds 1 to 4 of which each trains on earlier rows; fold 0 is never validated."""
    models = np.stack([prediction(0.2, 1), prediction(0.2, 2), prediction(0.25, 3)])
    models[:, ~seen] = np.nan
    trained = np.stack([fold > FOLDS for fold in range(1, 5)], axis=1)
    folds = np.where(seen, FOLDS - 1, -1)
    return blend(
        weighted(), models, models[:, seen], y, folds, LOG, METRICS["rmsle"], None, trained
    )


def test_weights_of_a_fold_in_time_know_nothing_of_later_rows():
    seen = FOLDS >= 1
    first, later = in_time(Y), in_time(np.where(FOLDS >= 3, Y * 50, Y))
    assert np.array_equal(
        first.blended.oof[FOLDS < 4], later.blended.oof[FOLDS < 4], equal_nan=True
    )
    assert not np.array_equal(first.blended.oof[FOLDS == 4], later.blended.oof[FOLDS == 4])
    # Nothing is known before the first fold.
    assert first.fold_weights[0] == pytest.approx(np.full(3, 1 / 3))
    assert np.isnan(first.blended.oof[~seen]).all()
    assert first.blended.score == score_of(first.blended.oof, seen)


def score_of(oof: np.ndarray, rows: np.ndarray) -> float:
    return METRICS["rmsle"](Y[rows], oof[rows, 0])


def test_rows_that_are_never_validated_change_nothing():
    """As if they were not there, whatever their target."""
    seen = FOLDS >= 1
    whole = in_time(np.where(seen, Y, 1e9))
    models = np.stack([prediction(0.2, 1), prediction(0.2, 2), prediction(0.25, 3)])[:, seen]
    folds = FOLDS[seen] - 1
    trained = np.stack([fold > FOLDS[seen] for fold in range(1, 5)], axis=1)
    alone = blend(weighted(), models, models, Y[seen], folds, LOG, METRICS["rmsle"], None, trained)
    assert whole.weights.tolist() == alone.weights.tolist()
    assert whole.blended.score == alone.blended.score
    assert np.array_equal(whole.blended.oof[seen], alone.blended.oof)
    assert [len(one.oof) for one in whole.models] == [ROWS] * 3


def test_greedy_selection_stops_at_the_best_prefix():
    truth = np.array([[1.0], [2.0]])
    candidates = np.stack([truth + 1, truth - 1, truth + 5])
    weights = select_greedily(candidates, lambda mixed: float(np.abs(mixed - truth).mean()), 11)
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_a_metric_to_maximise():
    target = Target("binary", "none", ("no", "yes"))
    y = np.array([0.0, 1.0, 0.0, 1.0] * 10)
    good = np.stack([0.9 - 0.8 * y, 0.1 + 0.8 * y], axis=1)
    oof = np.stack([good[:, ::-1], good])
    result = blend(weighted(), oof, oof, y, np.arange(40) // 10, target, METRICS["auc"])
    assert result.weights.tolist() == [0.0, 1.0]
    assert result.blended.score == 1.0


def test_where_labels_are_equally_good_the_surer_model_is_taken():
    """A metric of labels doesn't see how sure they are: the log loss breaks ties."""
    target = Target("binary", "none", ("no", "yes"))
    y = np.array([0.0, 1.0, 0.0, 1.0] * 10)
    sure = np.stack([0.9 - 0.8 * y, 0.1 + 0.8 * y], axis=1)
    unsure = np.stack([0.6 - 0.2 * y, 0.4 + 0.2 * y], axis=1)
    oof = np.stack([unsure, sure])
    result = blend(weighted(), oof, oof, y, np.arange(40) // 10, target, METRICS["accuracy"])
    assert result.weights.tolist() == [0.0, 1.0]
    assert result.blended.score == 1.0


BINARY = Target("binary", "none", ("no", "yes"))


def as_probabilities(logits: np.ndarray) -> np.ndarray:
    """Two columns of probabilities from the second class's logit."""
    second = 1 / (1 + np.exp(-logits))
    return np.stack([1 - second, second], axis=-1)


def class_models(seed: int, rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four models, shape (4, rows, 2), one of them clearly the best; the truth."""
    generator = np.random.default_rng(seed)
    signal = generator.normal(0, 2, rows)
    y = (generator.uniform(size=rows) < 1 / (1 + np.exp(-signal))).astype(float)
    noise = np.array([0.6, 1.2, 1.5, 2.5])[:, None] * generator.normal(size=(4, rows))
    return as_probabilities(signal + noise), y


@pytest.mark.deep
@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "auc"])
def test_on_rows_that_nothing_saw_the_submission_is_at_least_the_best_model(metric):
    """Weights by a metric of steps lose to the best model; the mean over seeds must not."""
    gains = []
    for seed in range(12):
        models, y = class_models(seed, 800)
        oof, test, folds = models[:, :400], models[:, 400:], np.arange(400) % 5
        result = blend(weighted(rounds=30), oof, test, y[:400], folds, BINARY, METRICS[metric])
        best = np.argmax([METRICS[metric](y[:400], one) for one in oof])
        gains.append(
            METRICS[metric](y[400:], result.submitted.test) - METRICS[metric](y[400:], test[best])
        )
    assert np.mean(gains) >= 0


def test_the_nested_blend_is_at_least_the_best_model_on_average():
    gains = []
    for seed in range(12):
        oof, y = class_models(seed)
        result = blend(weighted(rounds=30), oof, oof, y, np.arange(400) % 5, BINARY, METRICS["auc"])
        gains.append(result.blended.score - max(model.score for model in result.models))
    assert np.mean(gains) >= 0


def test_a_blend_that_does_not_beat_its_best_model_is_not_submitted():
    truth = prediction(0.01, 1)
    useless = [prediction(0.5, seed) for seed in range(2, 8)]
    result = blended([*useless, truth], method="mean")
    assert result.chosen == 6
    assert (result.submitted.oof == truth).all()
    assert result.submitted.score < result.blended.score
    kept = blended([*useless, truth], method="mean", submit="blend")
    assert kept.chosen is None
    assert kept.submitted is kept.blended


def test_a_blend_that_wins_is_submitted():
    result = blended([prediction(0.2, seed) for seed in range(3)])
    assert result.chosen is None
    assert result.submitted.score < min(model.score for model in result.models)


def test_one_model_is_the_blend_and_nothing_is_searched():
    one = METRICS["rmsle"]
    asked = []
    counting = replace(one, function=lambda *given: asked.append(0) or one.function(*given))
    models = np.stack([prediction(0.2, 1)])
    result = blend(weighted(), models, models[:, :10], Y, FOLDS, LOG, counting)
    # The model and the blend are scored, in all and on each fold; and weights on their own rows.
    assert len(asked) == 2 * (1 + 5) + 1
    assert (result.weights.tolist(), result.chosen) == ([1.0], None)
    assert result.blended.score == result.models[0].score


@pytest.mark.parametrize("metric", ["auc", "accuracy"])
def test_a_fold_of_one_class(metric):
    """All positives are in one fold: without it, no mixture has a ROC AUC."""
    oof, _ = class_models(0, 40)
    y, folds = (np.arange(40) < 10).astype(float), np.arange(40) // 10
    result = blend(weighted(rounds=5), oof, oof, y, folds, BINARY, METRICS[metric])
    assert np.isfinite(result.blended.score)
    assert np.isfinite(result.weights).all()
    assert np.isnan(result.blended.fold_scores).all() == (metric == "auc")


def test_weights_are_equal_where_no_mixture_has_a_loss():
    weights = select_greedily(np.ones((2, 3, 1)), lambda mixed: float("nan"), 5)
    assert weights.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(("transform", "metric"), [("none", "rmsle"), ("log1p", "rmse")])
def test_predictions_below_the_bound_are_set_to_it_and_counted(transform, metric):
    target = Target("regression", transform)
    oof = prediction(0.1, 1)[None] / Y.max()
    test = np.array([[[-0.5], [2.0], [-1.0]]])
    result = blend(weighted(), oof, test, Y / Y.max(), FOLDS, target, METRICS[metric])
    assert result.submitted.test[:, 0] == pytest.approx([0.0, 2.0, 0.0])
    assert result.raised == 2


def test_a_large_table_takes_seconds():
    """The metric of a mixture costs a sort; 200,000 rows took a minute for one model."""
    oof, y = class_models(0, 50_000)
    started = time.perf_counter()
    blend(weighted(rounds=20), oof, oof[:, :9], y, np.arange(50_000) % 5, BINARY, METRICS["auc"])
    assert time.perf_counter() - started < 5
