"""Members with hyperparameters of their own: in one group, and as if each were alone."""

import time
from collections import Counter

import numpy as np
import pytest
import torch

from podium.config import LinearParams, MLPParams
from podium.config.networks import NetworkParams
from podium.io.errors import PodiumError
from podium.nn import fit_members
from podium.nn import plan as planning
from podium.nn.own import OWN, structure
from podium.nn.training import Limits

ROWS, FEATURES = 150, 6
BASE = {
    "hidden": [16, 8],
    "epochs": 5,
    "batch_size": 32,
    "normalization": "batch",
    "numeric_embedding": "periodic",
    "loss": "huber",
    "early_stopping": None,
    "schedule": "cosine",
}
# Of each hyperparameter that a member may have of its own, two values that make a difference.
MIXED = {
    "epochs": (3, 5),
    "huber_delta": (0.2, 1.0),
    "learning_rate": (1e-3, 5e-3),
    "momentum": (0.5, 0.9),
    "beta2": (0.9, 0.999),
    "gradient_clip": (None, 0.05),
    "schedule": ("constant", "one_cycle"),
    "warm_up": (0.0, 0.4),
    "schedule_end": (0.0, 0.5),
    "weight_decay": (0.0, 2.0),
    "weight_decay_schedule": ("constant", "cosine"),
    "dropout_schedule": ("constant", "cosine"),
    "l1": (0.0, 1e-2),
    "l2": (0.0, 1e-1),
    "dropout": (0.0, 0.5),
    "input_dropout": (0.0, 0.3),
    "input_noise": (0.0, 0.5),
    "activation_noise": (0.0, 0.5),
    "weight_noise": (0.0, 0.3),
    "mixup": (0.0, 0.5),
    "initialization": ("he", "orthogonal"),
    "zero_last": (False, True),
    "frequency_scale": (0.05, 1.0),
    "bias_rate": (0.1, 5.0),
    "scale_rate": (1.0, 6.0),
    "embedding_rate": (0.1, 5.0),
    "activation_rate": (1.0, 30.0),
}
# Where another one has to be set beside it, or nothing would be different.
BESIDE = {
    "weight_decay_schedule": {"weight_decay": 2.0},
    "dropout_schedule": {"dropout": 0.5},
    "schedule_end": {"schedule": "linear"},
    # What batch normalization follows has no bias.
    "bias_rate": {"normalization": "none"},
    "scale_rate": {"input_scale": True},
    "activation_rate": {"parametric_activation": True},
}


def table() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, FEATURES)).astype(np.float32)
    return x, np.sin(x[:, 0]) + x[:, 1] + 0.05 * generator.normal(size=ROWS)


def rows_of(count: int) -> list[np.ndarray]:
    return [np.flatnonzero(np.arange(ROWS) % 5 != m % 5) for m in range(count)]


def fit(params: list[NetworkParams], only: int | None = None, **more):
    """One member of each, or only one of them."""
    x, y = table()
    chosen = range(len(params)) if only is None else [only]
    return fit_members(
        x,
        y,
        [rows_of(len(params))[m] for m in chosen],
        [params[m] for m in chosen],
        seeds=[100 + m for m in chosen],
        **more,
    )


def groups_of(monkeypatch) -> list[list[int]]:
    """The indices of members in each group that is planned from now on."""
    seen: list[list[int]] = []
    original = planning._split_into_groups

    def spy(*arguments):
        found = original(*arguments)
        seen.extend([member.index for member in group] for group in found)
        return found

    monkeypatch.setattr(planning, "_split_into_groups", spy)
    return seen


@pytest.mark.parametrize("knob", MIXED)
def test_a_member_is_the_same_beside_one_with_another_value(knob, monkeypatch):
    groups = groups_of(monkeypatch)
    values = MIXED[knob]
    params = [MLPParams(**{**BASE, **BESIDE.get(knob, {}), knob: values[m % 2]}) for m in range(4)]
    together = fit(params).predict(table()[0])
    assert len(groups) == 1
    for member in (1, 2):
        alone = fit(params, only=member).predict(table()[0])[0]
        assert alone == pytest.approx(together[member], abs=1e-4)
    # The value matters: else the test could not fail.
    other = [*params[:3], params[0]]
    assert np.abs(fit(other).predict(table()[0])[3] - together[3]).max() > 1e-3


