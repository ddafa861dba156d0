"""``search:`` beside a model's knobs: which values ``podium tune`` may try.

    search:
      learning_rate: {range: [0.0005, 0.01], log: true}
      batch_size: {choices: [32, 64, 128]}
      hidden: {layers: [1, 3], width: [32, 512], log: true}
      momentum: {range: [0.5, 0.99], when: {optimizer: [sgd, momentum]}}

A model's block keeps it as it is written, and no stage reads it: an edit trains nothing again.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from podium.config.block import Block, Count
from podium.config.messages import explain
from podium.io.text import nearest, shown

Finding = tuple[tuple[str, ...], str]
Number = int | float
Two = Field(min_length=2, max_length=2)
# What is no hyperparameter, and so can't be searched.
FIXED = ("model", "seed", "test", "search", "name", "device", "mixed_precision")
KINDS = ("range", "choices", "layers")
# What goes with each kind, beside ``when``.
WITH = {"log": ("range", "layers"), "step": ("range",), "width": ("layers",), "points": ("range",)}
MOST_CHOICES, MOST_LAYERS = 100, 16


class Dimension(Block):
    """The values of one knob: a ``range``, ``choices``, or a list of ``layers``.

    A range is of whole numbers where the knob is. ``points`` is how many values of it a grid has.
    ``when`` names other knobs, and the values with which this one means anything.
    """

    range: Annotated[list[Number], Two] | None = None
    log: bool = False
    step: Annotated[Number, Field(gt=0)] | None = None
    points: int = Field(3, ge=2, le=100)
    choices: Annotated[list[Any], Field(min_length=2, max_length=MOST_CHOICES)] | None = None
    layers: Annotated[list[Annotated[int, Field(ge=0, le=MOST_LAYERS)]], Two] | None = None
    width: Annotated[list[Count], Two] | None = None
    when: Mapping[str, list[Any]] = {}

    @field_validator("when", mode="before")
    @classmethod
    def _lists(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        return {key: one if isinstance(one, list) else [one] for key, one in value.items()}

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(kinds) != 1:
            raise ValueError(f"expected one of range, choices or layers, found {len(kinds)}")
        for key, of in WITH.items():
            if self.is_set(key) and kinds[0] not in of:
                raise ValueError(f"{key} does nothing with {kinds[0]}; remove it")
        if self.log and self.step is not None:
            raise ValueError("log and step don't go together; remove one")
        if self.layers is not None and self.width is None:
            raise ValueError("layers need a width: [least, most]")
        for key in ("range", "layers", "width"):
            self._check_bounds(key)
        return self

    def _check_bounds(self, key: str) -> None:
        bounds = getattr(self, key)
        if bounds is None:
            return
        low, high = bounds
        if low > high or (low == high and key == "range"):
            what = "the same as" if low == high else "above"
            raise ValueError(f"{key}: {shown(low)} is {what} {shown(high)}; write [least, most]")
        if key == "range" and self.log and low <= 0:
            raise ValueError(f"range: a log scale needs numbers above 0, found {shown(low)}")


def read_search(written: Mapping[str, Any]) -> dict[str, Dimension]:
    """A checked ``search:`` block, typed."""
    return {knob: Dimension.model_validate(value) for knob, value in written.items()}


def search_problems(block: Block, written: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield (path below the block, message) for all that is wrong in its ``search:``."""
    kind = type(block)
    for knob, value in written.items():
        path = ("search", knob)
        if not _is_knob(kind, knob):
            yield path, _unknown(kind, knob)
            continue
        if not isinstance(value, Mapping):
            yield (
                path,
                f"write {{range: [least, most]}} or {{choices: [...]}}, not {shown(value)}",
            )
            continue
        try:
            dimension = Dimension.model_validate(value)
        except ValidationError as error:
            details = error.errors()[0]
            keys = [str(part) for part in details["loc"][:1]]
            yield (*path, *keys), explain(details, Dimension)
            continue
        yield from (((*path, key), what) for key, what in _bad_values(kind, knob, dimension))
        yield from (((*path, "when", *key), what) for key, what in _bad_when(kind, written, knob))
    yield from _circles(written)


