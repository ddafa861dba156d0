"""Averages of weights: what is kept, and that it is what predicts."""

import numpy as np
import pytest
import torch

from nn_help import plain, straight, table, trainer, weights_of
from podium.nn.layers import Step


def followed(params, **given):
    """A trainer run to its end, and the current weights after each epoch."""
    made = trainer(params, **given)
    made.start = weights_of(made)
    seen = []
    while made.members:
        made.run_epoch()
        seen.append(weights_of(made))
    return made, seen


def distance(state: dict, other: dict) -> float:
    return float(sum((value - other[name][0]).square().sum() for name, value in state.items()))


@pytest.mark.parametrize("normalization", ["none", "batch"])
def test_ema_is_the_running_mean_of_every_step(normalization):
    """One step an epoch, so that every step is seen."""
    knobs = {"batch_size": 120, "epochs": 25, "normalization": normalization}
    made, seen = followed(plain(averaging="ema", average_decay=0.6, **knobs))
    average = dict(made.start)
    for count, now in enumerate(seen, 1):
        # Short at first, so that the start is soon forgotten.
        decay = min(0.6, count / (count + 9))
        for name, value in now.items():
            average[name] = decay * average[name] + (1 - decay) * value
    state = made.outcomes[0].state
    assert set(state) == set(average)
    for name, value in state.items():
        assert torch.allclose(value, average[name][0], atol=1e-5), name
    assert distance(state, seen[-1]) > 1e-6


def test_ema_lags_behind_and_a_longer_memory_more():
    def way(decay: float) -> tuple[float, float]:
        """How far the average and the last weights are from the start."""
        params = plain(averaging="ema", average_decay=decay, learning_rate=0.005, epochs=15)
        made, seen = followed(params)
        last = {name: value[0] for name, value in seen[-1].items()}
        return distance(made.outcomes[0].state, made.start), distance(last, made.start)

    (short, end), (long, same_end) = way(0.5), way(0.95)
    assert end == same_end
    assert long < 0.95 * short < 0.95 * end


@pytest.mark.parametrize("averaging", ["ema", "swa"])
def test_averages_smooth_what_small_batches_shake(averaging):
    """A linear model at a high rate: its last weights jump about least squares, averages don't."""
    x, y = table(noise=1.0)
    best = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)[0][:-1]
    knobs = {"batch_size": 4, "learning_rate": 0.05, "epochs": 20}
    made, seen = followed(
        straight(averaging=averaging, average_start=0.2, **knobs)
        if averaging == "swa"
        else straight(averaging=averaging, **knobs),
        x=x,
        y=y,
        rows=[np.arange(120)] * 4,
    )
    error = {"last": 0.0, "average": 0.0}
    for member in range(4):
        average = made.outcomes[member].state["output.weight"][:, 0].numpy()
        last = seen[-1]["output.weight"][member, :, 0].numpy()
        error["average"] += np.abs(average - best).sum()
        error["last"] += np.abs(last - best).sum()
    assert error["average"] < 0.7 * error["last"]


@pytest.mark.parametrize(("start", "first"), [(0.0, 0), (0.5, 5), (0.75, 7), (0.95, 9)])
def test_swa_is_the_mean_of_the_ends_of_epochs_from_its_start_on(start, first):
    params = plain(averaging="swa", average_start=start, epochs=10, normalization="batch")
    made, seen = followed(params)
    for name, value in made.outcomes[0].state.items():
        expected = torch.stack([now[name][0] for now in seen[first:]]).mean(0)
        assert torch.allclose(value, expected, atol=1e-5), name
    assert (distance(made.outcomes[0].state, seen[-1]) > 1e-6) is (first < 9)


def test_swa_predicts_with_the_current_weights_before_its_start():
    made = trainer(plain(averaging="swa", average_start=0.8, epochs=10))
    for _ in range(3):
        made.run_epoch()
        for kind, flat in made.parameters.flat.items():
            assert torch.equal(made.averaging.flats[kind], flat)


@pytest.mark.parametrize("averaging", ["none", "ema", "swa"])
def test_training_itself_is_not_changed(averaging):
    """Averages follow; the current weights go their way."""
    _, plain_way = followed(plain(epochs=4))
    _, seen = followed(plain(epochs=4, averaging=averaging))
    for name, value in seen[-1].items():
        assert torch.equal(value, plain_way[-1][name])


def test_validation_and_early_stopping_judge_the_average():
    """The loss on the held-out rows is that of the weights that predict."""
    x, y = table()
    stop = [np.arange(90, 120)]
    params = straight(averaging="ema", average_decay=0.99, early_stopping=50, epochs=6)
    made = trainer(params, x, y, [np.arange(90)], stop=stop)
    for _ in range(4):
        made.run_epoch()
    views = made.parameters.views(made.averaging.flats)
    made.network.bind(views, {})
    out = made.network.forward(torch.from_numpy(x[None, 90:]), Step())[0, :, 0]
    loss = float((out - torch.from_numpy(y[90:])).square().mean())
    assert made.stopping.loss[0] == pytest.approx(loss, rel=1e-4)
