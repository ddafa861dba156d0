"""Schedules: the shape of each, and that training follows them."""

from typing import get_args

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as scheduler

from nn_help import fit, fit_linear, plain, straight, trainer
from podium.config.networks import Schedule
from podium.nn.knobs.noise import Dropout
from podium.nn.knobs.schedules import SCHEDULES, factor, rate_factor

DONE = np.linspace(0, 1, 1001)[:-1]


def shape(name: str, **knobs) -> np.ndarray:
    """The factor all through the training."""
    params = plain(schedule=name, **knobs)
    return np.array([factor(name, params, done, len(DONE)) for done in DONE])


def falls(values: np.ndarray) -> bool:
    return bool((np.diff(values) <= 1e-12).all())


def test_every_name_has_a_function():
    assert set(SCHEDULES) == set(get_args(Schedule))


@pytest.mark.parametrize("name", sorted(SCHEDULES))
def test_factors_are_between_zero_and_one(name):
    values = shape(name)
    assert values.min() >= 0
    assert 0.999 < values.max() <= 1 + 1e-12


def test_constant_is_constant():
    assert (shape("constant") == 1).all()


@pytest.mark.parametrize("name", ["linear", "cosine", "exponential", "flat_cosine"])
@pytest.mark.parametrize("end", [0.0, 0.2])
def test_falls_from_one_to_its_end(name, end):
    values = shape(name, schedule_end=end)
    assert values[0] == 1
    assert falls(values)
    # An exponential schedule can't end at 0.
    assert values[-1] == pytest.approx(max(end, 0.001 * (name == "exponential")), abs=2e-3)


def test_linear_is_straight_and_cosine_slow_at_both_ends():
    assert np.diff(shape("linear")) == pytest.approx(-1e-3)
    slope = -np.diff(shape("cosine"))
    assert slope[499] > 20 * slope[0]
    assert slope[499] > 20 * slope[-1]
    assert shape("cosine")[500] == pytest.approx(0.5)


def test_exponential_falls_by_the_same_share_at_every_step():
    values = shape("exponential", schedule_end=0.1)
    assert values[1:] / values[:-1] == pytest.approx(0.1**1e-3)


@pytest.mark.parametrize(("every", "drops"), [(0.3, 3), (0.25, 3), (0.5, 1), (1.0, 0)])
def test_step_falls_by_its_factor_so_often(every, drops):
    values = shape("step", step_every=every, step_factor=0.5)
    at = np.flatnonzero(np.diff(values)) + 1
    assert DONE[at] == pytest.approx([every * (number + 1) for number in range(drops)], abs=2e-3)
    assert values[-1] == pytest.approx(0.5**drops)


@pytest.mark.parametrize("peak", [0.1, 0.3, 0.7])
def test_one_cycle_rises_to_its_peak_and_falls_to_zero(peak):
    values = shape("one_cycle", peak_at=peak)
    top = int(values.argmax())
    assert DONE[top] == pytest.approx(peak, abs=2e-3)
    assert values[0] == pytest.approx(0.04)
    assert falls(-values[: top + 1])
    assert falls(values[top:])
    assert np.abs(np.diff(values)).max() < 0.02
    assert values[-1] < 1e-3


# The same in ``torch.optim.lr_scheduler``: names, knobs, and how a scheduler of n steps is made.
TORCHS = {
    "one_cycle": ({}, lambda sgd, n: scheduler.OneCycleLR(sgd, 1.0, total_steps=n)),
    "late peak": (
        {"peak_at": 0.7},
        lambda sgd, n: scheduler.OneCycleLR(sgd, 1.0, n, pct_start=0.7),
    ),
    "cosine": ({"schedule_end": 0.2}, lambda sgd, n: scheduler.CosineAnnealingLR(sgd, n, 0.2)),
    "linear": ({"schedule_end": 0.1}, lambda sgd, n: scheduler.LinearLR(sgd, 1.0, 0.1, n)),
    "exponential": (
        {"schedule_end": 0.1},
        lambda sgd, n: scheduler.ExponentialLR(sgd, 0.1 ** (1 / n)),
    ),
    "step": ({"step_every": 0.25}, lambda sgd, n: scheduler.StepLR(sgd, n // 4, 0.1)),
    "warm_restarts": ({}, lambda sgd, n: scheduler.CosineAnnealingWarmRestarts(sgd, n // 4)),
}


@pytest.mark.parametrize("name", TORCHS)
@pytest.mark.parametrize("steps", [8, 24, 1000])
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step")
def test_rates_are_those_of_torch(name, steps):
    knobs, make = TORCHS[name]
    params = plain(schedule="one_cycle" if name == "late peak" else name, **knobs)
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    torchs = make(sgd, steps)
    for number in range(steps):
        assert rate_factor(params, number / steps, steps) == pytest.approx(
            sgd.param_groups[0]["lr"], abs=1e-9
        ), number
        if number < steps - 1:
            torchs.step()


def test_a_restart_after_warm_up_is_at_the_full_rate():
    for steps in range(10, 200, 10):
        params = plain(schedule="warm_restarts", warm_up=0.1, restarts=3)
        rates = [rate_factor(params, number / steps, steps) for number in range(steps)]
        for part in range(3):
            first = -(-(steps * (1 + 3 * part)) // 10)
            if steps * (1 + 3 * part) % 10 == 0:
                assert rates[first] == pytest.approx(1), (steps, part)


@pytest.mark.parametrize("until", [0.0, 0.5, 0.9])
def test_flat_cosine_is_flat_until_then(until):
    values = shape("flat_cosine", flat_until=until)
    flat = until + 1e-9 >= DONE
    assert (values[flat] == 1).all()
    assert (values[~flat] < 1).all()


@pytest.mark.parametrize("restarts", [1, 3, 4])
def test_warm_restarts_start_again_so_often(restarts):
    values = shape("warm_restarts", restarts=restarts)
    jumps = np.flatnonzero(np.diff(values) > 0.5) + 1
    assert len(jumps) == restarts - 1
    assert DONE[jumps] == pytest.approx(np.arange(1, restarts) / restarts, abs=2e-3)
    assert values[jumps] == pytest.approx(1, abs=1e-3)
    assert values[jumps - 1] == pytest.approx(0, abs=1e-3)


def test_coslog_has_four_waves_longer_and_longer():
    values = shape("coslog")
    tops = 1 + np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:]))
    assert len(tops) == 4
    assert (np.diff(DONE[tops], 2) > 0).all()
    assert values[0] == 0
    assert values[-1] < 1e-3


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"coslog", "one_cycle"}))
def test_warm_up_is_a_line_up_then_the_whole_schedule(name):
    params = plain(schedule=name, warm_up=0.2)
    steps = len(DONE)
    rates = np.array([rate_factor(params, done, steps) for done in DONE])
    rising = DONE < 0.2
    assert np.diff(rates[rising]) == pytest.approx(1 / rising.sum())
    # The first step moves already, the last of the warm-up is at full rate.
    assert 0 < rates[0] < 0.01
    assert rates[rising][-1] == pytest.approx(1)
    after = [factor(name, params, (done - 0.2) / 0.8, 0.8 * steps) for done in DONE[~rising]]
    assert rates[~rising] == pytest.approx(after)


