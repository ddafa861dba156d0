"""``features:`` of a competition of tables: columns that are made of other columns.

Each key is the name of a new column, or of a column that is replaced. Its value is an expression
(text), the levels of an ordinal column from worst to best (a list, or a block with ``columns`` and
``order``), or the block of a learnt feature (``learnt.py``). ``auto`` is no column: it switches the
automatic features.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny

from podium.config.block import Block, Name, as_text
from podium.config.learnt import LEARNT, LearntFeature, learnt_kind
from podium.io.errors import KeyedError
from podium.io.text import nearest, printable, shown

AUTO_KEY = "auto"
# No person writes more, and nothing that reads them takes long.
MAX_FEATURES = 500
MAX_LETTERS = 2_000


def _columns(names: list[str]) -> list[str]:
    if not names:
        raise ValueError("at least one column")
    return _different(names)


def _levels(names: list[str]) -> list[str]:
    if len(names) < 2:
        raise ValueError("at least two levels, from worst to best")
    return _different(names)


def _different(names: list[str]) -> list[str]:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"different names; '{printable(twice[0])}' is listed twice")
    return names


Level = Annotated[str, BeforeValidator(as_text)]
Columns = Annotated[list[Name], AfterValidator(_columns)]
Levels = Annotated[list[Level], AfterValidator(_levels)]


class Expression(Block):
    """A formula of columns; what it may hold is ``data/tabular/features``' business."""

    expression: Annotated[str, Field(max_length=MAX_LETTERS)]

    @property
    def may_learn(self) -> bool:
        """Whether it has the word that makes groups, be it in a quoted text."""
        return re.search(r"\bby\b", self.expression) is not None


class OrdinalMap(Block):
    """Columns whose levels become 0, 1, 2 ... in this order, worst first."""

    columns: Columns
    order: Levels


class Features(Block):
    """All features of a competition, in the order of the file."""

    # What makes the columns of learnt features, describes them, and chooses automatic ones.
    maker: ClassVar[str] = "podium.data.tabular.learnt.make:make_learnt"
    teller: ClassVar[str] = "podium.data.tabular.learnt.about:about_learnt"
    chooser: ClassVar[str] = "podium.data.tabular.learnt.auto:chosen_features"

    auto: bool = False
    made: Mapping[Name, SerializeAsAny[Block]] = {}

    def learnt(self) -> dict[str, LearntFeature]:
        """Those that are learnt on training rows."""
        return {name: one for name, one in self.made.items() if isinstance(one, LearntFeature)}

    @property
    def learns(self) -> bool:
        """Whether any feature is learnt on training rows: not only, where it might be one."""
        formulas = [one for one in self.made.values() if isinstance(one, Expression)]
        return self.auto or bool(self.learnt()) or any(one.may_learn for one in formulas)


class FeatureError(KeyedError):
    """Something is wrong with one feature: its key in ``features``, and what to do."""

    def __init__(self, feature: str, message: str) -> None:
        super().__init__(("features", feature), message)


def typed_feature(name: str, value: Any) -> tuple[type[Block], Any]:
    """The class of a feature's value in params.yaml, and its keys written out.

    Raises:
        ValueError: it is nothing that a feature can be; says what was expected.
    """
    if isinstance(value, str):
        return Expression, {"expression": value}
    if isinstance(value, list):
        return OrdinalMap, {"columns": [name], "order": value}
    if not isinstance(value, dict) or not value:
        raise ValueError(
            "expected an expression, a list of levels from worst to best, or a block, found "
            + (shown(value) if value != {} else "an empty block")
        )
    learnt = learnt_kind(value)
    if learnt is not None:
        return learnt, value
    if "order" not in value and "columns" not in value:
        first = str(next(iter(value)))
        raise ValueError(f"no feature '{printable(first)}'; {nearest(first, [*LEARNT, 'order'])}")
    return OrdinalMap, value


def columns_of(features: Features) -> Iterator[tuple[str, list[str]]]:
    """Each feature's key, and the columns that it makes as far as params.yaml says them."""
    for name, feature in features.made.items():
        yield name, feature.columns if isinstance(feature, OrdinalMap) else [name]
