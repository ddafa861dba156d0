"""Expressions of ``features:``: a small language of columns, read into a tree, never run as code.

Precedence, from the loosest: ``or``, ``and``, ``not``, comparisons, ``+ -``, ``* / %``, ``-x``,
``**``; ``mean(x) by a`` binds tighter than all. The parser is Pratt's (Top down operator
precedence, 1973). What a tree is worth is ``evaluate.py``'s business.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from podium.data.tabular.features.elsewhere import of_function, of_word
from podium.data.tabular.features.functions import AGGREGATES, ALL, FUNCTIONS, MINUS
from podium.data.tabular.features.tokens import (
    END,
    NAME,
    NUMBER,
    QUOTED,
    SIGN,
    TEXT,
    WORD,
    ExpressionError,
    Token,
    tokens,
)
from podium.io.text import nearest

# Trees are walked by recursion.
MAX_DEPTH = 100
TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Constant:
    """A number or a text that is written out."""

    value: float | str
    depth: int = 1


@dataclass(frozen=True)
class Column:
    """A column's values."""

    name: str
    depth: int = 1


@dataclass(frozen=True)
class Call:
    """A function of values, row by row; operators are functions too."""

    function: str
    arguments: "tuple[Node, ...]"
    depth: int


@dataclass(frozen=True)
class Aggregate:
    """A statistic of a value in the groups of rows that are equal in the columns ``by``."""

    function: str
    value: "Node"
    by: tuple[str, ...]
    depth: int


Node: TypeAlias = Constant | Column | Call | Aggregate


@dataclass(frozen=True)
class Parsed:
    """An expression: its text, its tree, the columns that it names in their order.

    ``is_learnt``: it has a statistic of groups, which is learnt from rows.
    """

    text: str
    root: Node
    columns: tuple[str, ...]
    is_learnt: bool


def parse(text: str) -> Parsed:
    """Read an expression.

    Raises:
        ExpressionError: it can't be read; or it has an unknown function, or one with too few or too
            many arguments, or is nested too deep.
    """
    root = _Parser(list(tokens(text))).whole()
    nodes = list(walk(root))
    names = [name for node in nodes for name in _names(node)]
    is_learnt = any(isinstance(node, Aggregate) for node in nodes)
    return Parsed(text, root, tuple(dict.fromkeys(names)), is_learnt)


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    below = node.arguments if isinstance(node, Call) else ()
    for child in (node.value,) if isinstance(node, Aggregate) else below:
        yield from walk(child)


def _names(node: Node) -> Sequence[str]:
    if isinstance(node, Aggregate):
        return node.by
    return [node.name] if isinstance(node, Column) else []


# How tightly an operator binds what is left of it.
_INFIX = {
    "or": 1, "and": 2, "==": 4, "!=": 4, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "/": 6, "%": 6, "**": 8,
}  # fmt: skip
_NOT, _COMPARE, _MINUS, _POWER = 3, 4, 7, 8


