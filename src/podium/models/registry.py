"""The models by name; ``podium.config.models`` holds their knobs under the same names."""

from importlib import import_module
from typing import cast

from podium.config.models import FITS
from podium.models.base import ModelFunction


def model_function(kind: str, name: str) -> ModelFunction:
    """The function that fits the named model of a kind of competition."""
    module, _, function = FITS[kind][name].partition(":")
    return cast(ModelFunction, getattr(import_module(module), function))
