"""Training together: members keep to themselves, stop and go, divergence, memory."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch

import nn_help
from podium.config import LinearParams, MLPParams
from podium.io.errors import PodiumError
from podium.nn import Columns, fit_members
from podium.nn import plan as planning
from podium.nn.data import Data, GroupData, Member, Task

ROWS, FEATURES = 150, 6
# Everything at once: what a member draws at random must not depend on who is beside it.
ALL_ON = {
    "hidden": [24, 16],
    "epochs": 5,
    "batch_size": 32,
    "dropout": 0.3,
    "input_dropout": 0.1,
    "input_noise": 0.1,
    "activation_noise": 0.1,
    "weight_noise": 0.1,
    "mixup": 0.4,
    "normalization": "batch",
    "skip": True,
    "standardize_inputs": True,
    "numeric_embedding": "periodic",
    "averaging": "ema",
    "gradient_clip": 1.0,
    "l1": 1e-4,
    "early_stopping": 3,
}


def table(rows: int = ROWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(rows, FEATURES)).astype(np.float32)
    return x, np.sin(x[:, 0]) + x[:, 1] + 0.05 * generator.normal(size=rows)


def uneven_rows(members: int, rows: int = ROWS) -> list[np.ndarray]:
    """Each member leaves out other rows, and not the same number of them."""
    return [
        np.flatnonzero(np.arange(rows) % 5 != m % 5)[: rows - 35 - m % 3] for m in range(members)
    ]


def fit(members: int = 4, only: list[int] | None = None, **knobs):
    x, y = table()
    rows = uneven_rows(members)
    chosen = list(range(members)) if only is None else only
    params = MLPParams(**{**ALL_ON, **knobs})
    seeds = [100 + member for member in chosen]
    return fit_members(x, y, [rows[m] for m in chosen], params, seeds=seeds), x


@pytest.mark.parametrize("knobs", [{}, {"normalization": "layer", "numeric_embedding": "none"}])
def test_a_member_alone_is_the_same_as_beside_nineteen_others(knobs):
    together, x = fit(20, **knobs)
    predictions = together.predict(x)
    for member in (0, 7, 19):
        alone, _ = fit(20, only=[member], **knobs)
        assert alone.predict(x)[0] == pytest.approx(predictions[member], abs=1e-4)
        lone, beside = alone.outcomes[0].history, together.outcomes[member].history
        assert len(lone) == len(beside)
        assert [log.train_loss for log in lone] == pytest.approx(
            [log.train_loss for log in beside], abs=1e-5
        )


def test_members_differ_by_their_seeds_alone():
    x, y = table()
    rows = [np.arange(100)] * 3
    fitted = fit_members(x, y, rows, MLPParams(epochs=3, hidden=[8]), seeds=[1, 2, 1])
    first, second, third = fitted.predict(x)
    assert first == pytest.approx(third, abs=1e-5)
    assert np.abs(first - second).max() > 0.01


def test_one_group_or_many_give_the_same(monkeypatch):
    together, x = fit(6)
    monkeypatch.setattr(planning, "CACHE_BYTES", 1)
    apart, _ = fit(6)
    assert apart.predict(x) == pytest.approx(together.predict(x), abs=1e-4)


def test_threads_are_as_they_were():
    before = torch.get_num_threads()
    fit(4)
    assert torch.get_num_threads() == before


def test_a_shared_table_equals_a_table_for_each_fold():
    x, y = table()
    params = MLPParams(epochs=4, hidden=[8], dropout=0.2)
    rows, folds = uneven_rows(4), [0, 1, 0, 1]
    shared = fit_members(x, y, rows, params)
    listed = fit_members([x, x], y, rows, params, table_per_member=folds)
    made = fit_members(lambda fold: x.copy(), y, rows, params, table_per_member=folds)
    assert listed.predict([x, x]) == pytest.approx(shared.predict(x), abs=1e-5)
    assert made.predict(x) == pytest.approx(shared.predict(x), abs=1e-5)


def test_each_member_reads_its_own_table():
    x, y = table()
    tables = [x, 100 * x]
    params = MLPParams(epochs=4, hidden=[8], standardize_inputs=True)
    rows = [np.arange(100)] * 2
    fitted = fit_members(tables, y, rows, params, table_per_member=[0, 1], seeds=[1, 1])
    first, second = fitted.predict(tables)
    assert first == pytest.approx(second, abs=1e-3)


def test_rows_left_out_have_no_influence():
    x, y = table()
    spoilt_x, spoilt_y = x.copy(), y.copy()
    spoilt_x[100:], spoilt_y[100:] = 1e6, -1e6
    params = MLPParams(**ALL_ON)
    rows, valid = [np.arange(100)] * 2, [np.arange(100, ROWS)] * 2
    clean = fit_members(x, y, rows, params, valid_rows_per_member=valid)
    spoilt = fit_members(spoilt_x, spoilt_y, rows, params, valid_rows_per_member=valid)
    assert (clean.predict(x) == spoilt.predict(x)).all()


@pytest.mark.parametrize("outputs", [1, 3])
def test_numbers_are_learnt(outputs):
    x, y = table()
    targets = np.stack([y * (k + 1) + 10 * k for k in range(outputs)], axis=1)
    params = MLPParams(epochs=150, hidden=[32], dropout=0.0, learning_rate=0.01, weight_decay=0.0)
    fitted = fit_members(x, targets, [np.arange(110)], params)
    out = fitted.predict(x)[0]
    assert out.shape == (ROWS, outputs)
    left = (out - targets)[110:].std(axis=0) / targets[110:].std(axis=0)
    assert (left < 0.5).all()


@pytest.mark.parametrize("class_loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_are_learnt(class_loss, classes):
    x, y = table()
    codes = np.digitize(y, np.quantile(y, np.arange(1, classes) / classes))
    params = MLPParams(
        epochs=60, hidden=[16], dropout=0.0, learning_rate=0.01, class_loss=class_loss
    )
    out = fit_members(x, codes, [np.arange(120)], params, classes=classes).predict(x)[0]
    assert out.shape == (ROWS, classes)
    assert out.sum(axis=1) == pytest.approx(1.0)
    assert (out.argmax(axis=1) == codes)[120:].mean() > 0.7


def test_weights_of_rows_count_as_repetition_does():
    x, y = table(40)
    weight = np.arange(40) % 3
    params = MLPParams(
        epochs=20, hidden=[8], dropout=0.0, batch_size=1000, standardize_inputs=True,
        early_stopping=None, numeric_embedding="periodic",
    )  # fmt: skip
    weighted = fit_members(x, y, [np.arange(40)], params, sample_weight=weight, seeds=[1])
    again = np.repeat(np.arange(40), weight)
    repeated = fit_members(x[again], y[again], [np.arange(len(again))], params, seeds=[1])
    plain = fit_members(x, y, [np.arange(40)], params, seeds=[1])
    assert weighted.predict(x) == pytest.approx(repeated.predict(x), abs=1e-3)
    assert np.abs(weighted.predict(x) - plain.predict(x)).max() > 0.01


def test_only_ratios_of_weights_count():
    x, y = nn_help.table()
    weight = 1.0 + np.arange(nn_help.ROWS) % 3
    usual = nn_help.fit(x, y, sample_weight=weight, epochs=3).predict(x)
    for unit in (1e-300, 1e-50, 1e50, 1e300):
        assert nn_help.fit(x, y, sample_weight=unit * weight, epochs=3).predict(x) == pytest.approx(
            usual
        )
    heavy = np.where(np.arange(nn_help.ROWS) < 40, 1e50, 1.0)
    alone = nn_help.fit(x, y, sample_weight=(heavy > 1).astype(float), epochs=3).predict(x)
    valid = [np.arange(60)]
    fitted = nn_help.fit(x, y, sample_weight=heavy, epochs=3, valid_rows_per_member=valid)
    assert fitted.predict(x) == pytest.approx(alone)
    assert np.isfinite(fitted.outcomes[0].history[-1].valid_loss)


@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_weights_that_cannot_be_are_one_line(value):
    x, y = nn_help.table()
    weight = np.ones(nn_help.ROWS)
    weight[7] = value
    with pytest.raises(PodiumError, match="sample_weight has numbers that are negative, infinite"):
        nn_help.fit(x, y, sample_weight=weight, epochs=1)


@pytest.mark.parametrize("unit", [1e-300, 1e-13, 1e13, 1e305])
def test_a_standardized_target_has_no_unit(unit):
    x, y = nn_help.table()
    usual = nn_help.fit(x, y, epochs=3).predict(x)
    given = nn_help.fit(x, y.astype(np.float64) * unit, epochs=3).predict(x)
    assert given / unit == pytest.approx(usual, rel=1e-4)


def test_no_hidden_layer_is_linear_least_squares():
    """The textbook's linear regression converges to the closed form."""
    x, y = table()
    params = LinearParams(epochs=300, learning_rate=0.05, batch_size=1000)
    fitted = fit_members(x, y, uneven_rows(2), params)
    for member, rows in enumerate(uneven_rows(2)):
        design = np.c_[x[rows], np.ones(len(rows))]
        solution = np.linalg.lstsq(design, y[rows], rcond=None)[0]
        weight = fitted.outcomes[member].state["output.weight"][:, 0].numpy()
        assert weight == pytest.approx(solution[:-1], abs=1e-3)


