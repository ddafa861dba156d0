"""A block that grows: values by their keys, why they were chosen, and what to look at."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Draft:
    """A competition's block on its way: guesses add to it, one after the other.

    ``values`` are by dotted key (``source.path``), ``why`` has the reason for some of them, and
    ``look`` what only the competition's page or a person can decide.
    """

    values: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    look: list[str] = field(default_factory=list)

    def set(self, key: str, value: Any, why: str = "") -> None:
        """A value and, in a few words, why."""
        self.values[key] = value
        if why:
            self.why[key] = why

    def __getitem__(self, key: str) -> Any:
        return self.values[key]