def test_everything_at_once():
    """Twenty members, none like another."""
    generator = np.random.default_rng(1)
    params = []
    for _ in range(20):
        knobs = {knob: values[generator.integers(2)] for knob, values in MIXED.items()}
        knobs |= {"dropout": 0.3, "weight_decay": 0.5, "schedule": "cosine"}
        knobs |= {"input_scale": True, "parametric_activation": True}
        params.append(MLPParams(**{**BASE, **knobs}))
    together = fit(params)
    predicted = together.predict(table()[0])
    for member in (0, 7, 19):
        alone = fit(params, only=member)
        assert alone.predict(table()[0])[0] == pytest.approx(predicted[member], abs=1e-3)
        assert len(alone.outcomes[0].history) == params[member].epochs
        assert len(together.outcomes[member].history) == params[member].epochs


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"])
def test_with_every_optimizer(optimizer):
    params = [
        LinearParams(epochs=5, optimizer=optimizer, learning_rate=rate, weight_decay=decay)
        for rate, decay in ((0.01, 0.0), (0.05, 1.0), (0.02, 0.1))
    ]
    together = fit(params).predict(table()[0])
    for member in range(3):
        alone = fit(params, only=member).predict(table()[0])[0]
        assert alone == pytest.approx(together[member], abs=1e-5)


def test_classes_with_smoothing_of_their_own():
    x, y = table()
    codes = (y > 0).astype(np.int64)
    params = [MLPParams(**{**BASE, "label_smoothing": s, "loss": "squared"}) for s in (0.0, 0.3)]
    rows, more = rows_of(2), {"classes": 2}
    together = fit_members(x, codes, rows, params, seeds=[1, 2], **more).predict(x)
    alone = fit_members(x, codes, rows[1:], params[1:], seeds=[2], **more).predict(x)[0]
    assert alone == pytest.approx(together[1], abs=1e-5)


def test_patience_and_holdouts_of_their_own():
    params = [
        MLPParams(**{**BASE, "early_stopping": patience, "epochs": 60, "schedule": "constant",
                     "learning_rate": 5e-3, "normalization": "none", "holdout": holdout})
        for patience, holdout in ((2, 0.1), (20, 0.12))
    ]  # fmt: skip
    together = fit(params).outcomes
    assert len(together[0].history) < len(together[1].history)
    assert len(together[0].member.stop) < len(together[1].member.stop)
    for member in range(2):
        alone = fit(params, only=member).outcomes[0]
        assert (alone.best_epoch, len(alone.history)) == (
            together[member].best_epoch,
            len(together[member].history),
        )


def test_other_layers_are_another_group(monkeypatch):
    groups = groups_of(monkeypatch)
    wide = MLPParams(**{**BASE, "hidden": [32]})
    slow = MLPParams(**{**BASE, "learning_rate": 1e-4})
    plain = MLPParams(**BASE)
    params = [plain, wide, slow, wide]
    together = fit(params).predict(table()[0])
    assert Counter(map(tuple, groups)) == Counter([(0, 2), (1, 3)])
    for member in range(4):
        alone = fit(params, only=member).predict(table()[0])[0]
        assert alone == pytest.approx(together[member], abs=1e-4)


def test_what_is_not_a_members_own_makes_another_structure():
    changed = {"hidden": [4], "batch_size": 16, "optimizer": "sgd", "averaging": "ema"}
    plain = MLPParams(**BASE)
    for knob, value in changed.items():
        assert structure(MLPParams(**{**BASE, knob: value})) != structure(plain), knob
    for knob, values in MIXED.items():
        own = {**BASE, **BESIDE.get(knob, {})}
        first, second = (structure(MLPParams(**{**own, knob: value})) for value in values)
        assert first == second, knob
    assert set(MIXED) | {"early_stopping", "holdout", "label_smoothing", "cutmix"} >= OWN - {
        "quantile", "step_every", "step_factor", "peak_at", "flat_until", "restarts",
    }  # fmt: skip