def test_curves_have_every_epoch_and_the_metric():
    x, y = table()
    rows, valid = uneven_rows(3), [np.arange(140, 150)] * 3
    fitted = fit_members(
        x,
        y,
        rows,
        MLPParams(epochs=4, hidden=[8]),
        valid_rows_per_member=valid,
        score=lambda member, predicted: float(len(predicted) + member.index),
    )
    for outcome in fitted.outcomes:
        assert [log.epoch for log in outcome.history] == [0, 1, 2, 3]
        assert {log.valid_metric for log in outcome.history} == {10.0 + outcome.member.index}
        assert all(log.seconds > 0 and log.learning_rate > 0 for log in outcome.history)


# Stop and go.


def weights_of(fitted) -> list[torch.Tensor]:
    return [outcome.state[name] for outcome in fitted.outcomes for name in sorted(outcome.state)]


def same_weights(one, other) -> bool:
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return all(torch.equal(mine, yours) for mine, yours in pairs)


def resumable(folder: Path | None, on_epoch=None, epochs: int = 8, **knobs):
    x, y = table()
    params = MLPParams(**{**ALL_ON, "epochs": epochs, **knobs})
    with patch("podium.nn.training.CHECKPOINT_SECONDS", 0.0):
        return fit_members(x, y, uneven_rows(5), params, on_epoch=on_epoch, checkpoint=folder)


