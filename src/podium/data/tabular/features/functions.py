"""The functions of expressions: one row each, with what it takes and what it is for.

A missing value among a function's values makes its result missing, where nothing else is said.
A result that is no finite number (divided by 0, the log of 0) is missing too.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from podium.data.tabular.dates import parts_of
from podium.data.tabular.features import choices, numbers, texts
from podium.data.tabular.features.values import Array

# What an argument may be; with "!" it must be written out, so that it is the same in every row.
KINDS = ("number", "text", "date", "value", "text!", "integer!", "regex!")
# The sign before a value; the one between two is "-".
MINUS = "-x"


@dataclass(frozen=True)
class Function:
    """A row of the table.

    ``takes`` has the kinds of arguments; ``optional`` of them may be left away at the end, and the
    last may be repeated where it ends with "...". ``run`` gets arrays for numbers, Series for texts
    and dates, ``Values`` for values of any kind, and plain values for what is written out; it
    returns an array of numbers (what is not finite becomes missing) or ``Values``.
    """

    run: Callable[..., Any]
    takes: tuple[str, ...]
    doc: str
    optional: int = 0

    def kind_at(self, place: int) -> str:
        """The kind of an argument."""
        return self.takes[min(place, len(self.takes) - 1)].removesuffix("...")

    def wrong_count(self, name: str, count: int) -> str:
        """What is wrong with the number of arguments, or nothing."""
        least, most = len(self.takes) - self.optional, len(self.takes)
        endless = self.takes[-1].endswith("...")
        if least <= count and (endless or count <= most):
            return ""
        wanted = f"at least {least}" if endless else str(least)
        wanted += f" to {most}" if self.optional and not endless else ""
        takes = ", ".join(one.removesuffix("!").replace("!...", "...") for one in self.takes)
        return f"{name}({takes}) takes {wanted} value{'s' * (most > 1)}, found {count}"

    def wrong_constant(self, name: str, constants: Sequence[float | str | None]) -> str:
        """What is wrong with arguments that must be written out, or nothing; None is a formula."""
        for place, value in enumerate(constants):
            kind = self.kind_at(place)
            if kind in WRITTEN and (problem := WRITTEN[kind](value)):
                return f"value {place + 1} of {name}() is to be {problem}"
        return ""


def _text_problem(value: float | str | None) -> str:
    return "" if isinstance(value, str) else 'a text in quotes: "..."'


def _integer_problem(value: float | str | None) -> str:
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e6
    return "" if whole else "a whole number that is written out"


def _regex_problem(value: float | str | None) -> str:
    if not isinstance(value, str):
        return 'a regular expression in quotes: "..."'
    try:
        groups = re.compile(value).groups
    except (re.error, OverflowError, RecursionError) as error:
        return f"a regular expression, and is none: {error}"
    return "" if groups else "a regular expression with ( ) around the piece that is wanted"


WRITTEN: dict[str, Callable[[float | str | None], str]] = {
    "text!": _text_problem,
    "integer!": _integer_problem,
    "regex!": _regex_problem,
}


def _part(name: str) -> Callable[["pd.Series[Any]"], Array]:
    return lambda dates: parts_of(dates)[name].to_numpy()


def _round(values: Array, digits: int = 0) -> Array:
    return np.asarray(np.round(values, digits))


_TWO, _ANY = ("number", "number"), ("value", "value")
_SEVERAL = ("number", "number...")
OPERATORS: dict[str, Function] = {
    "+": Function(np.add, _TWO, "sum"),
    "-": Function(numbers.subtract, _ANY, "difference; of two dates: days"),
    "*": Function(np.multiply, _TWO, "product"),
    "/": Function(np.divide, _TWO, "quotient"),
    "%": Function(np.mod, _TWO, "remainder, with the sign of the divisor"),
    "**": Function(np.float_power, _TWO, "power"),
    MINUS: Function(np.negative, ("number",), "the number with the other sign"),
    "==": Function(choices.equal, _ANY, "1 where they are equal, else 0"),
    "!=": Function(choices.different, _ANY, "1 where they are not equal, else 0"),
    "<": Function(choices.ordered(np.less), _ANY, "of numbers or dates"),
    "<=": Function(choices.ordered(np.less_equal), _ANY, "of numbers or dates"),
    ">": Function(choices.ordered(np.greater), _ANY, "of numbers or dates"),
    ">=": Function(choices.ordered(np.greater_equal), _ANY, "of numbers or dates"),
    "and": Function(numbers.both, _TWO, "0 where one is 0, though the other is missing"),
    "or": Function(numbers.one_of, _TWO, "1 where one isn't 0, though the other is missing"),
    "not": Function(numbers.opposite, ("number",), "1 for 0, else 0"),
}
FUNCTIONS: dict[str, Function] = {
    "log": Function(np.log, ("number",), "natural logarithm"),
    "log1p": Function(np.log1p, ("number",), "log(1 + x)"),
    "exp": Function(np.exp, ("number",), "e to the power of x"),
    "sqrt": Function(np.sqrt, ("number",), "square root"),
    "abs": Function(np.abs, ("number",), "without its sign"),
    "floor": Function(np.floor, ("number",), "the next whole number below"),
    "ceil": Function(np.ceil, ("number",), "the next whole number above"),
    "round": Function(_round, ("number", "integer!"), "to so many digits (0)", optional=1),
    "min": Function(numbers.least, _SEVERAL, "the least that is not missing"),
    "max": Function(numbers.largest, _SEVERAL, "the largest that is not missing"),
    "sum": Function(numbers.total, _SEVERAL, "the sum of those that are not missing"),
    "mean": Function(numbers.average, _SEVERAL, "the mean of those that are not missing"),
    "where": Function(
        choices.where,
        ("number", "value", "value"),
        "the second value where the first is not 0, else the third; without it missing",
        optional=1,
    ),
    "isna": Function(choices.isna, ("value",), "1 where it is missing, else 0"),
    "fillna": Function(choices.fillna, ("value", "value..."), "the first that is not missing"),
    "isin": Function(choices.isin, ("value", "value..."), "1 where it equals one of the others"),
    "split": Function(
        texts.split,
        ("text", "text!", "integer!"),
        "a piece between separators: 0 the first, -1 the last; missing where it is none or empty",
    ),
    "extract": Function(
        texts.extract,
        ("text", "regex!"),
        "what the first ( ) of a regular expression finds; missing where it finds nothing",
    ),
    "length": Function(texts.length, ("text",), "letters"),
    "lower": Function(texts.lower, ("text",), "in small letters"),
    "upper": Function(texts.upper, ("text",), "in capital letters"),
    "strip": Function(texts.strip, ("text",), "without blanks around it"),
    "contains": Function(texts.contains, ("text", "text!"), "1 where it has this piece, else 0"),
    "replace": Function(
        texts.replace, ("text", "text!", "text!"), "the third in place of the second"
    ),
    "concat": Function(texts.concat, ("text", "text..."), "texts in a row"),
    "number": Function(texts.number, ("value",), "as a number; missing where it is none"),
    "year": Function(_part("year"), ("date",), "the year"),
    "month": Function(_part("month"), ("date",), "1 to 12"),
    "day": Function(_part("day"), ("date",), "1 to 31"),
    "weekday": Function(_part("weekday"), ("date",), "0 (Monday) to 6"),
    "hour": Function(_part("hour"), ("date",), "0 to 24, minutes as a part of an hour"),
    "days": Function(
        numbers.days,
        ("date", "date"),
        "from the first to the second; of one date: since 1970",
        optional=1,
    ),
}
ALL = FUNCTIONS | OPERATORS


@dataclass(frozen=True)
class Statistic:
    """A row of the table of groups' statistics: pandas' name for it, and what groups without have.

    ``empty`` is the value of a group that the fitted rows don't have; None: that of all fitted
    rows. ``any_kind``: it takes texts too.
    """

    run: str
    doc: str
    empty: float | None = None
    any_kind: bool = False


AGGREGATES: dict[str, Statistic] = {
    "mean": Statistic("mean", "mean"),
    "median": Statistic("median", "median"),
    "min": Statistic("min", "least"),
    "max": Statistic("max", "largest"),
    "std": Statistic("std", "standard deviation, of at least two rows"),
    "count": Statistic("count", "rows in which it is not missing", 0.0, any_kind=True),
    "nunique": Statistic("nunique", "different values", 0.0, any_kind=True),
}
