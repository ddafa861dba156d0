"""Configurations that a search tries: each as if it were fitted alone, and all in one program."""

import time

import numpy as np
import pytest

import image_help
from model_help import KNOBS, make_dataset
from podium.config import MLPParams
from podium.config.images import ImageMLPParams
from podium.config.models import LightGBMParams, RidgeParams
from podium.data.targets import Target
from podium.metrics import METRICS
from podium.models import fit_model
from podium.models.trials import fit_trials, heats
from podium.nn import plan as planning

RMSE, ACCURACY = METRICS["rmse"], METRICS["accuracy"]
NUMBERS = Target("regression", "none")


def mlp(**knobs) -> MLPParams:
    return MLPParams(model="mlp", **{**KNOBS["mlp"], **knobs})


CONFIGURATIONS = [
    mlp(learning_rate=0.01),
    mlp(learning_rate=0.02, dropout=0.4, seeds=1),
    mlp(hidden=[8, 4], weight_decay=1.0),
    mlp(learning_rate=0.005, input_noise=0.3),
]


def test_each_is_what_it_would_be_alone(monkeypatch):
    dataset = make_dataset()
    groups = []
    original = planning.make_plan

    def spy(*arguments):
        groups.append(original(*arguments).groups)
        return original(*arguments)

    monkeypatch.setattr(planning, "make_plan", spy)
    monkeypatch.setattr("podium.nn.members.make_plan", spy)
    found = fit_trials(CONFIGURATIONS, dataset, NUMBERS, RMSE)
    assert len(groups) == 1
    assert max(len({id(member.params) for member in group}) for group in groups[0]) > 1
    for params, trial in zip(CONFIGURATIONS, found, strict=True):
        alone = fit_model(params, dataset, NUMBERS, RMSE)
        assert trial.state == "complete"
        assert trial.score == pytest.approx(alone.score, rel=1e-4)
        assert trial.fold_scores == pytest.approx(alone.fold_scores, rel=1e-4)
        assert trial.oof == pytest.approx(alone.oof, rel=1e-3, abs=1e-3)
        assert len(trial.curve) == params.epochs


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_classes(task):
    dataset = make_dataset(task)
    classes = [str(code) for code in range(int(dataset.y.max()) + 1)]
    target = Target(task, "none", classes)
    params = [mlp(label_smoothing=0.1), mlp(label_smoothing=0.0, learning_rate=0.02)]
    found = fit_trials(params, dataset, target, METRICS["logloss"])
    for own, trial in zip(params, found, strict=True):
        alone = fit_model(own, dataset, target, METRICS["logloss"])
        assert trial.score == pytest.approx(alone.score, rel=1e-4)


@pytest.mark.parametrize(
    "params",
    [
        [RidgeParams(model="ridge", alphas=[alpha]) for alpha in (1.0, 100.0)],
        [
            LightGBMParams(model="lightgbm", **{**KNOBS["lightgbm"], "num_leaves": leaves})
            for leaves in (4, 8)
        ],
    ],
)
def test_other_models_are_fitted_one_after_the_other(params):
    dataset = make_dataset()
    found = fit_trials(params, dataset, NUMBERS, RMSE)
    scores = [fit_model(own, dataset, NUMBERS, RMSE).score for own in params]
    assert [trial.score for trial in found] == scores
    assert scores[0] != scores[1]


def test_a_target_whose_scale_is_learnt_in_each_fold():
    dataset = make_dataset()
    target = Target("regression", "quantile")
    (trial,) = fit_trials([mlp(seeds=1)], dataset, target, RMSE)
    assert trial.score == fit_model(mlp(seeds=1), dataset, target, RMSE).score


def test_images_changed_in_another_way_are_another_program():
    dataset, target = image_help.make_images(), Target("multiclass", "none", ["0", "1", "2"])
    knobs = {"hidden": [8], "epochs": 2, "batch_size": 16}
    params = [
        ImageMLPParams(model="mlp", **knobs),
        ImageMLPParams(model="mlp", shift=0.2, **knobs),
        ImageMLPParams(model="mlp", learning_rate=0.01, **knobs),
    ]
    found = fit_trials(params, dataset, target, METRICS["logloss"])
    for own, trial in zip(params, found, strict=True):
        alone = fit_model(own, dataset, target, METRICS["logloss"])
        assert trial.score == pytest.approx(alone.score, rel=1e-3)


def test_who_falls_behind_leaves_and_the_others_do_not_notice():
    dataset = make_dataset()
    asked = []

    def prune(epoch, scores):
        asked.append((epoch, {place: len(own) for place, own in scores.items()}))
        return {1} if epoch == 2 else set()

    params = [mlp(learning_rate=rate, epochs=6) for rate in (0.01, 0.02, 0.005)]
    found = fit_trials(params, dataset, NUMBERS, RMSE, prune=prune)
    assert [trial.state for trial in found] == ["complete", "pruned", "complete"]
    assert [len(trial.curve) for trial in found] == [6, 2, 6]
    assert found[1].score is None
    whole = fit_trials(params, dataset, NUMBERS, RMSE)
    assert found[2].score == pytest.approx(whole[2].score, rel=1e-4)
    # Every fold's score of every configuration that trains, and never before the first epoch.
    folds = len(dataset.splits) * params[0].seeds
    assert all(count == folds for _, own in asked for count in own.values())
    assert {epoch for epoch, _ in asked} == set(range(1, 7))
    assert all(1 not in own for epoch, own in asked if epoch > 2)