def test_without_warm_up_the_first_step_is_whole():
    assert rate_factor(plain(), 0.0, 10) == 1


def rates(**knobs) -> np.ndarray:
    outcome = fit_linear(epochs=10, batch_size=40, **knobs).outcomes[0]
    return np.array([log.learning_rate for log in outcome.history])


def test_the_curves_tell_the_rate_that_was_used():
    assert (rates(schedule="constant") == 0.1).all()
    cosine = rates(schedule="cosine")
    assert falls(cosine)
    assert cosine[0] > 0.09
    assert cosine[-1] < 0.001
    warm = rates(schedule="constant", warm_up=0.5)
    assert warm == pytest.approx(0.1 * np.minimum(1, np.arange(1, 11) / 5))


def test_steps_are_as_long_as_the_rate_says():
    """A constant gradient: inputs are zero, and the absolute loss pulls the bias alike."""
    x, y = np.zeros((40, 1), np.float32), np.full(40, 100.0, np.float32)
    params = straight(schedule="step", step_every=0.5, loss="absolute", epochs=10, warm_up=0.2)
    made = trainer(params, x, y)
    places = [0.0]
    while made.members:
        made.run_epoch()
        places.append(float(made.parameters.values["output.bias"]))
    used = [log.learning_rate for log in made.histories[0]]
    assert np.diff(places) == pytest.approx(used, rel=1e-3)
    assert used[0] < used[2]
    assert used[-1] == pytest.approx(0.1 * used[2])


def test_the_weight_decay_schedule_is_followed():
    """Inputs are zero, so only decay moves the matrix."""
    x, y = np.zeros((40, 3), np.float32), np.ones(40, np.float32)

    def shrinkage(schedule: str) -> np.ndarray:
        params = straight(weight_decay=1.0, weight_decay_schedule=schedule, epochs=8)
        made = trainer(params, x, y)
        norms = [float(made.parameters.values["output.weight"].norm())]
        while made.members:
            made.run_epoch()
            norms.append(float(made.parameters.values["output.weight"].norm()))
        return 1 - np.array(norms[1:]) / np.array(norms[:-1])

    assert shrinkage("constant") == pytest.approx(0.1, rel=1e-4)
    linear = shrinkage("linear")
    assert linear == pytest.approx(0.1 * (1 - np.arange(8) / 8), rel=1e-3)


def test_the_dropout_schedule_is_followed():
    knobs = {"hidden": [400], "batch_size": 200, "epochs": 5, "dropout": 0.5}
    made = trainer(plain(dropout_schedule="linear", **knobs))
    dropout = next(part for part in made.network.layers[0].layers if isinstance(part, Dropout))
    rates = []
    while made.members:
        made.run_epoch()
        rates.append(float((dropout.mask == 0).float().mean()))
        # What is kept is scaled by the rate of now.
        assert dropout.mask.max() == pytest.approx(1 / (1 - rates[-1]), rel=0.02)
    assert rates == pytest.approx([0.5, 0.4, 0.3, 0.2, 0.1], abs=0.01)


def test_the_same_schedule_at_another_number_of_epochs_has_the_same_ends():
    for epochs in (2, 20):
        history = fit(epochs=epochs, schedule="linear", batch_size=20).outcomes[0].history
        steps = 6 * epochs
        assert history[-1].learning_rate == pytest.approx(0.02 / steps)
