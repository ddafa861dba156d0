"""The training loss of a small network as a function of its weights, its curvature, and descent.

Points are vectors of all trained weights. Many are computed at once: each is a member of one
program, as in training, with the same layers and the same backward pass.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config import MLPParams, NetworkParams
from podium.config.auto import Shape
from podium.io.errors import PodiumError
from podium.nn.auto import without_auto
from podium.nn.data import Data, Member, Task
from podium.nn.knobs.clipping import clip_gradients
from podium.nn.knobs.inputs import Columns
from podium.nn.knobs.optimizers import Optimizer
from podium.nn.knobs.schedules import rate_factor
from podium.nn.layers import Step
from podium.nn.parameters import RUNNING, WEIGHT, Parameter, Parameters
from podium.nn.trainer import EVALUATION_SIZE, Trainer

# What draws random numbers, or changes what the loss is taken of.
OFF = {
    "dropout": 0.0,
    "input_dropout": 0.0,
    "input_noise": 0.0,
    "activation_noise": 0.0,
    "weight_noise": 0.0,
    "mixup": 0.0,
    "label_smoothing": 0.0,
    "averaging": "none",
    "early_stopping": None,
}
# Half the distance of two gradients whose difference is a column of the Hessian: float32's rounding
# errors and the third derivative are then about equally small.
DISTANCE = 1e-2
# A Hessian of more weights takes too long, and too much memory.
MOST_WEIGHTS = 2000


class LossSurface:
    """The mean loss over all rows, without penalties and noise, on the training scale.

    ``size`` is the number of trained weights. Inputs and targets are standardized as in a training
    on these rows.
    """

    def __init__(
        self,
        X: NDArray[Any],  # noqa: N803
        y: NDArray[Any],
        params: MLPParams,
        classes: int = 0,
    ) -> None:
        """Of a network that ``params`` describes, on a table (rows, columns) and its targets.

        ``y`` are numbers, (rows,) or (rows, outputs), or, with ``classes``, class codes (rows,).
        """
        params = without_auto(params.model_copy(update=OFF), Shape(len(y), X.shape[1], classes))
        task = Task(
            bool(classes),
            classes or (1 if y.ndim == 1 else y.shape[1]),
            params.class_loss == "binary_cross_entropy",
        )
        if classes:
            targets = task.shares(np.asarray(y, dtype=np.int64))
        else:
            targets = torch.from_numpy(np.array(y, dtype=np.float64).reshape(len(y), -1))
        data = Data(np.asarray(X, dtype=np.float32), targets, Columns(X.shape[1]), task)
        member = Member(0, 0, np.arange(len(y)), params=params)
        self._trainer = Trainer(data, [member], torch.device("cpu"))
        rows = torch.arange(len(y))[None]
        self._x = self._trainer.data.inputs(rows, Step())
        self._y = self._trainer.data.targets(rows)
        own = self._trainer.parameters
        self._learnt = {
            spec.name: own.values[spec.name].clone() for spec in own.specs if spec.kind == RUNNING
        }
        self._specs = [spec for spec in own.specs if spec.kind != RUNNING]
        self.size = sum(spec.size for spec in self._specs)

    def draw(self, seed: int) -> Tensor:
        """The weights with which a member of this seed starts, shape (1, size)."""
        parameters = Parameters(self._trainer.parameters.specs, 1, torch.device("cpu"))
        parameters.draw([seed])
        return self.point(parameters.values)

    def point(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Weights by name, (members, *parameter), as points, (members, size).

        They are what ``FittedMembers.tensors`` returns, or a ``Snapshot`` holds.

        Raises:
            PodiumError: a parameter is missing.
        """
        missing = [spec.name for spec in self._specs if spec.name not in weights]
        if missing:
            raise PodiumError(f"the weights of this network lack {', '.join(missing)}")
        parts = [weights[spec.name].reshape(-1, spec.size) for spec in self._specs]
        return torch.cat(parts, dim=1)

    def by_name(self, points: Tensor) -> dict[str, Tensor]:
        """The opposite of ``point``: the parts of points, or of gradients, by parameter."""
        parts = points.split([spec.size for spec in self._specs], dim=1)
        pairs = zip(self._specs, parts, strict=True)
        return {spec.name: part.reshape(len(points), *spec.shape) for spec, part in pairs}

    def losses(self, points: Tensor) -> Tensor:
        """The loss at each point, shape (points,)."""
        return self._of_chunks(points, lambda parameters, loss, grad, step: loss)

    def gradients(self, points: Tensor) -> Tensor:
        """The loss's gradient at each point, shape (points, size)."""

        def gradient(parameters: Parameters, loss: Tensor, grad: Tensor, step: Step) -> Tensor:
            self._trainer.network.backward(grad, step)
            return self.point(parameters.grads).clone()

        return self._of_chunks(points, gradient)

    def hessian(self, point: Tensor) -> Tensor:
        """The second derivatives at a point, (size, size): differences of gradients beside it.

        Raises:
            PodiumError: the network has too many weights.
        """
        if self.size > MOST_WEIGHTS:
            raise PodiumError(
                f"a Hessian of {self.size:,} weights is too large (at most {MOST_WEIGHTS:,}): "
                "use fewer or smaller hidden layers"
            )
        shifts = DISTANCE * torch.eye(self.size)
        ahead, behind = (self.gradients(point.view(1, -1) + side) for side in (shifts, -shifts))
        hessian = (ahead - behind) / (2 * DISTANCE)
        return (hessian + hessian.T) / 2

    def _of_chunks(
        self, points: Tensor, of: Callable[[Parameters, Tensor, Tensor, Step], Tensor]
    ) -> Tensor:
        """``of`` parameters, their losses and the outputs' gradients, a few points at a time."""
        network = self._trainer.network
        size = max(1, EVALUATION_SIZE // (network.row_size * self._x.shape[1] * 4))
        return torch.cat([self._chunk(chunk, of) for chunk in points.split(size)])

    @torch.no_grad()
    def _chunk(
        self, points: Tensor, of: Callable[[Parameters, Tensor, Tensor, Step], Tensor]
    ) -> Tensor:
        trainer, count = self._trainer, len(points)
        parameters = Parameters(trainer.parameters.specs, count, torch.device("cpu"))
        for name, value in {**self._learnt, **self.by_name(points)}.items():
            parameters.values[name].copy_(value.expand_as(parameters.values[name]))
        trainer.network.bind(parameters.values, parameters.grads)
        step = Step(training=True)
        x, y = (part.expand(count, -1, -1) for part in (self._x, self._y))
        value, grad = trainer.training_loss(trainer.network.forward(x, step), y)
        return of(parameters, value.mean(1), grad / x.shape[1], step)


def descend(
    params: NetworkParams, gradient: Callable[[Tensor], Tensor], start: Tensor, steps: int
) -> Tensor:
    """The way of the optimizer that ``params`` name, on any function of a few numbers.

    Its learning rate, schedule, momentum, clipping and weight decay act as in a training.

    Args:
        params: the hyperparameters.
        gradient: from points (points, size) to the function's gradients there.
        start: where each point starts, (points, size).
        steps: how many steps each takes.

    Returns:
        All points passed, (steps + 1, points, size).
    """
    spec = Parameter("point", (1, start.shape[1]), WEIGHT, lambda _: start[:1])
    parameters = Parameters([spec], len(start), torch.device("cpu"))
    point, grad = parameters.values["point"], parameters.grads["point"]
    point.copy_(start[:, None])
    optimizer, path = Optimizer(parameters, [params] * len(start)), [start.clone()]
    for step in range(steps):
        grad.copy_(gradient(point[:, 0])[:, None])
        if params.gradient_clip is not None:
            clip_gradients(params.gradient_clip, parameters)
        rate = params.learning_rate * rate_factor(params, step / steps, steps)
        optimizer.step([rate], [params.weight_decay])
        path.append(point[:, 0].clone())
    return torch.stack(path)
