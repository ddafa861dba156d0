"""Schedules (``schedule``, ``weight_decay_schedule``, ``dropout_schedule``).

A schedule is a factor as a function of ``done``, the finished share of the training's ``steps``,
from 0 to 1. Those that ``torch.optim.lr_scheduler`` has too give the same rates.
``warm_up`` precedes the learning rate's schedule (Goyal et al. 2017).
"""

import math
from collections.abc import Callable

from podium.config import NetworkParams

# One cycle starts at 1/25 of its peak, and ends at 1/10,000 of its start (as in PyTorch).
CYCLE_START, CYCLE_END = 0.04, 4e-6
# An exponential schedule can't end at 0.
SMALLEST_END = 1e-3


def constant(params: NetworkParams, done: float, steps: float) -> float:
    """Always 1."""
    return 1.0


def linear(params: NetworkParams, done: float, steps: float) -> float:
    """A straight line down to ``schedule_end``."""
    return _between(1.0, params.schedule_end, done)


def step(params: NetworkParams, done: float, steps: float) -> float:
    """Multiplied by ``step_factor`` after each ``step_every`` of the training (D2L 12.11)."""
    return params.step_factor ** math.floor(done / params.step_every + 1e-9)


def exponential(params: NetworkParams, done: float, steps: float) -> float:
    """Exponential decay to ``schedule_end`` (at least 0.001)."""
    return max(params.schedule_end, SMALLEST_END) ** done


def cosine(params: NetworkParams, done: float, steps: float) -> float:
    """Half a cosine down to ``schedule_end`` (Loshchilov and Hutter 2017)."""
    return _between(params.schedule_end, 1.0, (1.0 + math.cos(math.pi * done)) / 2)


def one_cycle(params: NetworkParams, done: float, steps: float) -> float:
    """Half a cosine up until ``peak_at``, then down to almost 0 (Smith and Topin 2019).

    As ``OneCycleLR``: the last step of the way up is at the peak, the last of all at the end.
    """
    number, top = done * steps, params.peak_at * steps - 1.0
    if number < top:
        return _between(CYCLE_START, 1.0, (1.0 - math.cos(math.pi * number / top)) / 2)
    down = min(1.0, (number - top) / (steps - 1.0 - top))
    return _between(CYCLE_END, 1.0, (1.0 + math.cos(math.pi * down)) / 2)


def flat_cosine(params: NetworkParams, done: float, steps: float) -> float:
    """1 until ``flat_until``, then half a cosine down (Holzmüller et al. 2024)."""
    rest = max(0.0, (done - params.flat_until) / (1.0 - params.flat_until))
    return cosine(params, rest, steps)


def warm_restarts(params: NetworkParams, done: float, steps: float) -> float:
    """``restarts`` cosines of equal length, each from 1 (SGDR, Loshchilov and Hutter 2017)."""
    # Rounded, so that a restart's first step isn't taken for the last of the cosine before it.
    return cosine(params, round(done * params.restarts, 9) % 1.0, steps)


def coslog(params: NetworkParams, done: float, steps: float) -> float:
    """Four cosine waves of growing length (Holzmüller et al. 2024, RealMLP)."""
    return (1.0 - math.cos(2.0 * math.pi * math.log2(1.0 + 15.0 * done))) / 2


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


SCHEDULES: dict[str, Callable[[NetworkParams, float, float], float]] = {
    "constant": constant,
    "linear": linear,
    "step": step,
    "exponential": exponential,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "flat_cosine": flat_cosine,
    "warm_restarts": warm_restarts,
    "coslog": coslog,
}


def factor(name: str, params: NetworkParams, done: float, steps: float) -> float:
    """The factor of the named schedule at the share ``done`` of all ``steps``."""
    return SCHEDULES[name](params, done, steps)


def rate_factor(params: NetworkParams, done: float, steps: int) -> float:
    """The learning rate's factor: a linear ramp over ``warm_up``, then the schedule."""
    if done < params.warm_up:
        # The rate of the first step is above 0.
        return min(1.0, (done + 1.0 / steps) / params.warm_up)
    rest = (done - params.warm_up) / (1.0 - params.warm_up)
    return factor(params.schedule, params, rest, steps * (1.0 - params.warm_up))
