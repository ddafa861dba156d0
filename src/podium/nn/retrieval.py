"""Prediction by similar rows, where a network learns what is similar: ModernNCA (Ye et al. 2024).

Rows are embedded, and a row's prediction is the mean of others' targets, weighted by a softmax of
the negative distances to them (neighbourhood components analysis, Goldberger et al. 2004). While
training, each step draws the rows that it may look at, and no row sees itself.
"""

import warnings
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from podium.io.errors import PodiumError

Array = NDArray[Any]
# Fewer rows to train on than that teach no distance.
FEWEST_ROWS = 4
# Of a target's class; also what keeps its logarithm finite.
LEAST_PROBABILITY = 1e-6
# Distances that are held at a time.
MOST_DISTANCES = 2**22


@dataclass(frozen=True)
class Recipe:
    """How the network is built and trained; the names are those of the knobs of ``retrieval``."""

    hidden: int
    embedding_size: int
    dropout: float
    learning_rate: float
    weight_decay: float
    epochs: int
    patience: int
    holdout: float
    batch_size: int
    candidates: int


@dataclass(frozen=True)
class Neighbors:
    """All training rows: what they are embedded by, where they lie, and their targets.

    Shapes: ``embedded`` (rows, embedding_size), ``targets`` (rows, outputs). ``history`` has the
    loss of each epoch, of training rows and of those held out.
    """

    state: dict[str, Array]
    embedded: Array
    targets: Array
    history: Sequence[tuple[float, float]] = ()

    def predict(self, x: Array) -> Array:
        """The mean target of the training rows near each row, shape (rows, outputs)."""
        network = Embedding(x.shape[1], *_sizes(self.state))
        network.load_state_dict({name: torch.from_numpy(own) for name, own in self.state.items()})
        there, targets = torch.from_numpy(self.embedded), torch.from_numpy(self.targets)
        with torch.no_grad():
            here = network.eval()(_tensor(x))
            return np.asarray(_in_chunks(here, there, targets).numpy())


