"""Estimators that are named by an import path: their class is found, their knobs are checked."""

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType
from typing import Any

from podium.config.imported import USER_CODE, ImportedParams, class_path
from podium.io.errors import EstimatorError, PodiumError
from podium.io.text import nearest, printable, visible
from podium.io.usercode import UserCode, load
from podium.models.kernels import read_kernel

# Knobs that Podium sets, and what to write instead.
SET_BY_PODIUM = {
    **dict.fromkeys(("random_state", "random_seed"), "write 'seed'"),
    **dict.fromkeys(("n_jobs", "thread_count", "nthread"), "cores are shared out; remove it"),
    "early_stopping_rounds": "write 'patience'",
    "cat_features": "the table's categories are; remove it",
    "enable_categorical": "it is, with inputs: native; remove it",
    **dict.fromkeys(("logging_level", "silent", "allow_writing_files"), "remove it"),
}
SEED = "random_state"
THREADS = ("n_jobs", "thread_count")
# Of packages that print a line a tree.
QUIET = {"lightgbm": {"verbosity": -1}}
# What a task needs by scikit-learn's tags, and an example: for classes, for numbers.
WANTED = (("classifier", "sklearn.svm.SVC"), ("regressor", "sklearn.svm.SVR"))
KERNELS = "sklearn.gaussian_process."
# How alike a name has to be to one that is known where the class takes others too.
ALIKE = 0.8
# Of a library's message.
LONGEST = 300
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
# What is wrong: the key in the model's block, and what to do.
Problem = tuple[str, str]


@dataclass(frozen=True)
class Knobs:
    """A class's parameters: their names, those without a default, whether it takes others too."""

    names: tuple[str, ...]
    required: tuple[str, ...]
    is_open: bool


def find_class(path: str) -> type[Any]:
    """The class at an import path; its module is imported, and nothing else is run.

    ``competitions.<file>.<class>`` is in a user's own file.

    Raises:
        PodiumError: there is no such, or its module can't be imported.
    """
    where, _, name = path.rpartition(".")
    own = own_code(path)
    module = own.module if own is not None else _module(where)
    found = getattr(module, name, None)
    if found is None:
        known = [key for key, value in vars(module).items() if isinstance(value, type)]
        hint = nearest(name, known or getattr(module, "__all__", []))
        raise PodiumError(f"no class '{printable(name)}' in {where}; {hint}")
    if not isinstance(found, type):
        raise PodiumError(f"{path} is a {type(found).__name__}, and no class of estimators")
    return found


def own_code(path: str) -> UserCode | None:
    """The user's own file that an import path is in, if it is in one.

    Raises:
        PodiumError: the file is no Python, or fails when it is run.
    """
    package, file, *_ = path.split(".")
    return load(file) if package == USER_CODE else None


def _module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise PodiumError(f"{name} can't be imported: {said(error)}") from error
        parent, _, last = error.name.rpartition(".")
        known = getattr(_module(parent), "__all__", []) if parent else []
        hint = f"; {nearest(last, known)}" if known else ""
        raise PodiumError(f"no module '{printable(error.name)}'{hint}") from None
    except Exception as error:
        raise PodiumError(f"{name} can't be imported: {said(error)}") from error


def problems(params: ImportedParams, task: str) -> Iterator[Problem]:
    """All that is wrong with an estimator and its knobs as far as no fit is needed."""
    try:
        kind = find_class(class_path(params.model, task))
    except PodiumError as error:
        yield "model", str(error)
        return
    found = [*_wrong_kind(kind, task), *_wrong_names(kind, params.knobs, "")]
    yield from found or _wrong_values(kind, params, task)


