"""Early stopping (``early_stopping``, ``best_weights``; Prechelt 1998; D2L 5.5)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.nn.parameters import Parameters

Flats = dict[str, Tensor]


class EarlyStopping:
    """Each member's best epoch, by the loss on rows held out of its training rows.

    The fold's validation rows are not used, so that their score stays unbiased.
    """

    def __init__(self, patience: Sequence[int], parameters: Parameters) -> None:
        self.patience = np.array(patience)
        self.loss = np.full(parameters.members, np.inf)
        self.epoch = np.zeros(parameters.members, dtype=np.int64)
        self.flats = {kind: flat.clone() for kind, flat in parameters.flat.items()}

    def after_epoch(
        self, epoch: int, loss: NDArray[np.float64], parameters: Parameters, flats: Flats
    ) -> NDArray[np.bool_]:
        """Store weights that improve on the best; returns which members are out of patience."""
        better = loss < self.loss
        self.loss[better], self.epoch[better] = loss[better], epoch
        members = torch.from_numpy(np.flatnonzero(better)).to(parameters.device)
        now, best = parameters.views(flats), parameters.views(self.flats)
        for name, value in best.items():
            value[members] = now[name][members]
        return epoch - self.epoch >= self.patience

    def facts(self) -> dict[str, Any]:
        """What a checkpoint stores besides ``flats``."""
        return {"loss": self.loss.tolist(), "epoch": self.epoch.tolist()}

    def load(self, flats: Flats, facts: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.flats = flats
        self.loss, self.epoch = np.array(facts["loss"]), np.array(facts["epoch"])

    def keep(self, old: Parameters, kept: Tensor) -> None:
        """Drop all members but ``kept``."""
        places = kept.cpu().numpy()
        self.patience = self.patience[places]
        self.loss, self.epoch = self.loss[places], self.epoch[places]
        self.flats = {kind: old.select(flat, kind, kept) for kind, flat in self.flats.items()}
