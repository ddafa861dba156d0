"""What automatic features are chosen from: pairs of numbers, groups, crosses of categories.

These are the kinds that TabPrep (github.com/atschalz/tabprep) found to help tables in general. How
many there are is bounded, whatever the table's size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Self

import numpy as np
import pandas as pd

from podium.data.tabular.learnt.encoding import LevelCounts, TargetMeans
from podium.data.tabular.learnt.groups import GroupStatistics
from podium.data.tabular.learnt.learner import Array, Context, Learner, Make

# The most columns of each type that candidates are made of, the most important first.
MOST_NUMBERS, MOST_KEYS = 6, 5
# And of groups, which take both.
MOST_GROUPED, MOST_GROUPS = 4, 3
# A number of so few values is a key as well.
FEW_VALUES = 30
SMOOTHING = 10.0
OPERATIONS = {"-": np.subtract, "*": np.multiply, "/": np.divide}


@dataclass(frozen=True)
class Candidate:
    """A feature that may be chosen: its name, and what makes its learners."""

    name: str
    make: Make


class Pair(Learner):
    """Two numbers of a row, subtracted, multiplied or divided; nothing is learnt."""

    def __init__(self, left: str, operation: str, right: str) -> None:
        self.left, self.operation, self.right = left, operation, right
        self.columns = [left, right]

    def fit(self, table: pd.DataFrame, y: Array | None) -> Self:
        """Nothing."""
        return self

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """One column; a division by 0 is missing."""
        left, right = (table[name].to_numpy(np.float64) for name in (self.left, self.right))
        if self.operation == "/":
            right = np.where(right == 0, np.nan, right)
        return pd.DataFrame({"": OPERATIONS[self.operation](left, right)})


def candidates(
    numbers: Sequence[str], keys: Sequence[str], context: Context
) -> Iterator[Candidate]:
    """All candidates of columns in the order of their importance."""
    numbers, keys = numbers[:MOST_NUMBERS], keys[:MOST_KEYS]
    yield from _pairs(numbers)
    yield from _groups(numbers[:MOST_GROUPED], keys[:MOST_GROUPS])
    for columns in [*((key,) for key in keys), *combinations(keys, 2)]:
        yield from _encodings(list(columns), context)


def _pairs(numbers: Sequence[str]) -> Iterator[Candidate]:
    for left, right in combinations(numbers, 2):
        for operation in OPERATIONS:
            own = partial(Pair, left, operation, right)
            yield Candidate(f"{left} {operation} {right}", partial(_one, own))


def _groups(numbers: Sequence[str], keys: Sequence[str]) -> Iterator[Candidate]:
    for number in numbers:
        for key in keys:
            if key != number:
                own = partial(GroupStatistics, "mean", number, [key], ["difference"])
                yield Candidate(f"{number} - mean by {key}", partial(_one, own))


def _encodings(columns: list[str], context: Context) -> Iterator[Candidate]:
    name = " x ".join(columns)
    means = partial(TargetMeans, columns, SMOOTHING, context)
    yield Candidate(f"target by {name}", partial(_one, means))
    yield Candidate(f"count of {name}", partial(_one, partial(LevelCounts, columns, False)))


def _one(make: Callable[[], Learner]) -> list[Learner]:
    return [make()]