@pytest.mark.parametrize("splits", [*range(1, 13), 50])
def test_heats_are_parts_of_the_folds(splits):
    parts = heats(splits, races=True)
    assert [fold for part in parts for fold in part] == list(range(splits))
    assert all(len(part) for part in parts)
    assert len(parts) == min(splits, 3)
    assert heats(splits, races=False) == [range(splits)]


RATES = [mlp(learning_rate=rate, seeds=1) for rate in (0.01, 0.02, 0.005, 0.015)]


@pytest.mark.parametrize(("racers", "races"), [(4, 2), (3, 1)])
def test_a_race_that_nobody_leaves_gives_the_same_scores(racers, races):
    dataset, seen = make_dataset(), []
    whole = fit_trials(RATES[:racers], dataset, NUMBERS, RMSE)

    def race(scores):
        seen.append({place: list(own) for place, own in scores.items()})
        return set()

    raced = fit_trials(RATES[:racers], dataset, NUMBERS, RMSE, race=race)
    for one, other in zip(raced, whole, strict=True):
        assert one.score == pytest.approx(other.score, rel=1e-4)
        assert one.oof == pytest.approx(other.oof, rel=1e-3, abs=1e-3)
        assert one.curve == pytest.approx(other.curve, rel=1e-3)
        assert one.share == 1.0
    # A race is decided by scores of folds as they are reported in the end.
    assert len(seen) == races
    for known in seen:
        for place, own in known.items():
            assert own == pytest.approx(whole[place].fold_scores[: len(own)], rel=1e-3)


def test_who_leaves_a_race_is_trained_no_more():
    dataset = make_dataset()
    found = fit_trials(RATES, dataset, NUMBERS, RMSE, race=lambda scores: {1} & scores.keys())
    assert [trial.state for trial in found] == ["complete", "pruned", "complete", "complete"]
    assert found[1].score is None
    assert len(found[1].fold_scores) == 1
    assert found[1].share == pytest.approx(1 / len(dataset.splits))
    whole = fit_trials(RATES, dataset, NUMBERS, RMSE)
    assert found[1].fold_scores == pytest.approx(whole[1].fold_scores[:1], rel=1e-3)
    assert found[2].score == pytest.approx(whole[2].score, rel=1e-4)


def everyone(scores):
    return set(scores)


def test_a_race_that_all_leave_and_one_whose_time_is_over():
    dataset = make_dataset()
    found = fit_trials(RATES, dataset, NUMBERS, RMSE, race=everyone)
    assert {trial.state for trial in found} == {"pruned"}
    over = time.monotonic()
    found = fit_trials(RATES, dataset, NUMBERS, RMSE, race=everyone, deadline=over)
    assert {trial.state for trial in found} == {"out_of_time"}
    assert {trial.share for trial in found} == {0.0}


def test_one_that_diverges_in_a_race_fails():
    params = [mlp(), mlp(optimizer="sgd", learning_rate=1e30, loss="squared")]
    good, bad = fit_trials(params, make_dataset(), NUMBERS, RMSE, race=lambda scores: set())
    assert good.state == "complete"
    assert bad.state == "failed"
    assert "learning rate" in bad.error


def test_a_curve_is_the_mean_of_the_folds_scores():
    dataset, seen = make_dataset(), {}

    def prune(epoch, scores):
        seen[epoch] = float(np.mean(scores[0]))
        return set()

    (trial,) = fit_trials([mlp(epochs=4)], dataset, NUMBERS, RMSE, prune=prune)
    assert trial.curve == pytest.approx([seen[epoch] for epoch in range(1, 5)])


def test_time_that_is_over():
    dataset = make_dataset()
    over = time.monotonic()
    found = fit_trials(CONFIGURATIONS[:2], dataset, NUMBERS, RMSE, deadline=over)
    assert [(trial.state, trial.score, trial.curve) for trial in found] == [
        ("out_of_time", None, [])
    ] * 2
    (ridge,) = fit_trials([RidgeParams(model="ridge")], dataset, NUMBERS, RMSE, deadline=over)
    assert ridge.state == "out_of_time"


def test_time_that_ends_while_they_train():
    long = [mlp(epochs=100_000), mlp(epochs=100_000, learning_rate=0.02)]
    # Loads libraries, which may take longer than the time.
    fit_trials([mlp(epochs=1)], make_dataset(), NUMBERS, RMSE)
    started = time.monotonic()
    found = fit_trials(long, make_dataset(), NUMBERS, RMSE, deadline=started + 0.5)
    assert time.monotonic() - started < 20
    assert all(trial.state == "out_of_time" for trial in found)
    assert all(0 < len(trial.curve) < 100_000 for trial in found)


def test_one_that_diverges_fails_and_the_others_are_scored():
    params = [mlp(), mlp(optimizer="sgd", learning_rate=1e30, loss="squared")]
    good, bad = fit_trials(params, make_dataset(), NUMBERS, RMSE)
    assert good.state == "complete"
    assert bad.state == "failed"
    assert "learning rate" in bad.error
    (alone,) = fit_trials(params[1:], make_dataset(), NUMBERS, RMSE)
    assert alone.state == "failed"
    assert "diverged" in alone.error