@pytest.mark.parametrize("averaging", ["ema", pytest.param("swa", marks=pytest.mark.deep)])
@pytest.mark.parametrize(
    "stopped_after", [7, *(pytest.param(epochs, marks=pytest.mark.deep) for epochs in (1, 13))]
)
def test_a_stopped_training_continues_to_the_same_bits(
    tmp_path, monkeypatch, stopped_after, averaging
):
    """Two groups, stopped when they have gone so many epochs together."""
    monkeypatch.setattr(planning, "GROUP_WORK", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    told = []

    def stop(progress):
        told.append(progress)
        if len(told) == stopped_after:
            raise KeyboardInterrupt

    whole = resumable(None, averaging=averaging)
    with pytest.raises(KeyboardInterrupt):
        resumable(tmp_path, stop, averaging=averaging)
    continued = resumable(tmp_path, averaging=averaging)
    assert same_weights(whole, continued)
    for one, other in zip(whole.outcomes, continued.outcomes, strict=True):
        assert [log.train_loss for log in one.history] == [log.train_loss for log in other.history]
        assert one.best_epoch == other.best_epoch


def test_finished_groups_are_not_trained_again(tmp_path):
    first, again = resumable(tmp_path), resumable(tmp_path)
    assert same_weights(first, again)
    # Equal clocks: the curves were read, not made.
    for one, other in zip(first.outcomes, again.outcomes, strict=True):
        assert [log.seconds for log in one.history] == [log.seconds for log in other.history]


@pytest.mark.deep
@pytest.mark.parametrize("change", [{"dropout": 0.4}, {"epochs": 9}, {"learning_rate": 0.002}])
def test_a_checkpoint_of_other_knobs_is_not_used(tmp_path, change):
    resumable(tmp_path)
    changed, fresh = resumable(tmp_path, **change), resumable(None, **change)
    assert same_weights(changed, fresh)


@pytest.mark.deep
def test_a_checkpoint_of_other_data_is_not_used(tmp_path):
    resumable(tmp_path)
    x, y = table(seed=1)
    params = MLPParams(**{**ALL_ON, "epochs": 8})
    kept = fit_members(x, y, uneven_rows(5), params, checkpoint=tmp_path)
    fresh = fit_members(x, y, uneven_rows(5), params)
    assert same_weights(kept, fresh)


@pytest.mark.deep
def test_a_broken_checkpoint_is_as_good_as_none(tmp_path):
    whole = resumable(tmp_path)
    for path in tmp_path.glob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:100])
    again = resumable(tmp_path)
    assert same_weights(whole, again)


