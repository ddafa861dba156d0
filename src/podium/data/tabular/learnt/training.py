"""The training rows that features are learnt from, split by split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import Rows, fold_splits
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
        for split in fold_splits(self.folds):
            name = transform_name(split.repeat, split.fold)
            yield Fitted(name, name, split.train_rows)
            fold_of_row = self.folds[split.train_rows, split.repeat]
            for other in np.unique(fold_of_row) if self.without_each else ():
                rows = split.train_rows[fold_of_row != other]
                yield Fitted(refit_name(split.fold, int(other)), name, rows)
