"""The words of an expression: numbers, quoted text, names, and signs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from podium.io.errors import PodiumError
from podium.io.text import printable

NUMBER, TEXT, NAME, QUOTED, SIGN, WORD, END = (
    "number", "text", "name", "name in back-ticks", "sign", "word", "end"
)  # fmt: skip
WORDS = ("and", "or", "not", "by", "true", "false")
# What other languages write, and what stands for it here.
ELSEWHERE = {
    "=": "'==' compares", "&": "write 'and'", "&&": "write 'and'", "|": "write 'or'",
    "||": "write 'or'", "!": "write 'not'", "~": "write 'not'", "^": "'**' is the power",
    "<>": "write '!='",
    "//": "write floor(a / b)", "[": "use split or extract for a part of a text",
    "?": "write where(condition, a, b)", ":": "write where(condition, a, b)",
    ".": "there are functions only, no methods",
}  # fmt: skip
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<name>\w+(?:\.\w+)*)
    | (?P<quoted>`[^`]+`)
    | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<foreign>//|<>|&&|\|\||=(?!=)|!(?!=)|[&|~^\[?:.])
    | (?P<sign>\*\*|<=|>=|==|!=|[-+*/%<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"""\\([\\"'])""")


class ExpressionError(PodiumError):
    """What is wrong in an expression, without the place of the expression."""


@dataclass(frozen=True)
class Token:
    """A word of an expression: its kind, what it stands for, and the place of its first letter."""

    kind: str
    value: str
    at: int

    @property
    def shown(self) -> str:
        """The word for an error."""
        if self.kind == END:
            return "the end"
        quoted = {TEXT: f'"{self.value}"', QUOTED: f"`{self.value}`"}.get(self.kind, self.value)
        return f"'{printable(quoted[:40])}' (letter {self.at + 1})"


def tokens(text: str) -> Iterator[Token]:
    """The words of an expression, and its end.

    A name begins with a letter, a digit or ``_``; one with other signs stands in back-ticks. In
    quoted text a backslash keeps its meaning for regular expressions: only before a quote or
    another backslash it is left out.

    Raises:
        ExpressionError: something is no word.
    """
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup == "foreign":
            raise _no_token(text, at, found.group() if found else text[at])
        if found.lastgroup != "blank":
            yield _token(str(found.lastgroup), found.group(), at)
        at = found.end()
    yield Token(END, "", at)


def _no_token(text: str, at: int, word: str) -> ExpressionError:
    where = f"'{printable(word)}' (letter {at + 1})"
    if word in "\"'`":
        return ExpressionError(f"the text that {where} opens is never closed; close it")
    advice = ELSEWHERE.get(word, "put a name that has such signs in back-ticks: `a b`")
    return ExpressionError(f"{where} means nothing here; {advice}")


def _token(kind: str, word: str, at: int) -> Token:
    if kind == "name":
        return Token(WORD if word in WORDS else NAME, word, at)
    if kind == "quoted":
        return Token(QUOTED, word[1:-1], at)
    if kind == "text":
        return Token(TEXT, _ESCAPE.sub(r"\1", word[1:-1]), at)
    return Token(kind, word, at)
