"""``features:`` as typed blocks, in the order of the file."""

import pytest

from podium.config import load_config
from podium.config.features import Expression, OrdinalMap
from podium.config.load import ConfigError
from projects import HOUSES

BLOCK = """
  features:
    A: X + 1
    B: &order [Po, 1, true]
    C: *order
    many: {columns: [D, E], order: *order}
    auto: true
"""


@pytest.fixture
def read(project):
    def change(block):
        path = project.root / "params.yaml"
        text = path.read_text()
        assert text.count("\n  metric: rmsle\n") == 1
        path.write_text(text.replace("\n  metric: rmsle\n", f"\n  metric: rmsle{block}"))
        return load_config()[HOUSES].features

    return change


def test_all_forms(read):
    found = read(BLOCK)
    order = ["Po", "1", "True"]
    assert found.auto is True
    assert list(found.made.items()) == [
        ("A", Expression(expression="X + 1")),
        ("B", OrdinalMap(columns=["B"], order=order)),
        ("C", OrdinalMap(columns=["C"], order=order)),
        ("many", OrdinalMap(columns=["D", "E"], order=order)),
    ]
    dumped = found.model_dump(mode="json")["made"]
    assert dumped["many"] == {"columns": ["D", "E"], "order": order}


@pytest.mark.parametrize("block", ["\n  features:\n", "\n  features: {}\n", "\n"])
def test_none(read, block):
    assert not read(block).made


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("features: 3", "features: expected columns and what they are made of, found 3"),
        ("features: {auto: 3}", "features.auto: expected true or false, found 3"),
        ("features: {A: }", "features.A: expected an expression"),
        ("features: {A: {}}", "found an empty block"),
        ("features: {A: {ordr: [a, b]}}", "features.A: no feature 'ordr'; did you mean 'order'?"),
        ("features: {A: [a, a]}", "different names; 'a' is listed twice"),
        ("features: {A: [a]}", "at least two levels"),
        ("features: {A: [a, [b]]}", "features.A: expected text"),
        ("features: {A: {columns: [], order: [a, b]}}", "A.columns: expected at least one"),
        ("features: {A: {column: [B], order: [a, b]}}", "did you mean 'columns'?"),
        ("features: {A: '" + "1 + " * 900 + "1'}", "at most 2000 letters"),
        ("features: {SalePrice: A + 1}", "'SalePrice' is the target; use another name"),
        ("features: {Id: A + 1}", "'Id' is the id"),
        ("features: {A: [a, b], x: {columns: [A], order: [c, d]}}", "'A' has an order already"),
    ],
)  # fmt: skip
def test_mistakes(read, line, says):
    with pytest.raises(ConfigError) as error:
        read(f"\n  {line}\n")
    assert any(says in text for text in error.value.lines), error.value.lines
