"""Predicting with trained members, with dropout off or, for Monte-Carlo dropout, on."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config import NetworkParams
from podium.errors import PodiumError
from podium.nn.data import Tables, Task, read_table
from podium.nn.draws import Draws
from podium.nn.knobs.inputs import Columns
from podium.nn.layers import Step
from podium.nn.network import build_network, row_numbers
from podium.nn.outcome import Outcome
from podium.nn.store import Store
from podium.nn.trainer import EVALUATION_SIZE

# Monte-Carlo passes count their steps from here on, away from those of training.
MC_STEPS, MC_CHUNKS = 2**40, 2**20
# Rows of a chunk where dropout draws.
MC_ROWS = 1024

Array = NDArray[np.float64]


class Predictor:
    """Members ready to predict; predictions have shape (members, rows, outputs)."""

    def __init__(
        self, params: NetworkParams, columns: Columns, task: Task, outcomes: Sequence[Outcome]
    ) -> None:
        self.params, self.columns, self.task = params, columns, task
        self.outcomes = list(outcomes)

    def predict(self, tables: Tables) -> Array:
        """Numbers, or the probability of each class, for the rows of each member's table."""
        return self._predict(tables, None)

    def spread(self, tables: Tables, passes: int) -> tuple[Array, Array]:
        """Mean and standard deviation over ``passes`` predictions with dropout on.

        Raises:
            PodiumError: there is no dropout.
        """
        if not self.params.has_dropout:
            raise PodiumError("Monte-Carlo dropout needs dropout: set dropout above 0")
        total, squares = np.zeros(1), np.zeros(1)
        for index in range(passes):
            drawn = self._predict(tables, index)
            total, squares = total + drawn, squares + drawn**2
        mean = total / passes
        return mean, np.sqrt(np.maximum(squares / passes - mean**2, 0.0))

    def _predict(self, tables: Tables, mc_pass: int | None) -> Array:
        shared = isinstance(tables, np.ndarray)
        parts: dict[int, Array] = {}
        numbers = [0] if shared else sorted({outcome.member.table for outcome in self.outcomes})
        for number in numbers:
            own = [outcome for outcome in self.outcomes if shared or outcome.member.table == number]
            predicted = self._by_table(read_table(tables, number), own, mc_pass)
            parts |= {out.member.index: part for out, part in zip(own, predicted, strict=True)}
        for outcome in self.outcomes:
            if outcome.diverged:
                parts[outcome.member.index][:] = np.nan
        return np.stack([parts[outcome.member.index] for outcome in self.outcomes])

    @torch.no_grad()
    def _by_table(self, table: Tensor, outcomes: list[Outcome], mc_pass: int | None) -> Array:
        """What some members predict for the rows of one table."""
        network = build_network(self.params, self.columns, self.task.width)
        store = Store(network.slots(), len(outcomes), torch.device("cpu"))
        for name, value in store.values.items():
            value.copy_(torch.stack([outcome.state[name] for outcome in outcomes]))
        network.bind(store.values, {})
        target = torch.stack([outcome.target for outcome in outcomes])
        parts = []
        chunks = self._chunks(table, len(outcomes), drawing=mc_pass is not None)
        for x, step in zip(chunks, self._steps(outcomes, mc_pass), strict=False):
            parts.append(self.task.predictions(network.forward(x, step), target))
        return torch.cat(parts, dim=1).numpy()

    def _chunks(self, table: Tensor, members: int, drawing: bool) -> Iterator[Tensor]:
        """The rows, so many at once as fit, the same for every member.

        Where dropout draws, chunks are the same however many members there are, since a chunk's
        number is part of what its random numbers come from.
        """
        rows = EVALUATION_SIZE // (members * row_numbers(self.params, self.columns))
        for part in table.split(MC_ROWS if drawing else max(1, rows)):
            yield part.expand(members, *part.shape)

    def _steps(self, outcomes: list[Outcome], mc_pass: int | None) -> Iterator[Step]:
        """A pass's description for each chunk, with random numbers of its own where it draws."""
        draws = None
        if mc_pass is not None:
            draws = Draws([out.member.seed for out in outcomes], torch.device("cpu"))
        for chunk in range(MC_CHUNKS):
            number = MC_STEPS + (mc_pass or 0) * MC_CHUNKS + chunk
            yield Step(draws=draws, number=number)


def pooled(mean: Array, spread: Array) -> tuple[Array, Array]:
    """Mean and spread over members and passes together, from each member's own over its passes.

    Shapes (members, rows, outputs) to (rows, outputs).
    """
    center = mean.mean(axis=0)
    variance = (spread**2).mean(axis=0) + ((mean - center) ** 2).mean(axis=0)
    return center, np.sqrt(variance)