class Embedding(nn.Module):
    """Two layers beside a linear one. All randomness comes from ``generator``."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.first = _linear(inputs, hidden)
        self.normalization = nn.BatchNorm1d(hidden)
        self.second = _linear(hidden, outputs)
        self.direct = _linear(inputs, outputs)

    def start(self, generator: torch.Generator) -> None:
        """Draw the weights, as ``torch.nn`` does it."""
        for layer in (self.first, self.second, self.direct):
            bound = layer.in_features**-0.5
            for values in (layer.weight, layer.bias):
                nn.init.uniform_(values, -bound, bound, generator=generator)

    def forward(
        self, x: Tensor, dropout: float = 0.0, generator: torch.Generator | None = None
    ) -> Tensor:
        """Embed rows, with ``dropout`` of hidden units if a generator is given."""
        inner = functional.relu(self.normalization(self.first(x)))
        if generator is not None and dropout:
            kept = torch.rand(inner.shape, generator=generator) >= dropout
            inner = inner * kept / (1 - dropout)
        return self.second(inner) + self.direct(x)


def fit_neighbors(
    x: Array, targets: Array, recipe: Recipe, *, of_classes: bool, seed: int
) -> Neighbors:
    """Train the embedding, and keep all rows.

    The epoch is kept whose error is the least in ``holdout`` of the rows, which are there to be
    found afterwards like the others.

    Args:
        x: numbers about as large as standard normal ones, shape (rows, columns).
        targets: numbers, or ones and zeros by class, shape (rows, outputs).
        recipe: the knobs.
        of_classes: the loss is the log loss, else the squared error.
        seed: of everything random.

    Raises:
        PodiumError: training diverged.
    """
    rows, known = _tensor(x), _tensor(targets)
    generator = torch.Generator().manual_seed(seed)
    network = Embedding(rows.shape[1], recipe.hidden, recipe.embedding_size)
    network.start(generator)
    order = torch.randperm(len(rows), generator=generator)
    held = order[: max(1, round(recipe.holdout * len(rows)))]
    training = order[len(held) :]
    history: list[tuple[float, float]] = []
    if len(training) >= FEWEST_ROWS:
        history = _train(network, rows, known, (training, held), recipe, of_classes, generator)
    else:
        warnings.warn(
            f"{len(training)} rows are left to train on, which is too few to learn what is similar",
            stacklevel=1,
        )
    with torch.no_grad():
        embedded = network.eval()(rows)
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    return Neighbors(state, embedded.numpy(), known.numpy(), history)


def _train(
    network: Embedding,
    x: Tensor,
    targets: Tensor,
    parts: tuple[Tensor, Tensor],
    recipe: Recipe,
    of_classes: bool,
    generator: torch.Generator,
) -> list[tuple[float, float]]:
    """Stop when ``patience`` epochs bring nothing, and go back to the best one."""
    training, _ = parts
    history: list[tuple[float, float]] = []
    optimizer = torch.optim.AdamW(
        network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    best, best_epoch, state = float("inf"), 0, deepcopy(network.state_dict())
    for epoch in range(recipe.epochs):
        network.train()
        total = 0.0
        for batch, candidates in _steps(training, recipe, generator):
            both = torch.cat([batch, candidates])
            here, there = network(x[both], recipe.dropout, generator).split(
                [len(batch), len(candidates)]
            )
            itself = batch[:, None] == candidates
            found = _mean_target(here, there, targets[candidates], itself)
            loss = _loss(found, targets[batch], of_classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(batch)
        error = _error(network, x, targets, parts, of_classes)
        history.append((total / len(training), error))
        if error < best:
            best, best_epoch, state = error, epoch, deepcopy(network.state_dict())
        elif epoch - best_epoch >= recipe.patience:
            break
    if best == float("inf"):
        raise PodiumError(
            f"training diverged: the held-out loss is {history[-1][1]:g} in every epoch, learning "
            f"rate {recipe.learning_rate:g}; try a smaller learning_rate"
        )
    network.load_state_dict(state)
    return history


def _steps(
    training: Tensor, recipe: Recipe, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """An epoch's batches, each with the rows that it may look at: half of all, up to a number."""
    rows = len(training)
    count = min(rows, recipe.candidates, max(2 * FEWEST_ROWS, rows // 2))
    for batch in training[torch.randperm(rows, generator=generator)].split(recipe.batch_size):
        yield batch, training[torch.randperm(rows, generator=generator)[:count]]


@torch.no_grad()
def _error(
    network: Embedding,
    x: Tensor,
    targets: Tensor,
    parts: tuple[Tensor, Tensor],
    of_classes: bool,
) -> float:
    """The loss of the held-out rows, which look at all others."""
    training, held = parts
    network.eval()
    here, there = network(x[held]), network(x[training])
    found = _in_chunks(here, there, targets[training])
    return float(_loss(found, targets[held], of_classes))


def _in_chunks(here: Tensor, there: Tensor, targets: Tensor) -> Tensor:
    """The mean targets of all rows, with not too many distances held at a time."""
    chunks = here.split(max(1, MOST_DISTANCES // len(there)))
    return torch.cat([_mean_target(own, there, targets) for own in chunks])


def _mean_target(
    here: Tensor, there: Tensor, targets: Tensor, itself: Tensor | None = None
) -> Tensor:
    distances = torch.cdist(here, there)
    if itself is not None:
        distances = distances.masked_fill(itself, float("inf"))
    return torch.softmax(-distances, 1) @ targets


def _loss(found: Tensor, targets: Tensor, of_classes: bool) -> Tensor:
    if of_classes:
        return -(found * targets).sum(1).clamp_min(LEAST_PROBABILITY).log().mean()
    return functional.mse_loss(found, targets)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Without torch's draw of the weights, which would take the process's random numbers."""
    return nn.utils.skip_init(nn.Linear, inputs, outputs)


def _sizes(state: dict[str, Array]) -> tuple[int, int]:
    """Hidden units and outputs of a stored network."""
    outputs, hidden = state["second.weight"].shape
    return hidden, outputs


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
