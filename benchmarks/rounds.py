"""Contestants timed in turn, A B C A B C ..., because a machine's clock drifts."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass
class Times(Generic[Result]):
    """Seconds by contestant and round, and what each contestant returned last."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """The median over rounds."""
        return statistics.median(self.seconds[name])

    def ratios(self, name: str, base: str) -> list[float]:
        """Each round's seconds of ``name`` over those of ``base`` in the same round."""
        pairs = zip(self.seconds[name], self.seconds[base], strict=True)
        return [own / other for own, other in pairs]


def alternate(contestants: Mapping[str, Callable[[], Result]], rounds: int) -> Times[Result]:
    """Run every contestant once a round, in order."""
    times: Times[Result] = Times({name: [] for name in contestants})
    for _ in range(rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            result = run()
            times.seconds[name].append(time.perf_counter() - started)
            times.results[name] = result
    return times


def spread(values: list[float], digits: int = 2) -> str:
    """``median (min to max)``."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
