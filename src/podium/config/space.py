"""The search space: from ``search:`` to Optuna's distributions, and from a point to knobs.

Every knob is drawn in every trial, also one whose condition doesn't hold: samplers then see one
space, and only what is used is applied. A list of layers is a number of layers and a width for
each. The model's current values are always in the space: a range that lacks them is widened.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any

from podium.config import ModelParams
from podium.config.auto import AUTO
from podium.config.block import Block
from podium.config.search import Dimension, is_list_of_numbers, is_whole
from podium.io.errors import PodiumError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Number = int | float
# Samplers' values by name: numbers, and choices as JSON.
Point = Mapping[str, Any]
# A grid of more points is no grid that anybody waits for.
MOST_POINTS = 2000
# Longer lists are shown by their ends.
MOST_SHOWN = 6
# Digits of a drawn number: what lies beyond makes params.yaml unreadable, and no difference.
DIGITS = 4


@dataclass(frozen=True)
class Axis:
    """One number or choice that samplers draw."""

    name: str
    low: Number = 0
    high: Number = 0
    log: bool = False
    step: Number | None = None
    whole: bool = False
    points: int = 3
    choices: tuple[str, ...] = ()

    def distribution(self) -> "BaseDistribution":
        """As Optuna has it."""
        from optuna.distributions import (
            CategoricalDistribution,
            FloatDistribution,
            IntDistribution,
        )

        if self.choices:
            return CategoricalDistribution(self.choices)
        if self.whole:
            step = 1 if self.step is None else int(self.step)
            return IntDistribution(int(self.low), int(self.high), log=self.log, step=step)
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def including(self, value: Any) -> "Axis":
        """The same, wide enough for a value."""
        if self.choices:
            more = () if value in self.choices else (value,)
            return replace(self, choices=(*self.choices, *more))
        low, high = min(self.low, value), max(self.high, value)
        if self.log and low <= 0:
            return self
        if self.step is not None and (low, high) != (self.low, self.high):
            low = self.low - self.step * math.ceil((self.low - low) / self.step)
            high = self.high + self.step * math.ceil((high - self.high) / self.step)
        return replace(self, low=low, high=high)

    def nearest(self, value: Any) -> Any:
        """The value that a sampler could have drawn in place of this one."""
        if self.choices:
            return value if value in self.choices else self.choices[0]
        value = min(max(value, self.low), self.high)
        if self.step is not None:
            value = self.low + round((value - self.low) / self.step) * self.step
        return round(value) if self.whole else float(value)

    def draw(self, random: Random) -> Any:
        """A value at random, each as likely as the others; of a log scale, of the logarithm."""
        if self.choices:
            return random.choice(self.choices)
        share = random.random()
        if self.log:
            return self.nearest(self.low * (self.high / self.low) ** share)
        return self.nearest(self.low + (self.high - self.low) * share)

    def grid(self) -> list[Any]:
        """Its values on a grid: all choices, or ``points`` of a range, evenly spaced."""
        if self.choices:
            return list(self.choices)
        share = [at / (self.points - 1) for at in range(self.points)]
        if self.log:
            ratio = self.high / self.low
            values = [self.low * ratio**at for at in share]
        else:
            values = [self.low + (self.high - self.low) * at for at in share]
        return list(dict.fromkeys(self.nearest(value) for value in values))


@dataclass(frozen=True)
class Knob:
    """One knob of the model, and the axes that make its value.

    ``kind`` is ``number``, ``numbers`` (a list of one), ``choice`` or ``layers``. ``when``: values
    of other knobs, as JSON, with which it is used.
    """

    name: str
    kind: str
    axes: tuple[Axis, ...]
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self, point: Point) -> Any:
        """What the knob is at a point."""
        if self.kind == "layers":
            count, *widths = (point[axis.name] for axis in self.axes)
            return widths[:count]
        drawn = point[self.axes[0].name]
        if self.kind == "choice":
            return json.loads(drawn)
        drawn = drawn if self.axes[0].whole else rounded(drawn)
        return [drawn] if self.kind == "numbers" else drawn

    def place(self, value: Any) -> dict[str, Any]:
        """The point of a value: the opposite of ``value``; the middle where there is none."""
        if self.kind == "choice":
            return {self.axes[0].name: json.dumps(value)}
        if self.kind == "layers":
            widths = value if isinstance(value, list) else []
            count, *rest = self.axes
            own = [*widths, *(axis.low for axis in rest[len(widths) :])]
            places = zip(rest, own, strict=False)
            return {count.name: len(widths)} | {axis.name: width for axis, width in places}
        if isinstance(value, list):
            # A rate for each layer, or several alphas.
            value = value[len(value) // 2] if value else None
        axis = self.axes[0]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return {axis.name: value if is_number else axis.grid()[len(axis.grid()) // 2]}

    def including(self, value: Any) -> "Knob":
        """The same, wide enough for a value."""
        if self.kind == "layers" and isinstance(value, list):
            count, first, *rest = self.axes
            missing = range(len(rest) + 2, len(value) + 1)
            rest += [replace(first, name=f"{self.name}.{at}") for at in missing]
            self = replace(self, axes=(count, first, *rest))  # noqa: PLW0642
        place = self.place(value)
        return replace(self, axes=tuple(axis.including(place[axis.name]) for axis in self.axes))


@dataclass(frozen=True)
class Space:
    """All knobs of a search."""

    knobs: tuple[Knob, ...]

    @property
    def axes(self) -> list[Axis]:
        """What samplers draw."""
        return [axis for knob in self.knobs for axis in knob.axes]

    def drawn(self, random: Random) -> dict[str, Any]:
        """The knobs at a point that is drawn at random."""
        return self.values({axis.name: axis.draw(random) for axis in self.axes})

    def distributions(self) -> "dict[str, BaseDistribution]":
        """By name, as Optuna has them."""
        return {axis.name: axis.distribution() for axis in self.axes}

    def values(self, point: Point) -> dict[str, Any]:
        """The knobs at a point; those whose condition doesn't hold are left out."""
        drawn = {knob.name: knob.value(point) for knob in self.knobs}
        return {knob.name: drawn[knob.name] for knob in self.knobs if self._is_used(knob, drawn)}

    def _is_used(self, knob: Knob, drawn: Mapping[str, Any]) -> bool:
        by_name = {other.name: other for other in self.knobs}
        return all(
            json.dumps(drawn[other]) in values and self._is_used(by_name[other], drawn)
            for other, values in knob.when.items()
            # Of a knob that isn't searched: decided when the space was made.
            if other in drawn
        )

    def point(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The point of a configuration."""
        places = [(knob, knob.place(values.get(knob.name))) for knob in self.knobs]
        return {
            axis.name: axis.nearest(place[axis.name])
            for knob, place in places
            for axis in knob.axes
        }

    def standing(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The used knobs of a configuration, as it has them also where no point says so exactly.

        A search of one penalty has no point for a list of them, nor steps of 0.1 one for 0.25.
        """
        at = self.values(self.point(values))
        own = {name: json.loads(json.dumps(values[name])) for name in at}
        return {name: at[name] if _same(at[name], own[name]) else own[name] for name in at}

    def including(self, values: Mapping[str, Any]) -> "Space":
        """The same, wide enough for a configuration."""
        return Space(
            tuple(
                knob.including(values[knob.name]) if _can_hold(knob, values[knob.name]) else knob
                for knob in self.knobs
            )
        )

    def grid(self, seed: int = 0) -> list[dict[str, Any]]:
        """All points of the grid, each configuration once, in an order drawn by a seed.

        In their own order a search that has no time for all would try few values of a knob.

        Raises:
            PodiumError: there are too many.
        """
        sizes = [len(axis.grid()) for axis in self.axes]
        if math.prod(sizes) > MOST_POINTS:
            counts = " x ".join(map(str, sizes))
            raise PodiumError(
                f"the grid has {counts} = {math.prod(sizes):,} points, more than {MOST_POINTS:,}; "
                "search fewer knobs, give ranges fewer 'points', or take another --sampler"
            )
        found: dict[str, dict[str, Any]] = {}
        names = [axis.name for axis in self.axes]
        for place in product(*(axis.grid() for axis in self.axes)):
            point = dict(zip(names, place, strict=True))
            found.setdefault(json.dumps(self.values(point), sort_keys=True), point)
        points = list(found.values())
        Random(seed).shuffle(points)
        return points

    def to_json(self) -> str:
        """For the study, which remembers its space."""
        return json.dumps([asdict(knob) for knob in self.knobs], sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Space":
        """The space of ``to_json``."""
        return cls(tuple(_knob(facts) for facts in json.loads(text)))


def _knob(facts: dict[str, Any]) -> Knob:
    axes = tuple(Axis(**{**own, "choices": tuple(own["choices"])}) for own in facts["axes"])
    when = {name: tuple(values) for name, values in facts["when"].items()}
    return Knob(facts["name"], facts["kind"], axes, when)


def _can_hold(knob: Knob, value: Any) -> bool:
    return value != AUTO and (value is not None or knob.kind == "choice")


def rounded(value: float) -> float:
    """A drawn number with the digits that are worth writing."""
    return float(f"{value:.{DIGITS}g}")


def make_space(block: Block, dimensions: Mapping[str, Dimension]) -> Space:
    """The space of a model's block, as it is written; knobs that can't mean anything are left out.

    Those are the ones whose condition is on a knob that isn't searched and has another value.
    """
    kind, knobs = type(block), []
    for name, own in dimensions.items():
        fixed = {other: values for other, values in own.when.items() if other not in dimensions}
        if any(getattr(block, other, None) not in values for other, values in fixed.items()):
            continue
        when = {
            other: tuple(json.dumps(value) for value in values)
            for other, values in own.when.items()
            if other in dimensions
        }
        knobs.append(replace(_made(kind, name, own), when=when))
    return Space(tuple(knobs))


def _made(kind: type[Block], name: str, own: Dimension) -> Knob:
    if own.choices is not None:
        return Knob(name, "choice", (Axis(name, choices=tuple(map(json.dumps, own.choices))),))
    if own.layers is not None:
        assert own.width is not None
        widths = [
            Axis(f"{name}.{at}", own.width[0], own.width[1], own.log, whole=True)
            for at in range(1, max(1, own.layers[1]) + 1)
        ]
        return Knob(
            name,
            "layers",
            (Axis(f"{name}.layers", own.layers[0], own.layers[1], whole=True), *widths),
        )
    assert own.range is not None
    whole = is_whole(kind, name, own.range) and not isinstance(own.step, float)
    low, high = own.range if whole else map(float, own.range)
    in_list = is_list_of_numbers(kind, name, own.range[1])
    axis = Axis(name, low, high, own.log, own.step, whole, own.points)
    return Knob(name, "numbers" if in_list else "number", (axis,))


def configured(params: ModelParams, values: Mapping[str, Any]) -> ModelParams:
    """A model's block with other values of some knobs.

    Raises:
        pydantic.ValidationError: they don't go together.
    """
    return type(params).model_validate({**params.model_dump(), **values})


def shown(values: Mapping[str, Any]) -> str:
    """Knobs in a line: ``dropout 0.2, hidden [64, 32]``."""
    return ", ".join(f"{name} {_short(value)}" for name, value in values.items())


def _same(one: Any, other: Any) -> bool:
    """Whether two values of a knob are equal but for the rounding of logarithms."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return isinstance(other, int | float) and math.isclose(one, other, rel_tol=1e-9)
    return bool(one == other)


def _short(value: Any) -> str:
    if isinstance(value, list) and len(value) > MOST_SHOWN:
        return f"[{_short(value[0])} ... {_short(value[-1])}] ({len(value)} values)"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
