"""The training rows that features are learnt from, split by split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import LEFT_OUT, Rows
from podium.data.tabular.dataset import refit_name, transform_name


@dataclass(frozen=True)
class Fitted:
    """The rows that are fitted on under a name; ``fold`` is the name of the split's own fold."""

    name: str
    fold: str
    rows: Rows


@dataclass(frozen=True)
class Training:
    """Target (n,), class names, folds (n, repeats) and groups (n,) of the training rows.

    ``without_each``: each split is fitted again without the rows of each other fold, for models
    that must never have seen these, not by way of a feature either (``nested: full``).
    """

    y: NDArray[np.float64]
    classes: Sequence[str]
    folds: Rows
    groups: Rows | None
    without_each: bool = False

    def fitted(self) -> Iterator[Fitted]:
        """All that is fitted, in order."""
        for repeat, fold_of_row in enumerate(self.folds.T):
            used = [int(fold) for fold in np.unique(fold_of_row) if fold != LEFT_OUT]
            for fold in used:
                train = (fold_of_row != fold) & (fold_of_row != LEFT_OUT)
                name = transform_name(repeat, fold)
                yield Fitted(name, name, np.flatnonzero(train))
                for other in used if self.without_each else []:
                    if other != fold:
                        rows = np.flatnonzero(train & (fold_of_row != other))
                        yield Fitted(refit_name(fold, other), name, rows)
