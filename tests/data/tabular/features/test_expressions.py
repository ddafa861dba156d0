"""Expressions are read as written, by precedence; whatever is no expression is one line."""

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from podium.config.features import MAX_LETTERS
from podium.data.tabular.features import elsewhere
from podium.data.tabular.features.expressions import (
    MAX_DEPTH,
    Aggregate,
    Call,
    Column,
    Constant,
    parse,
)
from podium.data.tabular.features.functions import AGGREGATES, FUNCTIONS, OPERATORS
from podium.data.tabular.features.tokens import ExpressionError
from projects import ROOT


def shape(node):
    """A tree as nested parentheses."""
    if isinstance(node, Constant):
        return repr(node.value)
    if isinstance(node, Column):
        return node.name
    if isinstance(node, Aggregate):
        return f"({node.function} {shape(node.value)} by {' '.join(node.by)})"
    return f"({node.function} {' '.join(map(shape, node.arguments))})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a + b * c", "(+ a (* b c))"),
        ("(a + b) * c", "(* (+ a b) c)"),
        ("a - b - c", "(- (- a b) c)"),
        ("a ** b ** c", "(** a (** b c))"),
        ("-a ** 2", "(-x (** a 2.0))"),
        ("2 ** -1", "(** 2.0 -1.0)"),
        ("-a * b", "(* (-x a) b)"),
        ("a + b > c % 2", "(> (+ a b) (% c 2.0))"),
        ("not a == b and c or d", "(or (and (not (== a b)) c) d)"),
        ("1stFlrSF + 2ndFlrSF", "(+ 1stFlrSF 2ndFlrSF)"),
        ("`a b` + feat.1", "(+ a b feat.1)"),
        ("1e3 + .5 + 3.", "(+ (+ 1000.0 0.5) 3.0)"),
        ("true != false", "(!= 1.0 0.0)"),
        (r'extract(a, "(\.\\d)\"")', r"""(extract a '(\\.\\d)"')"""),
        ("a / mean(a) by b, c + 1", "(+ (/ a (mean a by b c)) 1.0)"),
        ("max(mean(a) by b, c)", "(max (mean a by b) c)"),
        ("max((mean(a) by b, c), d)", "(max (mean a by b c) d)"),
        ("mean(a - (min(a) by b)) by c", "(mean (- a (min a by b)) by c)"),
    ],
)
def test_precedence(text, tree):
    assert shape(parse(text).root) == tree


def test_what_an_expression_uses_is_known():
    found = parse("`a b` * a / (mean(x) by k, `l`)")
    assert found.columns == ("a b", "a", "k", "l", "x")
    assert found.is_learnt
    assert not parse("a + b").is_learnt


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a value, found the end"),
        ("a +", "expected a value, found the end"),
        ("(a", "expected ')', found the end"),
        ("a b", "expected an operator or the end, found 'b' (letter 3)"),
        ("a = 1", "'=' (letter 3) means nothing here; '==' compares"),
        ("a && b", "write 'and'"),
        ("a // b", "write floor(a / b)"),
        ("a.b(1)", "no function 'a.b'"),
        ("a[0]", "use split"),
        ("a; b", "put a name that has such signs in back-ticks"),
        ('split(a, "/', "is never closed"),
        ("1 < a < 2", "compare two values at a time"),
        ("lenght(a)", "no function 'lenght'; did you mean 'length'?"),
        ("mena(a) by b", "'mena' is no statistic of groups; did you mean 'mean'?"),
        ("mean(a)", "'mean(...) by <column>'"),
        ("median(a, b)", "'median' needs 'median(...) by <column>'"),
        ("mean(a, b) by c", "takes one value, found 2"),
        ("mean(a) by 3", "expected a column after 'by'"),
        ("split(a)", "split(text, text, integer) takes 3 values, found 1"),
        ("where(a)", "takes 2 to 3 values, found 1"),
        ("split(a, b, 0)", 'value 2 of split() is to be a text in quotes: "..."'),
        ('split(a, "/", 0.5)', "a whole number that is written out"),
        ('extract(a, "(")', "a regular expression, and is none: missing )"),
        ('extract(a, "b")', "with ( ) around the piece"),
        ("__import__('os')", "no function '__import__'"),
        ("(" * 200 + "a" + ")" * 200, f"nested more than {MAX_DEPTH} deep"),
        ("+".join("a" * 200), f"nested more than {MAX_DEPTH} deep"),
    ],
)
def test_what_is_no_expression(text, says):
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("if(a > 3, 1, 0)", "no function 'if'; write where(condition, a, b)"),
        ("1 if a > 3 else 0", "found 'if' (letter 3); write where(condition, a, b)"),
        ("a in b", "write isin("),
        ("max(a in b, 1)", "write isin("),
        ("a not in b", "it stands first: not isin("),
        ("groupby(a, b)", "write mean(x) by <column>"),
        ("quantile_0.9(a) by b", "there are no quantiles; write median(x) by <column>"),
        ("quantile(a, 0.9)", "there are no quantiles"),
        ("a.str.len()", "write length(text)"),
        ("a.str.split('/')", "there are functions only, no methods: write split(a, ...)"),
        ("a.mean()", "write mean(a) by <column>"),
        ("np.log(a)", "write log(...)"),
        ("a AND b", "write 'and'"),
        ("a is b", "write isna(a), or a == b"),
        ("a <> b", "write '!='"),
        ("mean(a) by (b, c)", "write 'by A, B'"),
        ("a / c by b", "it follows a statistic"),
        ("max(a", "expected ',' or ')', found the end"),
        ("No of rooms + 1", "a name with blanks stands in back-ticks"),
    ],
)
def test_what_other_languages_write_is_answered(text, says):
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "advice", sorted({*elsewhere._FUNCTIONS.values(), *elsewhere._WORDS.values()})
)
def test_what_is_advised_is_an_expression(advice):
    written = advice.rpartition("write ")[2] if "write " in advice else "1"
    assert parse(written.split("; ")[0].split(", or ")[0].replace("<column>", "c"))


WORDS = [*FUNCTIONS, *AGGREGATES, *OPERATORS, *"()`,\"'\\", "by", "a", "1", "1e9", " ", "\n"]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS)).map("".join)))
@example("(" * MAX_LETTERS)
@example("-" * MAX_LETTERS)
@example("not " * (MAX_LETTERS // 4))
@example("a**" * (MAX_LETTERS // 3))
@example("1" * MAX_LETTERS)
def test_any_text_is_an_expression_or_one_line(text):
    with suppress(ExpressionError):
        found = parse(text)
        assert isinstance(found.root, Constant | Column | Call | Aggregate)
        assert found.root.depth <= MAX_DEPTH


def test_every_function_is_documented():
    text = (ROOT / "docs/features.md").read_text()
    missing = [name for name in {*FUNCTIONS, *AGGREGATES} if f"`{name}" not in text]
    assert not missing
    assert all(spec.doc for spec in {**FUNCTIONS, **OPERATORS, **AGGREGATES}.values())
