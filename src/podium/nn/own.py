"""Members that train together with hyperparameters of their own.

Members share a group, one tensor program, if their networks have the same layers; other
hyperparameters may differ, those of ``OWN``. What all members of a group have in common is a
number, as if there were only one member. What differs is a tensor with the leading member
dimension, or a loop over runs of neighbours with the same hyperparameters.
"""

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config import NetworkParams

# What each member of a group may have of its own. All else is the group's: layers, batches, the
# kinds of loss, of optimizer and of averaging.
OWN = {
    "epochs", "huber_delta", "quantile", "label_smoothing",
    "learning_rate", "momentum", "beta2", "gradient_clip",
    "schedule", "warm_up", "schedule_end", "step_every", "step_factor", "peak_at", "flat_until",
    "restarts", "weight_decay", "weight_decay_schedule", "dropout_schedule", "l1", "l2",
    "dropout", "input_dropout", "input_noise", "activation_noise", "weight_noise",
    "mixup", "cutmix", "early_stopping", "holdout",
    "initialization", "zero_last", "frequency_scale",
    "bias_rate", "scale_rate", "embedding_rate", "activation_rate",
}  # fmt: skip
# What doesn't act in training.
NOT_TRAINED = {"model", "seed", "seeds", "mc_dropout"}
# What the members of one call have in common: they describe its data, and where it runs.
OF_ALL = ("class_loss", "standardize_inputs", "device")

# A hyperparameter of a group: a number that all members have, or one each, (members, 1, 1).
Value = float | Tensor
# The same on the CPU, in double precision: (members,).
Rates = float | NDArray[np.float64]


def common(values: Sequence[float], device: torch.device) -> Value:
    """The number that all members have, or a tensor of each one's, shape (members, 1, 1)."""
    if len(set(values)) == 1:
        return values[0]
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None]


def rates(values: Sequence[float]) -> Rates:
    """The number that all members have, or an array of each one's."""
    return values[0] if len(set(values)) == 1 else np.array(values, dtype=np.float64)


def structure(params: NetworkParams) -> str:
    """What members must have in common to share a group, as text."""
    fixed = params.model_dump(exclude=OWN | NOT_TRAINED)
    fixed["stops"] = params.early_stopping is not None
    if params.averaging == "swa":
        # The epoch at which the average starts is a share of all.
        fixed["epochs"] = params.epochs
    return json.dumps(fixed, sort_keys=True)


def structures(params: Sequence[NetworkParams]) -> list[str]:
    """The ``structure`` of each; an object that comes up again is looked at once."""
    distinct = {id(own): own for own in params}
    known = {key: structure(own) for key, own in distinct.items()}
    return [known[id(own)] for own in params]


def runs(params: Sequence[NetworkParams]) -> Iterator[tuple[NetworkParams, slice]]:
    """Neighbours with the same hyperparameters: these, and the places of the members."""
    start = 0
    for _, same in groupby(params, id):
        own = list(same)
        yield own[0], slice(start, start + len(own))
        start += len(own)
