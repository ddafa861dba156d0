"""The training rows that features are learnt from, split by split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.data.dataset import ALL_ROWS, Mask, Rows, fold_splits
from podium.data.tabular.dataset import refit_name, transform_name


@dataclass(frozen=True)
class Fitted:
    """The rows that are fitted on under a name; ``fold`` is the name of the split's own fold."""

    name: str
    fold: str
    rows: Rows


@dataclass(frozen=True)
class Training:
    """Target (n,), class names, and folds of the training rows as ``Dataset`` has them.

    ``without_each``: each split is fitted again without the rows of each other fold, for models
    that must never have seen these, not by way of a feature either (``nested: full``). ``whole``:
    rows on which it is fitted once more, for models that are fitted on all rows.
    """

    y: NDArray[np.float64]
    classes: Sequence[str]
    folds: Rows
    groups: Rows | None
    times: Rows | None = None
    trained: Mask | None = None
    without_each: bool = False
    whole: Rows | None = None

    def fitted(self) -> Iterator[Fitted]:
        """All that is fitted, in order."""
        splits = list(fold_splits(self.folds, self.trained))
        for split in splits:
            name = transform_name(split.repeat, split.fold)
            yield Fitted(name, name, split.train_rows)
            others = [one for one in splits if one.fold != split.fold]
            for other in others if self.without_each else []:
                rows = np.setdiff1d(split.train_rows, other.valid_rows)
                if self.trained is not None:
                    rows = rows[self.trained[rows, other.fold]]
                yield Fitted(refit_name(split.fold, other.fold), name, rows)
        if self.whole is not None:
            yield Fitted(ALL_ROWS, ALL_ROWS, self.whole)
