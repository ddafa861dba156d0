"""The knobs of ``mlp_ensemble``: a portfolio of configurations of ``mlp`` that is one model.

mlp_ensemble:
  configurations: 24                       # so many, drawn from the space
  space: {dropout: {range: [0, 0.5]}}      # in place of the one that ships
  batch_size: 32                           # any knob of mlp: the same in all configurations

mlp_ensemble:
  configurations: [{}, {hidden: [512]}, {activation: relu, dropout: 0.1}]
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from podium.config.auto import AUTO, OR_AUTO
from podium.config.block import Count, TrainedParams
from podium.config.folds import FoldScheme
from podium.config.messages import explain, meant
from podium.config.networks import NEEDS, MLPParams
from podium.config.search import FIXED, problem_of, search_problems
from podium.io.text import printable

# A path below the block, places of lists among it, and what is wrong there.
Finding = tuple[tuple[str | int, ...], str]
MOST_CONFIGURATIONS = 500
# What no configuration has: of members that train together it is the same, or nothing to choose.
_KEY = "it is the ensemble's, beside 'configurations'"
NOT_OWN = {
    "seed": _KEY,
    "seeds": _KEY,
    "holdout": _KEY,
    "search": _KEY,
    "test": _KEY,
    "model": "each is an mlp; remove it",
    "mc_dropout": "the ensemble predicts no standard deviations; remove it",
}
_ONCE = "write it beside 'configurations': it is the same in all of them"
OF_ALL = dict.fromkeys(("device", "class_loss", "standardize_inputs"), _ONCE)


def _number_or_list(value: Any) -> Any:
    is_number = type(value) is int and 1 <= value <= MOST_CONFIGURATIONS
    is_list = isinstance(value, list) and 1 <= len(value) <= MOST_CONFIGURATIONS
    if is_number or (is_list and all(isinstance(own, Mapping) for own in value)):
        return value
    raise ValueError(
        f"auto, a whole number from 1 to {MOST_CONFIGURATIONS}, or a list of blocks of knobs of mlp"
    )


Configurations = Annotated[int | list[Mapping[str, Any]], BeforeValidator(_number_or_list)]


class MLPEnsembleParams(TrainedParams):
    """A portfolio of configurations of ``mlp``, halved by a holdout of each fold, then weighted.

    What else stands in the block are knobs of ``mlp``, the same in all configurations
    (``knobs``). ``space`` has the form of ``search``; the first configuration is always the one
    that draws nothing.
    """

    model_config = ConfigDict(extra="allow")

    configurations: Annotated[Configurations, *OR_AUTO] = AUTO
    space: Literal["default"] | Mapping[str, Any] = "default"
    halvings: int = Field(1, ge=0, le=8)
    holdout: float = Field(0.15, gt=0, lt=1)
    seeds: Count = 1

    @model_validator(mode="after")
    def _space_of_a_list(self) -> Self:
        if isinstance(self.configurations, list) and self.is_set("space"):
            raise ValueError("space does nothing beside a list of configurations; remove one")
        return self

    @property
    def knobs(self) -> dict[str, Any]:
        """Knobs of ``mlp`` that all configurations have, as they are written."""
        return dict(self.model_extra or {})

    def is_set(self, key: str) -> bool:
        """Whether there is such a key, be it one of ``mlp``."""
        return key in self.knobs or super().is_set(key)

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        return MLPParams().idle(task, scheme)

    def problems(self) -> Iterator[Finding]:
        """As of every model: what is wrong in the parts that are no fields of this class."""
        found = list(self._written_problems())
        yield from found
        # Whether knobs go together is asked of those that are right one by one.
        if not found:
            yield from self._together()

    def _written_problems(self) -> Iterator[Finding]:
        """Of each knob by itself."""
        for knob, value in self.knobs.items():
            if what := _problem(knob, value, NOT_OWN, type(self)):
                yield (knob,), what
        if isinstance(self.space, Mapping):
            yield from self._space_problems(self.space)
        for place, own in enumerate(self._listed()):
            for knob, value in own.items():
                what = _problem(knob, value, NOT_OWN | OF_ALL) or self._twice(knob)
                if what:
                    yield ("configurations", place, knob), what

    def _space_problems(self, space: Mapping[str, Any]) -> Iterator[Finding]:
        for path, what in search_problems(MLPParams(), space):
            yield ("space", *path[1:]), what
        for knob in space:
            if why := (NOT_OWN | OF_ALL).get(knob) or self._twice(knob):
                yield ("space", knob), f"can't be drawn: {why}"

    def _listed(self) -> list[Mapping[str, Any]]:
        return self.configurations if isinstance(self.configurations, list) else []

    def _twice(self, knob: str) -> str | None:
        """What is wrong with a knob that is to be the same in all, and another in some."""
        both = "it stands beside 'configurations', as the same in all of them; remove one"
        return both if knob in self.knobs else None

    def _together(self) -> Iterator[Finding]:
        """Knobs that don't go together in a configuration."""
        for place, own in enumerate(self._listed() or [{}]):
            try:
                configuration(self, own)
            except ValidationError as error:
                where = ("configurations", place) if own else ()
                yield where, explain(error.errors()[0], MLPParams)


def configuration(params: MLPEnsembleParams, own: Mapping[str, Any]) -> MLPParams:
    """One of the ensemble's networks, with knobs of its own.

    A knob that all have does nothing in one that lacks what it needs: it is left out there.

    Raises:
        pydantic.ValidationError: they don't go together.
    """
    values = {**params.knobs, **own, "model": "mlp", "seed": params.seed, "seeds": 1}
    if values.get("early_stopping", MLPParams.model_fields["early_stopping"].default) is not None:
        values["holdout"] = params.holdout
    return MLPParams.model_validate(
        {knob: value for knob, value in values.items() if knob in own or _acts(knob, values)}
    )


def _acts(knob: str, values: Mapping[str, Any]) -> bool:
    """Whether a knob has what it needs."""
    if knob not in NEEDS:
        return True
    other, needed = NEEDS[knob]
    return values.get(other, MLPParams.model_fields[other].default) in needed


def _problem(
    knob: str, value: Any, refused: Mapping[str, str], ensemble: type[BaseModel] | None = None
) -> str | None:
    """What is wrong with a knob of a configuration; None if nothing is."""
    if why := refused.get(knob):
        return f"no knob of a configuration: {why}"
    if knob not in MLPParams.model_fields:
        own = list(ensemble.model_fields) if ensemble else []
        known = [*own, *(name for name in MLPParams.model_fields if name not in FIXED)]
        return f"unknown key '{printable(knob)}'; {meant(knob, known)}"
    return problem_of(MLPParams, knob, value)