def make_estimator(
    params: ImportedParams,
    task: str,
    seed: int = 0,
    threads: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """An unfitted estimator with its knobs, seed, number of threads, and what else it needs.

    Raises:
        PodiumError: the first of ``problems``.
    """
    for key, message in problems(params, task):
        raise EstimatorError(f"{key}: {message}")
    kind = find_class(class_path(params.model, task))
    names = knobs_of(kind).names
    given = {name: threads for name in THREADS if name in names}
    given |= {SEED: seed} if SEED in names else {}
    quiet = QUIET.get(kind.__module__.partition(".")[0], {})
    knobs = {**quiet, **params.knobs, **given, **(options or {})}
    return _seeded_inside(_build(kind, knobs), seed)


def has_seed(estimator: Any) -> bool:
    """Whether fits differ by a seed: the estimator's, or that of one inside it."""
    inside = any(_last(name) == SEED for name in _parameters(estimator))
    return inside or SEED in knobs_of(type(estimator)).names


def said(error: BaseException | str) -> str:
    """The type of a library's error and the first line of its message."""
    lines = [visible(line.strip()) for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:LONGEST]}" if lines else type(error).__name__


def _wrong_kind(kind: type[Any], task: str) -> Iterator[Problem]:
    from sklearn.base import ClassifierMixin, RegressorMixin

    if not all(hasattr(kind, name) for name in ("fit", "predict")):
        yield "model", f"{kind.__name__} has no fit and predict; name an estimator's class"
    declared = getattr(kind, "_estimator_type", None)
    is_classifier = issubclass(kind, ClassifierMixin) or declared == "classifier"
    is_regressor = issubclass(kind, RegressorMixin) or declared == "regressor"
    if task == "regression" and is_classifier and not is_regressor:
        yield "model", f"{kind.__name__} is for classes; {_counterpart(kind, 'Regressor', 'SVR')}"
    if task != "regression" and is_regressor and not is_classifier:
        yield "model", f"{kind.__name__} is for numbers; {_counterpart(kind, 'Classifier', 'SVC')}"


def _counterpart(kind: type[Any], ending: str, vectors: str) -> str:
    """The class of the same family for the other kind of task, if there is one."""
    name = re.sub("SV[RC]$", vectors, re.sub("(Regressor|Classifier)$", ending, kind.__name__))
    package = kind.__module__.rpartition(".")[0] or kind.__module__
    if name != kind.__name__ and hasattr(import_module(package), name):
        return f"use {package}.{name}"
    return "name another"


def knobs_of(kind: type[Any]) -> Knobs:
    """The parameters of a class; with ``**kwargs``, those of its base classes too."""
    found: dict[str, inspect.Parameter] = {}
    is_open = False
    for owner in (one for one in kind.__mro__ if "__init__" in vars(one) and one is not object):
        _, *own = inspect.signature(vars(owner)["__init__"]).parameters.values()
        found = {one.name: one for one in own if one.kind in _NAMED} | found
        is_open = any(one.kind is one.VAR_KEYWORD for one in own)
        if not is_open:
            break
    required = tuple(name for name, one in found.items() if one.default is one.empty)
    return Knobs(tuple(found), required, is_open)


def _wrong_names(kind: type[Any], given: Mapping[str, Any], where: str) -> Iterator[Problem]:
    knobs = knobs_of(kind)
    for name in (name for name in given if not where and name in SET_BY_PODIUM):
        yield name, f"is set by Podium; {SET_BY_PODIUM[name]}"
    valid = [name for name in knobs.names if name not in SET_BY_PODIUM]
    for name in (name for name in given if name not in (*knobs.names, *SET_BY_PODIUM)):
        if not knobs.is_open or get_close_matches(name, valid, n=1, cutoff=ALIKE):
            own = f"{kind.__name__} has no knob '{printable(name)}'"
            yield where or name, f"{own}; {nearest(name, valid)}"
    for name in (name for name in knobs.required if name not in given):
        yield where or "model", f"{kind.__name__} needs a value for '{name}'; add it"
    for name, value in given.items():
        for nested in _nested(value):
            yield from _wrong_nested(nested, where or name)


def _wrong_nested(value: Mapping[str, Any], where: str) -> Iterator[Problem]:
    try:
        kind = find_class(value["model"])
    except PodiumError as error:
        yield where, str(error)
        return
    yield from _wrong_names(kind, _without_model(value), where)


