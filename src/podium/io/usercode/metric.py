"""A metric of the user's own: ``metric: own`` in params.yaml, ``metric(y, p)`` in the file.

What it is told by attributes of the function, below it: ``metric.greater_is_better = True``, and
for classes ``metric.needs = "labels"`` or ``"probabilities"``.
"""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium.io import paths
from podium.io.errors import PodiumError
from podium.io.text import either, printable, shown
from podium.io.usercode.load import UserCode, load
from podium.metrics import Metric

Array = NDArray[np.float64]
NEEDS = {"regression": ("values",), "binary": ("labels", "probabilities")}
NEEDS["multiclass"] = NEEDS["binary"]
ATTRIBUTES = ("greater_is_better", "needs", "title", "minimum", "stepwise")


def own_metric(competition: str, task: str) -> Metric:
    """The metric of a competition's file.

    Raises:
        PodiumError: there is no such function, or it doesn't say its direction and what it needs.
    """
    code = load(competition)
    function = code.function("metric", 2) if code else None
    if code is None or function is None:
        raise PodiumError(
            f"{paths.user_code(competition)}: metric is 'own', and the file defines no metric(y, p)"
        )
    _check_names(code, function)
    needs = _needs(code, function, task)
    return Metric(
        name="own",
        title=str(getattr(function, "title", "own metric")),
        function=partial(_score, code, function, task, needs),
        tasks=(task,),
        needs=needs,
        greater_is_better=_direction(code, function),
        minimum=_minimum(code, function),
        stepwise=bool(getattr(function, "stepwise", needs == "labels")),
    )


def _direction(code: UserCode, function: Callable[..., Any]) -> bool:
    found = getattr(function, "greater_is_better", None)
    if found is None:
        what = "write 'metric.greater_is_better = True' or '= False' below it"
        code.fail("metric", f"doesn't say its direction; {what}")
    if not isinstance(found, bool):
        code.fail("metric", f"greater_is_better: expected True or False, found {shown(found)}")
    return found


def _check_names(code: UserCode, function: Callable[..., Any]) -> None:
    for name in vars(function):
        near = get_close_matches(name, ATTRIBUTES, n=1)
        if near and name not in ATTRIBUTES:
            code.fail("metric", f"metric.{printable(name)} means nothing; write 'metric.{near[0]}'")


def _needs(code: UserCode, function: Callable[..., Any], task: str) -> str:
    valid = NEEDS[task]
    found = getattr(function, "needs", valid[0] if len(valid) == 1 else None)
    if found not in valid:
        words = either(f"'metric.needs = \"{name}\"'" for name in valid)
        code.fail("metric", f"doesn't say what task {task} predicts for it; write {words} below it")
    return str(found)


def _minimum(code: UserCode, function: Callable[..., Any]) -> float | None:
    found = getattr(function, "minimum", None)
    if found is not None and not isinstance(found, Real):
        code.fail("metric", f"minimum: expected a number, found {shown(found)}")
    return None if found is None else float(found)


def _score(
    code: UserCode, function: Callable[..., Any], task: str, needs: str, y: Array, p: Array
) -> float:
    """Call it with arrays that it can't change: codes of classes for labels, shape (n,).

    Probabilities of two classes are those of the second, shape (n,); of more, shape (n, k).
    """
    if needs == "labels":
        p = p.argmax(axis=1)
    elif task == "binary":
        p = p[:, 1]
    with code.blamed("metric"):
        found = function(_read_only(y), _read_only(p))
    value = np.asarray(found)
    if value.ndim or not np.issubdtype(value.dtype, np.number) or np.iscomplexobj(value):
        code.fail("metric", f"expected to return a number, found {_returned(found, value)}")
    if np.isinf(value):
        code.fail("metric", "returned an infinite score")
    return float(value)


def _returned(found: Any, value: NDArray[Any]) -> str:
    """What came in place of a number."""
    if value.ndim:
        return f"{value.size} values of shape {value.shape}; return their mean, for example"
    plain = found is None or isinstance(found, str)
    return shown(found) if plain else f"{shown(found)} of type {type(found).__name__}"


def _read_only(values: NDArray[Any]) -> NDArray[Any]:
    view = values.view()
    view.flags.writeable = False
    return view