def _is_knob(kind: type[BaseModel], knob: str) -> bool:
    return knob not in FIXED and (knob in kind.model_fields or _takes_any(kind))


def _takes_any(kind: type[BaseModel]) -> bool:
    """Whether its knobs are those of an estimator that only its package knows."""
    return kind.model_config.get("extra") == "allow"


def _unknown(kind: type[BaseModel], knob: str) -> str:
    if knob in FIXED:
        return f"'{knob}' is no hyperparameter; remove it"
    knobs = [name for name in kind.model_fields if name not in FIXED]
    return f"the model has no knob '{knob}'; {nearest(knob, knobs)}"


def _bad_values(
    kind: type[BaseModel], knob: str, dimension: Dimension
) -> Iterator[tuple[str, str]]:
    """Values that the knob doesn't take."""
    if dimension.choices is not None:
        for value in dimension.choices:
            if what := problem_of(kind, knob, value):
                yield "choices", what
                return
    elif dimension.width is not None and dimension.layers is not None:
        widest = [dimension.width[1]] * max(1, dimension.layers[1])
        if what := problem_of(kind, knob, widest):
            yield "layers", what
    else:
        assert dimension.range is not None
        in_list = is_list_of_numbers(kind, knob, dimension.range[1])
        for bound in dimension.range:
            if what := problem_of(kind, knob, [bound] if in_list else bound):
                yield "range", what
                return


def _bad_when(
    kind: type[BaseModel], written: Mapping[str, Any], knob: str
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Conditions on what is no knob, or on values that it never has."""
    for other, values in Dimension.model_validate(written[knob]).when.items():
        if other == knob or not _is_knob(kind, other):
            near = nearest(other, [name for name in kind.model_fields if name not in FIXED])
            itself = "a condition on the knob itself; remove it"
            yield (other,), itself if other == knob else f"no knob '{other}'; {near}"
            continue
        wrong = [what for value in values if (what := problem_of(kind, other, value))]
        yield from (((other,), what) for what in wrong[:1])


def _circles(written: Mapping[str, Any]) -> Iterator[Finding]:
    """A knob whose condition depends on the knob itself, by way of others."""
    needs = {
        knob: set(value["when"]) & set(written) - {knob}
        for knob, value in written.items()
        if isinstance(value, Mapping) and isinstance(value.get("when"), Mapping)
    }
    for knob in needs:
        seen: set[str] = set()
        ahead = set(needs[knob])
        while ahead - seen:
            seen |= ahead
            ahead = {other for one in ahead for other in needs.get(one, ())}
        if knob in seen:
            yield ("search", knob, "when"), "conditions go in a circle; remove one"
            return


def problem_of(kind: type[BaseModel], knob: str, value: Any) -> str | None:
    """What is wrong with a knob's value, by the knob's own rules; None if nothing is."""
    if knob not in kind.model_fields:
        return None
    field = kind.model_fields[knob]
    annotation: Any = (
        Annotated[field.annotation, *field.metadata] if field.metadata else (field.annotation)
    )
    adapter = TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        details = error.errors()[0]
        return explain({**details, "loc": (knob,)}, kind)
    return None


def is_list_of_numbers(kind: type[BaseModel], knob: str, value: Number) -> bool:
    """Whether a knob takes a list of numbers rather than one: ``alphas``."""
    return problem_of(kind, knob, value) is not None and problem_of(kind, knob, [value]) is None


def is_whole(kind: type[BaseModel], knob: str, bounds: Sequence[Number]) -> bool:
    """Whether a range is of whole numbers: both bounds are, and the knob takes no others."""
    if not all(isinstance(bound, int) for bound in bounds):
        return False
    between = (bounds[0] + bounds[1]) / 2 + 0.25
    if knob not in kind.model_fields:
        return True
    return bool(problem_of(kind, knob, between)) and bool(problem_of(kind, knob, [between]))
