"""The hyperparameters that act around a step, as lists of callbacks for the training loop."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from podium.nn.data import Member, Task
from podium.nn.knobs.clipping import clip_gradients
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.losses import smooth_labels
from podium.nn.knobs.mixing import CutMix, Mixup
from podium.nn.knobs.noise import WeightNoise
from podium.nn.knobs.penalties import Penalty
from podium.nn.own import common
from podium.nn.parameters import Parameters

# Inputs, targets, each member's count of real rows, the step number; returns inputs and targets.
OnBatch = Callable[[Tensor, Tensor, Tensor, int], tuple[Tensor, Tensor]]
OnGradient = Callable[[Parameters], None]


@dataclass
class Callbacks:
    """What changes a batch, perturbs the weights for one step, and changes gradients, in order."""

    on_batch: list[OnBatch] = field(default_factory=list)
    on_weights: list[WeightNoise] = field(default_factory=list)
    on_gradient: list[OnGradient] = field(default_factory=list)


def callbacks(
    task: Task, members: Sequence[Member], columns: Columns, device: torch.device
) -> Callbacks:
    """The callbacks that the members' hyperparameters turn on, in the strength of each member."""
    on, seeds = Callbacks(), [member.seed for member in members]

    def each(knob: str) -> list[float]:
        return [getattr(member.params, knob) for member in members]

    if any(each("label_smoothing")) and task.classification:
        on.on_batch.append(partial(smooth_labels, common(each("label_smoothing"), device)))
    if any(each("mixup")):
        on.on_batch.append(Mixup(each("mixup"), seeds))
    if any(each("cutmix_strength")):
        assert columns.image is not None
        on.on_batch.append(CutMix(each("cutmix_strength"), seeds, columns.image))
    if any(each("weight_noise")):
        on.on_weights.append(WeightNoise(common(each("weight_noise"), device)))
    if any(each("l1")) or any(each("l2")):
        on.on_gradient.append(Penalty(common(each("l2"), device), common(each("l1"), device)))
    bounds = each("gradient_clip")
    if any(bound is not None for bound in bounds):
        own = [math.inf if bound is None else bound for bound in bounds]
        on.on_gradient.append(partial(clip_gradients, common(own, device)))
    return on
