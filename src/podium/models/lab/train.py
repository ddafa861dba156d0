"""Training configurations of a network beside each other, as members of one program."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from podium.config import ImageMLPParams, ImageNetworkParams, MLPParams, NetworkParams
from podium.config.images import Augmentation
from podium.config.messages import explain
from podium.data.images.dataset import WHITE, Moments
from podium.io.errors import PodiumError
from podium.metrics import Metric, metric_named
from podium.models.image_inputs import ImageInputs
from podium.models.lab.samples import Samples
from podium.nn import FittedMembers, fit_members
from podium.nn.data import Inputs, Tables
from podium.nn.layers import Step
from podium.nn.observe import Observe

Array = NDArray[np.float64]
T = TypeVar("T")
SHORT = "PODIUM_NOTEBOOK_SHORT"
# A network without any regularizer: what a configuration doesn't set.
PLAIN: Mapping[str, Any] = {
    "hidden": [64, 64],
    "activation": "relu",
    "epochs": 60,
    "batch_size": 32,
    "optimizer": "adamw",
    "learning_rate": 3e-3,
    "schedule": "constant",
    "dropout": 0.0,
    "weight_decay": 0.0,
    "averaging": "none",
    "early_stopping": None,
}
# The same for knobs that networks on tables alone have.
PLAIN_TABLE: Mapping[str, Any] = {
    "loss": "squared",
    "seeds": 1,
    "standardize_inputs": True,
    "input_margin": None,
    "numeric_embedding": "none",
}


def short(full: T, brief: T) -> T:
    """``brief`` where notebooks shall be quick (PODIUM_NOTEBOOK_SHORT=1, as tests set it)."""
    return brief if os.environ.get(SHORT, "0") not in ("", "0") else full


@dataclass(frozen=True)
class Trained:
    """The members of an experiment: ``seeds`` of each of the ``configurations``, in their order.

    ``seconds``: how long all of them took together.
    """

    configurations: list[str]
    seeds: int
    data: Samples
    metric: Metric
    inputs: Tables
    fitted: FittedMembers
    seconds: float

    def members(self, configuration: str) -> range:
        """The numbers of a configuration's members, one a seed."""
        first = self.configurations.index(configuration) * self.seeds
        return range(first, first + self.seeds)

    def owner(self, member: int) -> tuple[str, int]:
        """A member's configuration and seed."""
        place, seed = divmod(member, self.seeds)
        return self.configurations[place], seed

    @property
    def curves(self) -> pd.DataFrame:
        """A row per member and epoch: configuration, seed, epoch (from 1), train_loss, valid_loss,
        score, learning_rate.

        ``train_loss`` is what training sees: with dropout on, labels smoothed, rows mixed.
        """
        rows = []
        for outcome in self.fitted.outcomes:
            name, seed = self.owner(outcome.member.index)
            rows += [
                (name, seed, log.epoch + 1, log.train_loss, log.valid_loss, log.valid_metric,
                 log.learning_rate)
                for log in outcome.history
            ]  # fmt: skip
        names = ["train_loss", "valid_loss", "score", "learning_rate"]
        return pd.DataFrame(rows, columns=["configuration", "seed", "epoch", *names])

    def scores(self, metric: str | None = None) -> pd.DataFrame:
        """The finished members' scores on training and validation rows: configuration, seed, train,
        valid.

        ``metric``: another one, by its name in ``podium metrics``.
        """
        scored = self.metric if metric is None else metric_named(metric)
        members = [outcome.member for outcome in self.fitted.outcomes]
        columns = {}
        for part in ("train", "valid"):
            rows = [getattr(member, part) for member in members]
            predicted = self.fitted.predict_rows(self.inputs, rows)
            columns[part] = [
                _score(scored, self.data, own, values)
                for own, values in zip(rows, predicted, strict=True)
            ]
        owners = [self.owner(member.index) for member in members]
        table = pd.DataFrame(owners, columns=["configuration", "seed"])
        return table.assign(**columns)

    def weights(self, configuration: str) -> dict[str, Array]:
        """Final weights by name, shape (seeds, *parameter)."""
        tensors = self.fitted.tensors(list(self.members(configuration)))
        return {name: value.double().numpy() for name, value in tensors.items()}

    def predict(self, X: NDArray[Any]) -> dict[str, Array]:  # noqa: N803
        """Each configuration's predictions for rows of a table, shape (seeds, rows, outputs)."""
        values = self.fitted.predict(X.astype(np.float32))
        return {name: values[list(self.members(name))] for name in self.configurations}


