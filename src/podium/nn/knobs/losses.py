"""Losses (``loss``, ``class_loss``, ``label_smoothing``): each row's value and gradient.

Outputs and targets have shape (members, rows, outputs). A loss returns each row's value, the mean
over its outputs, shape (members, rows), and the gradient with respect to the outputs. Class targets
are shares of each class, so that label smoothing and mixup are averages of targets.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from podium.config import NetworkParams
from podium.nn.own import Value, common

# Outputs and targets to values (members, rows) and gradients (members, rows, outputs).
Loss = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


def squared(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of squared errors (D2L 3.1)."""
    error = out - y
    return error.square().mean(2), error.mul_(2.0 / out.shape[2])


def absolute(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of absolute errors: fits the median."""
    error = out - y
    return error.abs().mean(2), error.sign_().div_(out.shape[2])


def huber(delta: Value) -> Loss:
    """Squared near zero, absolute beyond ``delta`` (Huber 1964): outliers pull less."""

    def loss(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        error = out - y
        # torch's types know numbers and tensors, and not that it may be either.
        near = error.clamp(-delta, delta)  # type: ignore[arg-type]
        return (near * (error - 0.5 * near)).mean(2), near.div_(out.shape[2])

    return loss


def quantile(share: Value) -> Loss:
    """The pinball loss: fits the quantile ``share`` (Koenker and Bassett 1978)."""

    def loss(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        error = out - y
        slope = torch.where(error > 0, 1.0 - share, -share)
        return (error * slope).mean(2), slope.div_(out.shape[2])

    return loss


def cross_entropy(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Softmax and cross entropy (D2L 4.1); outputs are logits, targets shares that sum to 1."""
    logs = functional.log_softmax(out, dim=2)
    return -(y * logs).sum(2), logs.exp_().sub_(y)


def binary_cross_entropy(out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Sigmoid and binary cross entropy of each output; outputs are logits."""
    value = functional.binary_cross_entropy_with_logits(out, y, reduction="none").mean(2)
    return value, out.sigmoid().sub_(y).div_(out.shape[2])


def regression_loss(params: Sequence[NetworkParams], device: torch.device) -> Loss:
    """The regression loss that ``loss`` names, with each member's own parameter."""
    name = params[0].loss
    if name == "huber":
        return huber(common([own.huber_delta for own in params], device))
    if name == "quantile":
        return quantile(common([own.quantile for own in params], device))
    return {"squared": squared, "absolute": absolute}[name]


def class_loss(params: NetworkParams) -> Loss:
    """The classification loss that ``class_loss`` names."""
    return {"cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy}[
        params.class_loss
    ]


def smooth_labels(
    smoothing: Value, x: Tensor, y: Tensor, counts: Tensor, step: int
) -> tuple[Tensor, Tensor]:
    """Targets with the share ``smoothing`` spread evenly over all classes (Szegedy et al. 2016).

    A single output represents two classes.
    """
    return x, y * (1.0 - smoothing) + smoothing / max(y.shape[2], 2)
