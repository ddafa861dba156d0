"""What every contestant is given: the same rows, shape, batch size, rate and epochs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

BATCH, RATE, DECAY = 64, 1e-3, 0.1

# A matrix (rows, features) to the predictions of every member, shape (members, rows).
Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Task:
    """Members to train on a shared matrix: member m learns from ``rows[m]``.

    ``x`` has shape (rows, features), ``y`` (rows,) is standardized. Trained with AdamW at a
    constant rate on the squared loss.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    rows: list[NDArray[np.int64]]
    hidden: list[int]
    dropout: float
    epochs: int

    @property
    def sizes(self) -> list[int]:
        """Widths of all layers, inputs and the one output among them."""
        return [self.x.shape[1], *self.hidden, 1]

    def short(self, members: int, epochs: int | None = None) -> "Task":
        """The same for the first members, and fewer epochs."""
        return replace(self, rows=self.rows[:members], epochs=epochs or self.epochs)

    def held_out_rmse(self, predict: Predict) -> float:
        """The mean over members of the RMSE on the rows that they did not learn from.

        A contestant that trained only the first members is scored on those.
        """
        predictions = predict(self.x)
        pairs = zip(predictions, self.rows[: len(predictions)], strict=True)
        return float(np.mean([self._rmse(own, rows) for own, rows in pairs]))

    def _rmse(self, prediction: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
        unseen = np.setdiff1d(np.arange(len(self.y)), rows)
        return float(np.sqrt(np.mean((prediction[unseen] - self.y[unseen]) ** 2)))