def _wrong_values(kind: type[Any], params: ImportedParams, task: str) -> Iterator[Problem]:
    """What the estimator itself finds wrong, and knobs of Podium's that do nothing for it."""
    try:
        estimator = _build(kind, params.knobs)
        if hasattr(kind, "_parameter_constraints"):
            estimator._validate_params()
        # scikit-learn refuses a constructor of *args here.
        _parameters(estimator)
    except PodiumError as error:
        yield "kernel", str(error)
    except Exception as error:
        named = re.search(r"The '(\w+)' parameter", str(error))
        yield named[1] if named else "model", said(error).partition(": ")[2] or said(error)
    else:
        wrong = list(_wrong_type(estimator, params, task))
        yield from wrong or _idle(estimator, params, task)


def _wrong_type(estimator: Any, params: ImportedParams, task: str) -> Iterator[Problem]:
    """What scikit-learn's tags say: an estimator for another purpose, such as clusters.

    A class of the user's own that says nothing is taken for what it is used for.
    """
    from sklearn.utils import get_tags

    wanted, example = WANTED[task == "regression"]
    declared = getattr(estimator, "_estimator_type", None)
    if declared is None and hasattr(estimator, "__sklearn_tags__"):
        declared = get_tags(estimator).estimator_type
    is_own = declared is None and params.model.partition(".")[0] == USER_CODE
    if declared != wanted and not is_own:
        article = "an" if str(declared).startswith("o") else "a"
        kind = str(declared).replace("_", " ")
        what = f"{article} {kind}" if declared else "no estimator of a target"
        name = type(estimator).__name__
        yield "model", f"{name} is {what}; name a {wanted} such as {example}"


def _idle(estimator: Any, params: ImportedParams, task: str) -> Iterator[Problem]:
    name = type(estimator).__name__
    needs_scores = task != "regression" and not is_calibrated(estimator)
    if needs_scores and not hasattr(estimator, "decision_function"):
        yield "model", f"{name} gives no probabilities; name another"
    if not has_seed(estimator):
        # Rows that are held out are drawn by Podium's seed.
        draws = needs_scores or hasattr(params, "patience")
        for key in ("seeds",) if draws else ("seeds", "seed"):
            if params.is_set(key):
                yield key, f"does nothing: {name} has no random_state; remove it"


def is_calibrated(estimator: Any) -> bool:
    """Whether a classifier gives probabilities itself."""
    return hasattr(estimator, "predict_proba")


def _build(kind: type[Any], knobs: Mapping[str, Any]) -> Any:
    """An estimator with these knobs, which may be estimators and kernels themselves."""
    return kind(**{name: _value(kind, name, value) for name, value in knobs.items()})


def _value(kind: type[Any], name: str, value: Any) -> Any:
    if _is_nested(value):
        return _build(find_class(value["model"]), _without_model(value))
    if isinstance(value, list):
        return [_value(kind, name, item) for item in value]
    is_kernel = name == "kernel" and kind.__module__.startswith(KERNELS)
    return read_kernel(value) if is_kernel and isinstance(value, str) else value


def _is_nested(value: Any) -> bool:
    """Whether a knob is an estimator of its own: ``{model: sklearn.tree.ExtraTreeRegressor}``."""
    return isinstance(value, Mapping) and "." in str(value.get("model", ""))


def _nested(value: Any) -> Iterator[Mapping[str, Any]]:
    if _is_nested(value):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _nested(item)


def _without_model(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name != "model"}


def _seeded_inside(estimator: Any, seed: int) -> Any:
    """The estimator; those inside it have the seed as well, and one thread."""
    inside = [name for name in _parameters(estimator) if "__" in name]
    given = {name: seed for name in inside if _last(name) == SEED}
    given |= {name: 1 for name in inside if _last(name) in THREADS}
    return estimator.set_params(**given) if given else estimator


def _parameters(estimator: Any) -> list[str]:
    """The names of an estimator's parameters, those of estimators inside it too."""
    with suppress(AttributeError):
        return [*estimator.get_params(deep=True)]
    return []


def _last(name: str) -> str:
    return name.rpartition("__")[2]
