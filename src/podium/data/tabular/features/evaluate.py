"""What an expression is worth in every row of a table.

Everything is row by row but for statistics of groups, which are learnt from the rows that they are
given, and applied to all.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.data.tabular.features.expressions import Aggregate, Call, Column, Constant, Node
from podium.data.tabular.features.functions import AGGREGATES, ALL, FUNCTIONS, WRITTEN
from podium.data.tabular.features.tokens import ExpressionError
from podium.data.tabular.features.values import Array, Numbers, Texts, Values, finite, values_of

Rows = NDArray[np.int64]


class Columns:
    """A table's columns as values, each made when it is first used."""

    def __init__(self, table: pd.DataFrame, found: Mapping[str, Values] | None = None) -> None:
        self.table = table
        self.found = dict(found or {})

    def copy(self) -> "Columns":
        """The same columns, to add others to."""
        return Columns(self.table, self.found)

    def __getitem__(self, name: str) -> Values:
        if name not in self.found:
            self.found[name] = values_of(self.table[name])
        return self.found[name]

    def __setitem__(self, name: str, values: Values) -> None:
        self.found[name] = values

    @property
    def names(self) -> list[str]:
        """The columns that are there."""
        return list(dict.fromkeys([*self.table, *self.found]))

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.table)


@dataclass
class Evaluation:
    """One expression on one table.

    ``fitted`` are the rows that groups are learnt from. ``lost`` counts values that were there and
    gave no finite number: divided by 0, the log of what is not positive.
    """

    columns: Columns
    fitted: Rows | None = None
    lost: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self.lost = np.zeros(self.columns.rows, dtype=np.bool_)

    def values(self, node: Node) -> Values:
        """A part's values.

        Raises:
            ExpressionError: a function gets values of a kind that it doesn't take.
        """
        if isinstance(node, Constant):
            return self._constant(node)
        if isinstance(node, Column):
            return self.columns[node.name]
        if isinstance(node, Aggregate):
            return Numbers(self._groups(node))
        return self._call(node)

    def _constant(self, node: Constant) -> Values:
        if isinstance(node.value, str):
            return Texts(pd.Series(np.full(self.columns.rows, node.value, dtype=object)))
        return Numbers(np.full(self.columns.rows, node.value))

    def _call(self, node: Call) -> Values:
        spec = ALL[node.function]
        arguments = [
            self._argument(node, spec.kind_at(place), one)
            for place, one in enumerate(node.arguments)
        ]
        try:
            with np.errstate(all="ignore"):
                found = spec.run(*arguments)
        except ExpressionError as error:
            raise ExpressionError(f"{shown(node)} {error}") from None
        if isinstance(found, Values):
            return found
        return Numbers(self._finite(found, arguments))

    def _finite(self, found: Array, arguments: list[Any]) -> Array:
        arrays = [one for one in arguments if isinstance(one, np.ndarray)]
        if arrays:
            there = ~np.logical_or.reduce([np.isnan(one) for one in arrays])
            self.lost |= there & ~np.isfinite(found)
        return finite(found)

    def _argument(self, node: Call, kind: str, argument: Node) -> Any:
        """As the function takes it."""
        if kind in WRITTEN:
            assert isinstance(argument, Constant)
            return _WRITTEN[kind](argument.value)
        values = self.values(argument)
        if kind == "value":
            return values
        found = getattr(values, kind)
        if found is None:
            what = {"number": "numbers", "date": "dates"}[kind]
            is_text = kind == "number" and values.date is None
            advice = "; number(...) makes missing of what is no number" if is_text else ""
            raise ExpressionError(
                f"{shown(node)} takes {what}, and {shown(argument)} is {values.shown}{advice}"
            )
        return found

    def _groups(self, node: Aggregate) -> Array:
        """The statistic of each row's group; of all fitted rows where the group has none."""
        assert self.fitted is not None, "row by row, there are no groups"
        spec, values = AGGREGATES[node.function], self.values(node.value)
        if values.number is None and not spec.any_kind:
            raise ExpressionError(
                f"'{node.function}' of groups takes numbers, and {shown(node.value)} is "
                f"{values.shown}"
            )
        column = pd.Series(values.values if values.number is None else values.number)
        groups = pd.Series(self._group_of_row(node.by))
        known = column.iloc[self.fitted]
        found = known.groupby(groups.iloc[self.fitted]).agg(spec.run)
        empty = getattr(known, spec.run)() if spec.empty is None else spec.empty
        of_row = found.reindex(groups).to_numpy(dtype=np.float64, na_value=np.nan)
        return finite(np.where(np.isnan(of_row), empty, of_row))

    def _group_of_row(self, names: tuple[str, ...]) -> Rows:
        """A number for each combination of the columns' values; missing is a value too."""
        group = np.zeros(self.columns.rows, dtype=np.int64)
        for name in names:
            codes, levels = pd.factorize(pd.Series(self.columns[name].values))
            group = pd.factorize(group * (len(levels) + 1) + codes)[0]
        return group


_WRITTEN: dict[str, Callable[[Any], Any]] = {"text!": str, "integer!": int, "regex!": re.compile}


def shown(node: Node) -> str:
    """A part of an expression in the words of an error."""
    if isinstance(node, Column):
        return f"'{node.name}'"
    if isinstance(node, Constant):
        return f'"{node.value}"' if isinstance(node.value, str) else f"{node.value:g}"
    if isinstance(node, Call) and node.function not in FUNCTIONS:
        return f"'{node.function[0] if node.function == '-x' else node.function}'"
    return f"{node.function}()"
