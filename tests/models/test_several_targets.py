"""Each of several targets is predicted as it would be alone, and nothing of another gets there."""

from collections.abc import Mapping

import numpy as np
import pytest

from podium.config import LightGBMParams, MLPParams, ModelParams, RidgeParams
from podium.data.several_targets import scored_by
from podium.data.tabular.dataset import read_dataset, write_dataset
from podium.ensemble.several_targets import blend_targets
from podium.models import Fit, ModelResult, fit_targets, fit_targets_without_each_fold
from podium.stages.common import target_of
from several_help import ROWS, block, dataset, table

RIDGE = RidgeParams(model="ridge", alphas=[1.0, 10.0], inner_folds=2)
TREES = LightGBMParams(model="lightgbm", rounds=5)
NETWORK = MLPParams(model="mlp", epochs=2, hidden=[4], seeds=1)
MODELS = {"ridge": RIDGE, "lightgbm": TREES, "mlp": NETWORK}
LEARNT = {
    "kind": {"target_mean": ["k"]},
    "by kind": {"mean": "x", "by": ["k"], "as": ["difference"]},
}
TASKS: dict[str, Mapping[str, object]] = {
    "numbers": {},
    "a scale of each fold": {"target_transform": "yeo_johnson"},
    "classes": {"task": "binary"},
    "labels": {"task": "binary", "metric": "f1"},
}


def fitted(target, task: str, params: ModelParams = RIDGE, **keys) -> ModelResult:
    competition = block(target, **{**TASKS[task], "features": LEARNT, **keys})
    data = dataset(competition, table(competition.task))
    return fit_targets(params, data, target_of(competition, data.schema), competition.scoring)


@pytest.mark.parametrize("task", TASKS)
def test_a_target_is_predicted_as_it_is_alone(task):
    both, alone = fitted(["y", "z"], task), {name: fitted(name, task) for name in ("y", "z")}
    for name, one in alone.items():
        assert np.array_equal(both.parts[name].oof, one.oof)
        assert np.array_equal(both.parts[name].test, one.test)
        assert both.parts[name].fold_scores == one.fold_scores
    assert both.score == pytest.approx(np.mean([one.score for one in alone.values()]))
    assert both.fold_scores == pytest.approx(
        np.mean([one.fold_scores for one in alone.values()], 0)
    )
    assert np.array_equal(both.oof, np.hstack([one.oof for one in alone.values()]))


@pytest.mark.parametrize("model", ["lightgbm", pytest.param("mlp", marks=pytest.mark.deep)])
def test_so_it_is_by_every_model(model):
    both, alone = (fitted(target, "numbers", MODELS[model]) for target in (["y", "z"], "z"))
    assert np.allclose(both.parts["z"].oof, alone.oof)


def test_so_it_is_without_the_rows_of_another_fold():
    def without(target):
        competition = block(target, features=LEARNT, nested="full")
        data = dataset(competition, table())
        kind = target_of(competition, data.schema)
        return fit_targets_without_each_fold(Fit(data, kind, RIDGE, competition.scoring))

    for both, alone in zip(without(["y", "z"]), without("z"), strict=True):
        assert np.array_equal(both[:, 1:], alone, equal_nan=True)


@pytest.mark.parametrize("spoilt", ["y", "z"])
def test_no_target_of_a_scored_row_reaches_its_model(spoilt):
    competition = block(features=LEARNT, target_transform="yeo_johnson")
    before, after = table(), table()
    first = dataset(competition, before).folds[:, 0] == 0
    after.loc[np.flatnonzero(first), spoilt] *= 1000
    found = []
    for whole in (before, after):
        data = dataset(competition, whole)
        target = target_of(competition, data.schema)
        found.append(fit_targets(RIDGE, data, target, competition.scoring).oof)
    assert np.array_equal(found[0][first], found[1][first])
    assert not np.array_equal(found[0][~first], found[1][~first])


def test_no_target_is_a_feature():
    data = dataset(block(), table())
    assert list(data.train) == list(data.test) == ["x", "k"]


def test_the_score_is_the_mean_of_the_metric():
    competition = block()
    data = dataset(competition, table())
    target = target_of(competition, data.schema)
    result = fit_targets(RIDGE, data, target, competition.scoring)
    metric = scored_by(target, competition.scoring)
    assert metric(data.y, result.oof) == pytest.approx(result.score)
    assert result.score != pytest.approx(metric(data.y[:, ::-1], result.oof))


def test_what_is_written_is_read(tmp_path):
    data = dataset(block(features=LEARNT), table())
    write_dataset(tmp_path, data)
    read = read_dataset(tmp_path)
    assert np.array_equal(read.y, data.y)
    assert list(read.train) == list(data.train)
    for place in (0, 1):
        own, again = data.of_target(place), read.of_target(place)
        assert (again.schema.target, again.schema.classes) == ("yz"[place], [])
        for one, other in zip(own.splits, again.splits, strict=True):
            assert np.array_equal(own.dense(one)[0], again.dense(other)[0])
    first, second = (
        data.of_target(place).dense(data.of_target(0).splits[0])[0] for place in (0, 1)
    )
    # The mean of each target is a feature of its own models.
    assert first.shape == second.shape
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("task", ["numbers", "labels"])
def test_weights_are_of_each_target(task):
    def blended(target):
        competition = block(target, **TASKS[task])
        data = dataset(competition, table(competition.task))
        kind, metric = target_of(competition, data.schema), competition.scoring
        results = [fit_targets(params, data, kind, metric) for params in (RIDGE, TREES)]
        oof, test = (np.stack([getattr(one, part) for one in results]) for part in ("oof", "test"))
        folds = data.folds[:, 0]
        return blend_targets(competition.ensemble, oof, test, data.y, folds, kind, metric)

    both, alone = blended(["y", "z"]), {name: blended(name) for name in ("y", "z")}
    for name, one in alone.items():
        assert np.array_equal(both.parts[name].weights, one.weights)
        assert both.parts[name].submitted.score == one.submitted.score
    submitted = [one.submitted for one in alone.values()]
    assert both.submitted.score == pytest.approx(np.mean([one.score for one in submitted]))
    assert np.array_equal(both.submitted.test, np.hstack([one.test for one in submitted]))
    assert np.array_equal(
        both.submitted.decided_test, np.hstack([one.decided_test for one in submitted])
    )
    assert both.submitted.oof.shape[0] == ROWS
