"""What an observer sees of a training: weights, gradients and activations after each epoch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from podium.nn.data import GroupData, Member, Rows
from podium.nn.layers import Chain, Step


@dataclass(frozen=True)
class Snapshot:
    """The members of a group that train, before the first step and after each epoch.

    ``epoch``: how many are done. ``weights`` and ``gradients`` have shape (members, *parameter), by
    name: current weights (not averaged ones) with running statistics, and gradients of the last
    step with penalties, zero before the first. They are the training's own memory, valid during
    the call: copy what is kept, and change nothing.
    """

    epoch: int
    members: list[Member]
    weights: dict[str, Tensor]
    gradients: dict[str, Tensor]
    network: Chain
    data: GroupData

    @torch.no_grad()
    def activations(self, rows: Rows) -> dict[str, Tensor]:
        """The outputs of each layer with parameters for some rows, as at prediction.

        Shape (members, rows, features); a hidden layer's are those after its activation.
        """
        index = torch.from_numpy(rows).to(self.data.device).expand(len(self.members), -1)
        step, found = Step(), {}
        x = self.data.inputs(index, step)
        for layer in self.network.layers:
            x = layer.forward(x, step)
            if own := layer.parameters():
                found[own[0].name.split(".")[0]] = x
        return found


# Called by one thread at a time, for each group of members.
Observe = Callable[[Snapshot], None]