CHILD = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}, {helpers!r}]
from test_members import resumable
resumable(Path({folder!r}), epochs=400)
"""


@pytest.mark.deep
def test_a_killed_process_continues_to_the_same_bits(tmp_path):
    here, helpers = str(Path(__file__).parent), str(Path(nn_help.__file__).parent)
    code = CHILD.format(tests=here, helpers=helpers, folder=str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", code])
    until = time.monotonic() + 60
    while not list(tmp_path.glob("*.safetensors")) and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL
    epochs = []
    continued = resumable(tmp_path, epochs.append, epochs=400)
    assert epochs
    whole = resumable(None, epochs=400)
    assert same_weights(whole, continued)


# Divergence.


def test_a_diverged_member_stops_alone():
    x, y = table()
    y[:10] = np.inf
    rows = [np.arange(20, 120), np.arange(120), np.arange(20, 120)]
    params = MLPParams(epochs=4, hidden=[8], standardize_target=False)
    fitted = fit_members(x, y, rows, params, seeds=[1, 2, 3])
    assert [outcome.member.index for outcome in fitted.diverged] == [1]
    assert len(fitted.outcomes[1].history) == 1
    out = fitted.predict(x)
    assert np.isnan(out[1]).all()
    alone = fit_members(x, y, rows[:1], params, seeds=[1])
    assert out[0] == pytest.approx(alone.predict(x)[0], abs=1e-5)
    assert len(fitted.outcomes[2].history) == 4


def test_all_members_diverged_is_an_error_with_epoch_rate_and_advice():
    x, y = table()
    params = MLPParams(
        epochs=30, hidden=[8], optimizer="sgd", loss="squared", schedule="constant",
        learning_rate=1e20, weight_decay=0.0,
    )  # fmt: skip
    words = (
        r"diverged in every network: that: .* in epoch \d+, learning rate 1e\+20; try a learning"
    )
    with pytest.raises(PodiumError, match=words):
        fit_members(x, y, [np.arange(100)] * 2, params, names=["that", "other"])


# Memory.


def test_a_shared_table_is_not_copied():
    x, y = table()
    data = Data(x, torch.zeros(ROWS, 1), Columns(FEATURES), Task(False, 1))
    members = [Member(index, index, np.arange(50)) for index in range(3)]
    group = GroupData(data, members, torch.device("cpu"))
    assert group.x.data_ptr() == x.ctypes.data


def test_tables_that_do_not_fit_are_made_one_at_a_time(monkeypatch):
    """A group then reads one table, and no more groups run at once than tables fit."""
    x, _ = table()
    one_table = 4 * ROWS * FEATURES
    monkeypatch.setattr(planning, "memory_of", lambda device: one_table / planning.MEMORY_SHARE)
    data = Data(lambda fold: x, torch.zeros(ROWS, 1), Columns(FEATURES), Task(False, 1))
    params = MLPParams(hidden=[4], batch_size=64)
    members = [Member(m, m, np.arange(50), table=m // 2, params=params) for m in range(8)]
    plan = planning.make_plan(data, members, torch.device("cpu"))
    assert plan.workers == 1
    assert all(len({member.table for member in group}) == 1 for group in plan.groups)
    assert sorted(m.index for group in plan.groups for m in group) == list(range(8))


def members_of(count: int, *hidden: int) -> list[Member]:
    params = MLPParams(hidden=list(hidden), batch_size=64)
    return [Member(m, m, np.arange(80), params=params) for m in range(count)]


def test_small_members_stay_together_and_large_ones_share_the_cores(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    data = Data(np.zeros((100, 50), np.float32), torch.zeros(100, 1), Columns(50), Task(False, 1))
    cpu = torch.device("cpu")
    small = planning.make_plan(data, members_of(2, 8), cpu)
    large = planning.make_plan(data, members_of(2, 512, 512), cpu)
    alone = planning.make_plan(data, members_of(1, 8192, 8192), cpu)
    assert (len(small.groups), small.workers, small.threads) == (1, 1, 1)
    assert (len(large.groups), large.workers, large.threads) == (2, 2, 1)
    assert (len(alone.groups), alone.workers, alone.threads) == (1, 1, 2)


def test_many_wide_members_are_split_to_fit():
    data = Data(np.zeros((100, 50), np.float32), torch.zeros(100, 1), Columns(50), Task(False, 1))
    cpu = torch.device("cpu")
    small = planning.make_plan(data, members_of(40, 8), cpu)
    large = planning.make_plan(data, members_of(40, 1024, 1024), cpu)
    assert len(small.groups) < len(large.groups) == 40


@pytest.mark.parametrize(("compared", "sizes"), [(False, [4, 5]), (True, [3, 6])])
def test_groups_are_even_unless_members_are_compared_while_they_train(compared, sizes, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    data = Data(np.zeros((100, 50), np.float32), torch.zeros(100, 1), Columns(50), Task(False, 1))
    each = [MLPParams(hidden=[192, 192], batch_size=64, dropout=rate) for rate in (0, 0.1, 0.2)]
    members = [Member(m, m, np.arange(80), params=each[m // 3]) for m in range(9)]
    plan = planning.make_plan(data, members, torch.device("cpu"), compared=compared)
    assert [len(group) for group in plan.groups] == sizes


def test_a_group_left_over_gets_all_cores(monkeypatch):
    """Five folds on two cores: two and two side by side, the last one on both."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    data = Data(np.zeros((100, 50), np.float32), torch.zeros(100, 1), Columns(50), Task(False, 1))
    cpu = torch.device("cpu")
    large = planning.make_plan(data, members_of(5, 8192, 8192), cpu)
    shapes = [(len(one.groups), one.workers, one.threads) for one in large.rounds]
    assert shapes == [(4, 2, 1), (1, 1, 2)]
    assert [group for one in large.rounds for group in one.groups] == large.groups
    for hidden in ((8,), (1024, 1024)):
        assert len(planning.make_plan(data, members_of(5, *hidden), cpu).rounds) == 1


# What doesn't fit.


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([np.arange(10), np.array([], dtype=int)], "member 1 has no rows to train on"),
        ([np.arange(10), np.array([5, 150])], "member 1 has rows outside the table's 0 to 149"),
    ],
)
def test_rows_that_are_not_there(rows, words):
    x, y = table()
    with pytest.raises(PodiumError, match=words):
        fit_members(x, y, rows, MLPParams(hidden=[4], epochs=1))


@pytest.mark.skipif(torch.cuda.is_available(), reason="has a CUDA device")
def test_cuda_where_there_is_none():
    x, y = table()
    with pytest.raises(PodiumError, match="device: cuda, but this machine has no CUDA device"):
        fit_members(x, y, [np.arange(10)], MLPParams(hidden=[4], epochs=1, device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("mixed_precision", [False, True])
def test_cuda_gives_what_the_cpu_gives(mixed_precision):
    there, x = fit(3, device="cuda", mixed_precision=mixed_precision)
    here, _ = fit(3, device="cpu")
    tolerance = 0.1 if mixed_precision else 1e-3
    assert there.predict(x) == pytest.approx(here.predict(x), abs=tolerance)