def test_members_with_the_same_hyperparameters_stay_together(monkeypatch):
    """Of a search that prunes: a configuration's folds are compared with other configurations."""
    monkeypatch.setattr(planning, "_most_together", lambda *arguments: 7)
    groups = groups_of(monkeypatch)
    trials = [MLPParams(**{**BASE, "learning_rate": rate}) for rate in (1e-3, 2e-3, 3e-3, 4e-3)]
    fit([own for own in trials for _ in range(5)], limits=Limits(lambda epoch, scores: ()))
    assert all(len(group) % 5 == 0 for group in groups)
    assert sorted(index for group in groups for index in group) == list(range(20))


def test_members_leave_when_they_are_told_to():
    params = [MLPParams(**{**BASE, "learning_rate": rate}) for rate in (1e-3, 2e-3, 3e-3)]
    x, y = table()
    seen: list[tuple[int, tuple[int, ...]]] = []

    def prune(epoch, scores):
        seen.append((epoch, tuple(scores)))
        return {1} if epoch == 2 else ()

    valid = [np.setdiff1d(np.arange(ROWS), rows) for rows in rows_of(3)]
    fitted = fit_members(
        x, y, rows_of(3), params, seeds=[100, 101, 102], limits=Limits(prune),
        valid_rows_per_member=valid,
        score=lambda member, out: float(np.abs(out[:, 0] - y[member.valid]).mean()),
    )  # fmt: skip
    assert [len(outcome.history) for outcome in fitted.outcomes] == [5, 2, 5]
    assert [outcome.pruned for outcome in fitted.outcomes] == [False, True, False]
    assert seen[0] == (1, (0, 1, 2))
    assert seen[2] == (3, (0, 2))
    alone = fit(params, only=2).predict(x)[0]
    assert alone == pytest.approx(fitted.predict(x)[2], abs=1e-5)


def test_nothing_is_trained_when_the_time_is_over():
    params = [MLPParams(**BASE)] * 2
    fitted = fit(params, limits=Limits(deadline=time.monotonic()))
    assert [outcome.history for outcome in fitted.outcomes] == [[], []]
    assert all(outcome.pruned for outcome in fitted.outcomes)


def test_a_stopped_training_of_mixed_members_continues_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("podium.nn.training.CHECKPOINT_SECONDS", 0.0)
    params = [
        MLPParams(**{**BASE, "learning_rate": rate, "averaging": "ema"}) for rate in (1e-3, 1e-2)
    ]
    whole = fit(params).predict(table()[0])

    def stop(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(params, checkpoint=tmp_path, on_epoch=stop)
    epochs = []
    again = fit(params, checkpoint=tmp_path, on_epoch=lambda progress: epochs.append(progress))
    assert epochs[0].resumed
    assert np.array_equal(again.predict(table()[0]), whole)
    other = [params[0], params[0]]
    epochs.clear()
    fit(other, checkpoint=tmp_path, on_epoch=lambda progress: epochs.append(progress))
    assert not epochs[0].resumed


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ([MLPParams(**BASE)], "1 hyperparameters for 2 members"),
        (
            [MLPParams(**BASE), MLPParams(**BASE, standardize_inputs=True)],
            "have the same standardize_inputs",
        ),
    ],
)
def test_what_does_not_go_together(params, words):
    x, y = table()
    with pytest.raises(PodiumError, match=words):
        fit_members(x, y, rows_of(2), params)


def test_a_group_of_equal_ones_is_what_it_was():
    """Numbers, not tensors: the same bits as with one set of hyperparameters for all."""
    x, y = table()
    params = MLPParams(**{**BASE, "dropout": 0.3, "mixup": 0.2, "weight_noise": 0.1})
    one = fit_members(x, y, rows_of(4), params, seeds=[1, 2, 3, 4])
    many = fit_members(x, y, rows_of(4), [params] * 4, seeds=[1, 2, 3, 4])
    for own, other in zip(one.outcomes, many.outcomes, strict=True):
        assert all(torch.equal(value, other.state[name]) for name, value in own.state.items())
