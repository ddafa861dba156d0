"""What every block of params.yaml and every model's entry is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
# A layer's units: two such layers in a row have 17 GB of weights.
Width = Annotated[int, Field(ge=1, le=65_536)]
# What every library takes.
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Block(BaseModel):
    """A block of params.yaml: no unknown key, no silent conversion, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ModelParams(Block):
    """What every model's entry has."""

    model: str = ""
    seed: Seed = 0
