"""A look inside networks while they train: norms, activations, running statistics."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from podium.models.lab.train import Trained
from podium.nn import Snapshot
from podium.nn.data import Rows

# The matrices' norms, and the running statistics of batch normalization, by the end of the name.
MATRIX, MEAN, VARIANCE = ".weight", ".norm.mean", ".norm.variance"


class Recorder:
    """An observer that keeps numbers of each layer: ``lab.train(..., observe=Recorder())``.

    Args:
        rows: rows whose activations are kept; none if None.
        every: how many epochs lie between two looks.
        weights: whether the weights themselves are kept.
    """

    def __init__(self, rows: Rows | None = None, every: int = 1, weights: bool = False) -> None:
        self.rows, self.every, self.keeps_weights = rows, every, weights
        self.numbers: list[tuple[int, int, str, str, float]] = []
        # By member and epoch, then by layer or parameter.
        self.outputs: dict[tuple[int, int], dict[str, NDArray[Any]]] = {}
        self.weights: dict[tuple[int, int], dict[str, NDArray[Any]]] = {}

    def __call__(self, snapshot: Snapshot) -> None:
        """Keep the numbers of an epoch."""
        if snapshot.epoch % self.every:
            return
        for name, value in snapshot.weights.items():
            layer = name.split(".")[0]
            if name.endswith(MATRIX):
                self._add(snapshot, layer, "weight norm", value.flatten(1).norm(dim=1))
                gradient = snapshot.gradients[name]
                self._add(snapshot, layer, "gradient norm", gradient.flatten(1).norm(dim=1))
            elif name.endswith(MEAN):
                self._add(snapshot, layer, "running mean", value.flatten(1).abs().mean(1))
            elif name.endswith(VARIANCE):
                self._add(snapshot, layer, "running std", value.flatten(1).sqrt().mean(1))
        if self.keeps_weights:
            self._keep(self.weights, snapshot, snapshot.weights)
        if self.rows is not None:
            self._look_at(snapshot, snapshot.activations(self.rows))

    def table(self, trained: Trained) -> pd.DataFrame:
        """All numbers: configuration, seed, epoch (0: before the first step), layer, quantity,
        value.

        Quantities: the Frobenius norms of a layer's matrix and of its gradient in the last step;
        the mean of the absolute running means and of the running stds of batch normalization; with
        ``rows`` the std of activations, and the share of them that are zero.
        """
        rows = [(*trained.owner(member), *rest) for member, *rest in self.numbers]
        names = ["configuration", "seed", "epoch", "layer", "quantity", "value"]
        return pd.DataFrame(rows, columns=names)

    def activations(
        self, trained: Trained, configuration: str, layer: str, seed: int = 0
    ) -> dict[int, NDArray[Any]]:
        """A layer's outputs for the rows after each epoch, shape (rows, features)."""
        return self._of(self.outputs, trained.members(configuration)[seed], layer)

    def path(
        self, trained: Trained, configuration: str, parameter: str, seed: int = 0
    ) -> dict[int, NDArray[Any]]:
        """A parameter after each epoch, such as ``hidden0.weight`` (inputs, outputs)."""
        return self._of(self.weights, trained.members(configuration)[seed], parameter)

    def _of(
        self, kept: dict[tuple[int, int], dict[str, NDArray[Any]]], member: int, name: str
    ) -> dict[int, NDArray[Any]]:
        return {epoch: own[name] for (index, epoch), own in sorted(kept.items()) if index == member}

    def _look_at(self, snapshot: Snapshot, outputs: dict[str, Tensor]) -> None:
        for layer, value in outputs.items():
            self._add(snapshot, layer, "activation std", value.flatten(1).std(dim=1))
            self._add(snapshot, layer, "zeros", (value == 0).float().flatten(1).mean(1))
        self._keep(self.outputs, snapshot, outputs)

    def _keep(
        self,
        kept: dict[tuple[int, int], dict[str, NDArray[Any]]],
        snapshot: Snapshot,
        values: dict[str, Tensor],
    ) -> None:
        for place, member in enumerate(snapshot.members):
            own = {name: value[place].cpu().numpy().copy() for name, value in values.items()}
            kept[member.index, snapshot.epoch] = own

    def _add(self, snapshot: Snapshot, layer: str, quantity: str, values: Tensor) -> None:
        for member, value in zip(snapshot.members, values.tolist(), strict=True):
            self.numbers.append((member.index, snapshot.epoch, layer, quantity, value))
