"""The hyperparameters that act around a step, as lists of callbacks for the training loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from podium.config import NetworkParams
from podium.nn.data import Member, Task
from podium.nn.knobs.clipping import clip_gradients
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.losses import smooth_labels
from podium.nn.knobs.mixing import CutMix, Mixup
from podium.nn.knobs.noise import WeightNoise
from podium.nn.knobs.penalties import Penalty
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
    params: NetworkParams, task: Task, members: Sequence[Member], columns: Columns
) -> Callbacks:
    """The callbacks that ``params`` turn on."""
    on = Callbacks()
    if params.label_smoothing and task.classification:
        on.on_batch.append(partial(smooth_labels, params.label_smoothing))
    seeds = [member.seed for member in members]
    if params.mixup:
        on.on_batch.append(Mixup(params.mixup, seeds))
    if params.cutmix_strength:
        assert columns.image is not None
        on.on_batch.append(CutMix(params.cutmix_strength, seeds, columns.image))
    if params.weight_noise:
        on.on_weights.append(WeightNoise(params.weight_noise))
    if params.l1 or params.l2:
        on.on_gradient.append(Penalty(params.l2, params.l1))
    if params.gradient_clip is not None:
        on.on_gradient.append(partial(clip_gradients, params.gradient_clip))
    return on
