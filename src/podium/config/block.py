"""What every block of params.yaml and every model's entry is made of."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from podium.config.auto import AUTO, OR_AUTO
from podium.config.folds import FoldScheme
from podium.io.text import either

Name = Annotated[str, StringConstraints(min_length=1)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
# A layer's units: two such layers in a row have 17 GB of weights.
Width = Annotated[int, Field(ge=1, le=65_536)]
# What every library takes.
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


def name_in(names: Iterable[str]) -> BeforeValidator:
    """What makes a key take a name of a table, and explains it as pydantic does a ``Literal``."""
    valid = list(names)

    def check(value: Any) -> Any:
        if value not in valid:
            raise ValueError(either(map(repr, valid)))
        return value

    return BeforeValidator(check)


def as_text(value: object) -> object:
    """A class or a level is text, though YAML reads 1 and true as a number and a boolean."""
    if isinstance(value, Mapping):
        return {as_text(key): as_text(item) for key, item in value.items()}
    return str(value) if isinstance(value, bool | int | float) else value


class Block(BaseModel):
    """A block of params.yaml: no unknown key, no silent conversion, no change after reading."""

    # Built when first used: most of the classes are not.
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, allow_inf_nan=False, defer_build=True
    )

    def is_set(self, key: str) -> bool:
        """Whether there is such a key, and its value is not the default."""
        field = type(self).model_fields.get(key)
        return field is not None and getattr(self, key) != field.default


class ModelParams(Block):
    """What every model's entry has.

    ``probe_rows``: of how many of a fold's validation rows, at most, the model is asked for the
    importance of features; fewer of models that predict slowly.
    """

    probe_rows: ClassVar[int] = 64

    model: str = ""
    seed: Seed = 0
    # What ``podium tune`` may try (config/search.py); no stage reads it.
    search: Mapping[str, Any] = Field({}, exclude=True)

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """Knobs that do nothing for a task and a scheme of folds, each with the reason."""
        return {}

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """What else is wrong in the block: paths below it, and a message each."""
        yield from ()

    @property
    def tested_by(self) -> str:
        """Which models predict the test rows: of the ``folds``, the ``refit``, or ``both``."""
        return "folds"

    def without_refit(self) -> Self:
        """The same for cross-validation alone."""
        return self

    def automatic(self) -> list[str]:
        """The hyperparameters that are still ``auto``, by the table (unlike ``device``)."""
        fields = type(self).model_fields.items()
        return [
            name
            for name, field in fields
            if OR_AUTO[0] in field.metadata and getattr(self, name) == AUTO
        ]

    def resolved(self, values: Mapping[str, Any]) -> Self:
        """The same with these values in place of ``auto``."""
        return self.model_copy(update={name: values[name] for name in self.automatic()})


class TrainedParams(ModelParams):
    """What every model's entry has that is trained here.

    ``test``: which models predict the test rows. ``refit`` is one model on all training rows, by
    what the folds found (epochs, rounds); ``both`` is the mean of it and the folds' mean. OOF
    predictions and scores are those of the folds, whatever it is.
    """

    test: Literal["folds", "refit", "both"] = "folds"

    @property
    def tested_by(self) -> str:
        """``test``."""
        return self.test

    def without_refit(self) -> Self:
        """The same for cross-validation alone."""
        return self if self.test == "folds" else self.model_copy(update={"test": "folds"})