def train(
    configurations: Mapping[str, Mapping[str, Any]],
    data: Samples,
    seeds: int = 5,
    *,
    common: Mapping[str, Any] | None = None,
    metric: str | None = None,
    observe: Observe | None = None,
    seed: int = 0,
) -> Trained:
    """Train ``seeds`` members of each configuration, all of them together.

    A seed has the same training rows, initial weights and order of rows in every configuration with
    the same layers, so that differences are paired.

    Args:
        configurations: by name the knobs (docs/knobs.md, docs/images.md) that differ from
            ``common``.
        data: the rows.
        seeds: members of each.
        common: knobs of all, on top of ``PLAIN``: a network without any regularizer.
        metric: the score, by its name in ``podium metrics``; accuracy of classes, RMSE of numbers.
        observe: is shown weights, gradients and activations after each epoch, e.g. a ``Recorder``.
        seed: another one gives other initial weights and orders.

    Raises:
        PodiumError: a knob is unknown or has a wrong value, or every member diverged.
    """
    given = {name: _params(name, own, data, common or {}) for name, own in configurations.items()}
    scored = metric_named(metric or ("accuracy" if data.classes else "rmse"))
    params = [own for own in given.values() for _ in range(seeds)]
    numbers = list(range(seeds)) * len(given)
    draws = [data.draw_of(number) for number in numbers]
    inputs, tables = _inputs(data, params, draws)
    started = time.perf_counter()
    fitted = fit_members(
        inputs,
        data.y,
        [data.train[own] for own in draws],
        params,
        classes=data.classes,
        seeds=[1000 * seed + number for number in numbers],
        table_per_member=tables,
        valid_rows_per_member=[data.valid_of(number) for number in numbers],
        names=[f"{name}, seed {number}" for name in given for number in range(seeds)],
        score=lambda member, predicted: _score(scored, data, member.valid, predicted),
        observe=observe,
    )
    seconds = time.perf_counter() - started
    return Trained(list(given), seeds, data, scored, inputs, fitted, seconds)


def _score(metric: Metric, data: Samples, rows: NDArray[np.int64], predicted: Array) -> float:
    values = predicted if data.classes else predicted[:, 0]
    return metric(data.y[rows].astype(np.float64), values)


def _params(
    name: str, knobs: Mapping[str, Any], data: Samples, common: Mapping[str, Any]
) -> NetworkParams:
    """The hyperparameters of a configuration: its knobs on top of common ones and ``PLAIN``.

    Raises:
        PodiumError: a knob is unknown or has a wrong value.
    """
    kind: type[NetworkParams] = ImageMLPParams if data.is_images else MLPParams
    plain = PLAIN if data.is_images else {**PLAIN, **PLAIN_TABLE}
    try:
        return kind.model_validate({**plain, **common, **knobs})
    except ValidationError as error:
        details = error.errors()[0]
        where = ".".join(map(str, details["loc"]))
        what = f"{where}: " if where else ""
        raise PodiumError(f"configuration '{name}': {what}{explain(details, kind)}") from None


def _inputs(
    data: Samples, params: Sequence[NetworkParams], draws: Sequence[int]
) -> tuple[Tables, list[int]]:
    """The inputs, and which of their tables each member reads."""
    if not data.is_images:
        return data.X.astype(np.float32), [0] * len(params)
    return _Pictures.of(data, [own for own in params if isinstance(own, ImageMLPParams)], draws)


class _Pictures(Inputs):
    """Images that some configurations change at random in their own ways, and others don't.

    A table is a draw of training rows, by which images are standardized, for one of the ways.
    Members with different ways are in different groups (``nn/own.py``).
    """

    def __init__(self, each: Sequence[ImageInputs], draws: int) -> None:
        self.each, self.draws, self.columns = list(each), draws, each[0].columns

    @classmethod
    def of(
        cls, data: Samples, params: Sequence[ImageNetworkParams], draws: Sequence[int]
    ) -> tuple["_Pictures", list[int]]:
        """The images, and which table each member reads."""
        moments = [_moments(data.X[rows]) for rows in data.train]
        ways = [_way(own) for own in params]
        distinct = list(dict.fromkeys(ways))
        each = [ImageInputs(data.X, moments, params[ways.index(way)]) for way in distinct]
        tables = [
            distinct.index(way) * len(moments) + own for way, own in zip(ways, draws, strict=True)
        ]
        return cls(each, len(moments)), tables

    def __len__(self) -> int:
        return len(self.each[0])

    def read(self, rows: Tensor, tables: Tensor, step: Step) -> Tensor:
        """The images of rows, as ``ImageInputs`` reads them."""
        way = int(tables[0]) // self.draws
        return self.each[way].read(rows, tables % self.draws, step)

    def fingerprint(self) -> bytes:
        """That of each way."""
        return b"".join(own.fingerprint() for own in self.each)


def _way(params: ImageNetworkParams) -> tuple[Any, ...]:
    """The knobs that change images at random."""
    return tuple(getattr(params, knob) for knob in Augmentation.model_fields)


def _moments(images: NDArray[np.uint8]) -> Moments:
    """Mean and standard deviation of some images' channels."""
    numbers = images.reshape(-1, images.shape[-1]) / WHITE
    return Moments(numbers.mean(0), numbers.std(0))