class _Parser:
    """Reads tokens from the left, one ahead."""

    def __init__(self, words: list[Token]) -> None:
        self.words = words
        self.place = 0
        self.open = 0

    @property
    def ahead(self) -> Token:
        return self.words[self.place]

    def whole(self) -> Node:
        """All tokens as one expression."""
        node = self.expression(0)
        if self.ahead.kind != END:
            what = f"expected an operator or the end, found {self.ahead.shown}"
            raise ExpressionError(f"{what}{self._advice()}")
        return node

    def _advice(self) -> str:
        """What to write where the next word continues nothing."""
        if self.ahead.kind not in (NAME, WORD):
            return ""
        before = self.words[self.place - 1].kind
        advice = of_word(self.ahead.value, before == self.ahead.kind == NAME)
        return f"; {advice}" if advice else ""

    def expression(self, least: int, in_call: bool = False) -> Node:
        """The longest expression whose operators bind tighter than ``least``."""
        self.open += 1
        self._check_depth(self.open)
        left = self._prefix(in_call)
        while (binds := self._binds()) > least:
            sign = self._next().value
            right = self.expression(binds - 1 if binds == _POWER else binds, in_call)
            left = self._call(sign, (left, right))
            if binds == _COMPARE and self._binds() == _COMPARE:
                raise ExpressionError(
                    f"compare two values at a time before {self.ahead.shown}: a < b and b < c"
                )
        self.open -= 1
        return left

    def _binds(self) -> int:
        token = self.ahead
        return _INFIX.get(token.value, 0) if token.kind in (SIGN, WORD) else 0

    def _prefix(self, in_call: bool) -> Node:
        """A value, or what stands before one."""
        token = self._next()
        if token.kind in (NUMBER, TEXT):
            return Constant(float(token.value) if token.kind == NUMBER else token.value)
        if token.kind == NAME and self._is("("):
            return self._function(token, in_call)
        if token.kind in (NAME, QUOTED):
            return Column(token.value)
        if token.kind == WORD and token.value in TRUTH:
            return Constant(TRUTH[token.value])
        if token.kind in (SIGN, WORD) and token.value in ("not", "+", "-"):
            return self._signed(token.value, in_call)
        if token.kind == SIGN and token.value == "(":
            inside = self.expression(0)
            self._expect(")")
            return inside
        raise ExpressionError(f"expected a value, found {token.shown}")

    def _signed(self, sign: str, in_call: bool) -> Node:
        if sign == "not":
            return self._call("not", (self.expression(_NOT - 1, in_call),))
        inside = self.expression(_MINUS - 1, in_call)
        return inside if sign == "+" else self._negative(inside)

    def _negative(self, node: Node) -> Node:
        if isinstance(node, Constant) and isinstance(node.value, float):
            return Constant(-node.value)
        return self._call(MINUS, (node,))

    def _function(self, name: Token, in_call: bool) -> Node:
        arguments = self._arguments()
        if self._is("by", WORD):
            return self._aggregate(name, arguments, in_call)
        if name.value not in FUNCTIONS:
            if name.value in AGGREGATES:
                raise _needs_groups(name.value)
            known = sorted({*AGGREGATES, *FUNCTIONS})
            hint = of_function(name.value) or nearest(name.value, known)
            raise ExpressionError(f"no function '{name.value}'; {hint}")
        if len(arguments) == 1 and name.value in AGGREGATES:
            raise _needs_groups(name.value)
        return self._call(name.value, tuple(arguments))

    def _arguments(self) -> list[Node]:
        self._expect("(")
        found: list[Node] = []
        while not self._is(")"):
            if found and not self._is(","):
                what = f"expected ',' or ')', found {self.ahead.shown}"
                raise ExpressionError(f"{what}{self._advice()}")
            if found:
                self._next()
            found.append(self.expression(0, in_call=True))
        self._expect(")")
        return found

    def _aggregate(self, name: Token, arguments: Sequence[Node], in_call: bool) -> Node:
        self._expect("by", WORD)
        by = [self._column()]
        # Among a function's arguments a comma ends the list of columns.
        while not in_call and self._is(","):
            self._next()
            by.append(self._column())
        if name.value not in AGGREGATES:
            choices = of_function(name.value) or nearest(name.value, AGGREGATES)
            raise ExpressionError(f"'{name.value}' is no statistic of groups; {choices}")
        if len(arguments) != 1:
            raise ExpressionError(
                f"{name.value}(...) by ... takes one value, found {len(arguments)}"
            )
        depth = arguments[0].depth + 1
        self._check_depth(depth)
        return Aggregate(name.value, arguments[0], tuple(by), depth)

    def _column(self) -> str:
        token = self._next()
        if token.kind not in (NAME, QUOTED):
            advice = "; write 'by A, B'" if token.value == "(" else ""
            raise ExpressionError(f"expected a column after 'by', found {token.shown}{advice}")
        return token.value

    def _call(self, function: str, arguments: tuple[Node, ...]) -> Node:
        spec = ALL[function]
        constants = [one.value if isinstance(one, Constant) else None for one in arguments]
        problem = spec.wrong_count(function, len(arguments))
        problem = problem or spec.wrong_constant(function, constants)
        if problem:
            raise ExpressionError(problem)
        depth = 1 + max((one.depth for one in arguments), default=0)
        self._check_depth(depth)
        return Call(function, arguments, depth)

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ExpressionError(
                f"is nested more than {MAX_DEPTH} deep; add by sum(a, b, ...), or write it as "
                "several features"
            )

    def _next(self) -> Token:
        token = self.ahead
        self.place += token.kind != END
        return token

    def _is(self, value: str, kind: str = SIGN) -> bool:
        return self.ahead.kind == kind and self.ahead.value == value

    def _expect(self, value: str, kind: str = SIGN) -> None:
        if not self._is(value, kind):
            raise ExpressionError(f"expected '{value}', found {self.ahead.shown}")
        self._next()


def _needs_groups(name: str) -> ExpressionError:
    several = f"{name}(a, b) of several values, or " if name in FUNCTIONS else ""
    return ExpressionError(f"'{name}' needs {several}'{name}(...) by <column>'")
