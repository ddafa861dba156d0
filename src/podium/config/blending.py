"""How a blend may be made of models' predictions: one row a method."""

from collections.abc import Sequence
from dataclasses import dataclass

from podium.metrics import Metric

TASKS = ("regression", "binary", "multiclass")


@dataclass(frozen=True)
class BlendMethod:
    """A row of the table of methods.

    ``ways`` is a function, as ``module:function``, imported when it is used: of a ``Problem`` it
    returns the ways to fit the method (``podium.ensemble.methods.base``). ``is_fitted``: it learns
    something of the target. ``tasks`` are those it is for, ``of_ranks`` says that it is for
    metrics that see but the order of probabilities. ``is_flexible``: the rows that it is fitted on
    are no measure of it.
    """

    ways: str
    is_fitted: bool = True
    is_flexible: bool = False
    tasks: tuple[str, ...] = TASKS
    of_ranks: bool = False

    def problem(self, task: str, metric: Metric) -> str:
        """What the method lacks in a competition; empty if it fits."""
        if task not in self.tasks:
            return f"is for task {self.tasks[0]}, not {task}"
        if self.of_ranks and not (metric.stepwise and metric.needs == "probabilities"):
            return (
                f"needs a metric of ranks (auc, average_precision), not {metric.name}: it keeps "
                "the order of predictions alone"
            )
        return ""


_METHODS = "podium.ensemble.methods"

# The simplest first.
METHODS: dict[str, BlendMethod] = {
    "best": BlendMethod(f"{_METHODS}.mean:ways_of_best"),
    "mean": BlendMethod(f"{_METHODS}.mean:ways", is_fitted=False),
    "rank_mean": BlendMethod(
        f"{_METHODS}.ranks:ways", is_fitted=False, tasks=("binary",), of_ranks=True
    ),
    "nnls": BlendMethod(f"{_METHODS}.nnls:ways"),
    "weighted": BlendMethod(f"{_METHODS}.greedy:ways"),
    "bagged": BlendMethod(f"{_METHODS}.greedy:ways_of_bags"),
    "class_weights": BlendMethod(f"{_METHODS}.nnls:ways_of_classes", tasks=("multiclass",)),
    "linear_stack": BlendMethod(f"{_METHODS}.linear_stack:ways"),
    "averaged": BlendMethod(f"{_METHODS}.averaged:ways"),
    "lightgbm_stack": BlendMethod(f"{_METHODS}.lightgbm_stack:ways", is_flexible=True),
}
AUTO = "auto"
NAMES = (AUTO, *METHODS)
# What ``auto`` chooses from. Of more methods one is more often the best by chance: docs/blend.md.
CANDIDATES = ("weighted", "linear_stack", "averaged")


def methods_of(method: str, candidates: Sequence[str]) -> list[str]:
    """The methods that a name stands for: itself, or what ``auto`` chooses from, in order."""
    return [method] if method != AUTO else [name for name in METHODS if name in candidates]
