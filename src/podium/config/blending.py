"""How a blend may be made of models' predictions: one row a method."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BlendMethod:
    """A row of the table of methods.

    ``ways`` is a function, as ``module:function``, imported when it is used: of a ``Problem`` it
    returns the ways to fit the method (``podium.ensemble.methods.base``).
    """

    ways: str


_METHODS = "podium.ensemble.methods"

METHODS: dict[str, BlendMethod] = {
    "mean": BlendMethod(f"{_METHODS}.mean:ways"),
    "weighted": BlendMethod(f"{_METHODS}.greedy:ways"),
}
