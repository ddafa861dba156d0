"""Weight averaging (``averaging``): predict with averaged weights instead of the last ones."""

import math
from typing import Any

import torch
from torch import Tensor

from podium.config import NetworkParams
from podium.nn.parameters import Parameters

Flats = dict[str, Tensor]


class Averaging:
    """A running average of all flat tensors, including normalization statistics.

    ``ema``: exponential, updated per step, with decay ``average_decay`` (Polyak and Juditsky 1992;
    Tarvainen and Valpola 2017); the decay is smaller at the start, to forget the initial weights.
    ``swa``: the mean of the weights at the ends of epochs, from ``average_start`` on (Izmailov et
    al. 2018).
    """

    def __init__(self, params: NetworkParams, parameters: Parameters) -> None:
        self.params = params
        self.flats = {kind: flat.clone() for kind, flat in parameters.flat.items()}
        self.count = 0

    def after_step(self, parameters: Parameters) -> None:
        """Update the average after a step (ema)."""
        if self.params.averaging != "ema":
            return
        self.count += 1
        decay = min(self.params.average_decay, self.count / (self.count + 9.0))
        self._towards(parameters, 1.0 - decay)

    def after_epoch(self, parameters: Parameters, epoch: int) -> None:
        """Update the average after an epoch (swa); before ``average_start`` it is the weights."""
        if self.params.averaging != "swa":
            return
        first = math.floor(self.params.average_start * self.params.epochs)
        self.count = max(0, epoch - first) + 1
        self._towards(parameters, 1.0 / self.count)

    def facts(self) -> dict[str, Any]:
        """What a checkpoint stores besides ``flats``."""
        return {"count": self.count}

    def load(self, flats: Flats, facts: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.flats, self.count = flats, facts["count"]

    def keep(self, old: Parameters, kept: Tensor) -> None:
        """Drop all members but ``kept``."""
        self.flats = {kind: old.select(flat, kind, kept) for kind, flat in self.flats.items()}

    def _towards(self, parameters: Parameters, share: float) -> None:
        with torch.no_grad():
            for kind, flat in parameters.flat.items():
                self.flats[kind].lerp_(flat, share)
