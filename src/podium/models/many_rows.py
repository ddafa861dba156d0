"""Ridge on tables of many rows: a block at a time for numbers, a sparse matrix for classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from podium.config import RidgeParams
from podium.data.dataset import Rows, Split
from podium.data.inner import Inner, Parts
from podium.data.tabular.blocks import Blocks
from podium.data.tabular.dataset import TableDataset
from podium.models.base import Fit
from podium.models.logistic import Logistic, Ridge, Searched, choose, constant, unconverged
from podium.models.moments import Block, Linear, Moments

Array = NDArray[np.float64]
# From so many values of a fold's training rows on, and so many times as many rows as features.
# Below, scikit-learn's decomposition of all rows takes a second.
MANY_VALUES, ROWS_PER_FEATURE = 2_000_000, 2
# Rows whose leave-one-out errors choose the penalty (the model is that of all rows), and rows by
# which that of classes is chosen: more say the same.
SCORED_ROWS, SEARCHED_ROWS = 100_000, 20_000


@dataclass(frozen=True)
class LargePart:
    """A fold's training rows that are not made into one matrix."""

    blocks: Blocks
    rows: Rows
    y: Array
    weight: Array | None
    inner: Inner

    @classmethod
    def of(cls, fit: Fit[RidgeParams], split: Split) -> "LargePart | None":
        """None of a table that is small enough for one matrix, or has too many features."""
        blocks = cast(TableDataset, fit.dataset).blocks(split, "train")
        rows = split.train_rows
        is_large = len(rows) * blocks.features >= MANY_VALUES
        if not is_large or len(rows) < ROWS_PER_FEATURE * blocks.features:
            return None
        return cls(blocks, rows, fit.y[rows], fit.weights(rows), fit.inner(split))

    def of_places(self, places: Rows) -> Iterator[Block]:
        """Some of the rows, by their places among them, in blocks."""
        for own, x in self.blocks.of(self.rows[places]):
            chosen = places[own]
            yield x, self.y[chosen], None if self.weight is None else self.weight[chosen]

    def some(self, most: int) -> Rows:
        """The places of all rows, or of so many, evenly chosen."""
        count = len(self.rows)
        return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def search_ridge(part: LargePart, params: RidgeParams) -> tuple[Linear, list[float], Array]:
    """Ridge regression: the model, the penalties, the strongest first, and the error of each."""
    alphas = sorted(params.alphas, reverse=True)
    part.inner.check()
    total = Moments.of(part.of_places(np.arange(len(part.rows))), part.blocks.features)
    turned = total.turned()
    if part.inner.is_shuffled:
        errors = turned.left_out(part.of_places(part.some(SCORED_ROWS)), alphas, total.weight)
    else:
        errors = _inner_errors(part, alphas, part.inner.folds(params.inner_folds))
    return turned.fit(alphas[int(np.argmin(errors))]), alphas, errors


def _inner_errors(part: LargePart, alphas: list[float], folds: Parts) -> Array:
    """The mean squared error of inner folds for each penalty, from sums alone."""
    features, errors = part.blocks.features, np.zeros(len(alphas))
    for train, valid in folds:
        turned = Moments.of(part.of_places(train), features).turned()
        held = Moments.of(part.of_places(valid), features)
        errors += [held.error(turned.fit(alpha)) / len(folds) for alpha in alphas]
    return errors


def search_classes(part: LargePart, params: RidgeParams) -> tuple[Logistic, Searched | None]:
    """L2 logistic regression; the penalty, of a sum over rows, is chosen on some of them."""
    codes = part.y.astype(np.int64)
    if (codes == codes[0]).all():
        return constant(codes[0], part.blocks.features), None
    alphas = sorted(params.alphas, reverse=True)
    some = part.some(SEARCHED_ROWS)
    weight = None if part.weight is None else part.weight[some]
    folds = part.inner.part(some).folds(params.inner_folds)
    sample = part.blocks.sparse(part.rows[some])
    with unconverged():
        found = choose(sample, codes[some], weight, alphas, folds, Ridge)
    solver = Ridge(part.blocks.sparse(part.rows), codes, part.weight)
    with unconverged():
        return solver.fit(found.alpha), found
