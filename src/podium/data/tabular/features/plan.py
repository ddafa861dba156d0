"""Which features there are, in what order they are made, and what is wrong with the names in them.

Those that are made row by row come first, in the order of params.yaml; then those that are learnt.
An expression that uses a learnt column is learnt with it.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from podium.config import TableCompetition
from podium.config.block import Block
from podium.config.features import Expression, FeatureError, OrdinalMap
from podium.config.learnt import LearntFeature
from podium.data.tabular.features.elsewhere import of_column
from podium.data.tabular.features.expressions import Parsed, parse
from podium.data.tabular.features.tokens import ExpressionError
from podium.io.text import nearest, printable


@dataclass(frozen=True)
class Planned:
    """One feature: its key, its block, its expression if it has one, and the columns it makes."""

    name: str
    block: Block
    parsed: Parsed | None
    makes: tuple[str, ...]
    is_learnt: bool

    @property
    def uses(self) -> tuple[str, ...]:
        """The columns that it needs."""
        if isinstance(self.block, LearntFeature):
            return tuple(name for _, name in self.block.named())
        return self.makes if self.parsed is None else self.parsed.columns

    @property
    def formula(self) -> str:
        """What it is, for a person."""
        if isinstance(self.block, OrdinalMap):
            return "ordinal: " + " < ".join(self.block.order)
        return "" if self.parsed is None else self.parsed.text.strip()


def plan(competition: TableCompetition) -> list[Planned]:
    """All features in the order of the file.

    Raises:
        FeatureError: an expression can't be read, or an ordinal map is of a learnt column.
    """
    found: list[Planned] = []
    for name, block in competition.features.made.items():
        try:
            found.append(_planned(name, block, found))
        except ExpressionError as error:
            raise FeatureError(name, str(error)) from None
    return found


def problems(
    competition: TableCompetition, columns: Collection[str] | None
) -> Iterator[tuple[str, str]]:
    """What is wrong with features, each with its key: all that is seen without a row of data.

    ``columns`` are those of the csv with the labels; None: they are not known.
    """
    found: list[Planned] = []
    unread: list[str] = []
    for name, block in competition.features.made.items():
        try:
            found.append(_planned(name, block, found))
        except ExpressionError as error:
            unread.append(name)
            yield name, str(error)
    # A feature that can't be read is no unknown column as well.
    # In the table's order, for hints.
    known = None if columns is None else _without([*columns, *unread], competition.targets)
    for place, one in enumerate(found):
        for column in one.uses:
            if column in competition.targets:
                yield one.name, f"'{column}' is the target, of which no feature is made"
            elif known is not None and not _is_known(column, known, one, found[:place]):
                later = {name for other in found[place + 1 :] for name in other.makes}
                yield one.name, _unknown(column, known, later, one)
        if known is not None:
            known |= dict.fromkeys(one.makes)


def _without(names: list[str], targets: list[str]) -> dict[str, None]:
    return {name: None for name in names if name not in targets}


def check_uses(feature: Planned, columns: Collection[str]) -> None:
    """Check that the columns are there that a feature needs.

    Raises:
        FeatureError: one is not.
    """
    for name in feature.uses:
        if name not in columns:
            message = f"no column '{name}' in train.csv and test.csv; {nearest(name, columns)}"
            raise FeatureError(feature.name, message)


def _planned(name: str, block: Block, before: list[Planned]) -> Planned:
    learnt = [one for one in before if one.is_learnt]
    if isinstance(block, Expression):
        parsed = parse(block.expression)
        is_learnt = parsed.is_learnt or any(_is_part(column, learnt) for column in parsed.columns)
        return Planned(name, block, parsed, (name,), is_learnt)
    if isinstance(block, OrdinalMap):
        if any(_is_part(column, learnt) for column in block.columns):
            raise ExpressionError("an ordinal map is of raw columns, not of learnt ones")
        return Planned(name, block, None, tuple(block.columns), is_learnt=False)
    return Planned(name, block, None, (name,), is_learnt=True)


def _is_part(column: str, features: list[Planned]) -> bool:
    """Whether a column is one of a learnt feature's, which may make several: ``name 0``."""
    return any(
        column == one.name or column.startswith(f"{one.name} ") for one in features if one.is_learnt
    )


def _is_known(
    column: str, known: Collection[str], feature: Planned, features: list[Planned]
) -> bool:
    """Learnt features may use parts of dates too: ``day year``."""
    is_date = feature.parsed is None and any(column.startswith(f"{name} ") for name in known)
    return column in known or is_date or _is_part(column, features)


def _unknown(column: str, known: Collection[str], later: Collection[str], feature: Planned) -> str:
    if column in later:
        return f"'{column}' is made further down; move it up"
    longer = [one for one in known if one.startswith(column) and not _is_word(one)]
    names = longer if longer else known
    near = nearest(column, [one if _is_word(one) else f"`{one}`" for one in names])
    hint = of_column(column) or near
    if isinstance(feature.block, OrdinalMap) and column == feature.name:
        hint = f"an order has its column's name, or {{columns: [...], order: [...]}}; {hint}"
    elif hint.startswith("valid") and feature.parsed is not None:
        hint = f'a text stands in quotes: "{printable(column)}"; {hint}'
    return f"no column '{printable(column)}' in train.csv; {hint}"


def _is_word(name: str) -> bool:
    return re.fullmatch(r"\w+(\.\w+)*", name) is not None
