"""Task and metric where the sample submission asks for several columns of train."""

from collections.abc import Mapping, Sequence

import pandas as pd

from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.stages.new.draft import Draft
from podium.stages.new.target import targets_of
from podium.stages.new.task import guess_task

# Keys that one target's guess has of its own.
OF_TARGET = ("target", "submission.columns")


def guess_tasks(draft: Draft, train: pd.DataFrame, sample: pd.DataFrame | None) -> None:
    """Set ``task``, ``target_transform`` and ``metric``, of several targets the same for all.

    Raises:
        PodiumError: as ``guess_task``; or the targets are of different kinds, or of many classes.
    """
    names = targets_of(draft)
    if len(names) == 1:
        guess_task(draft, train[names[0]], sample)
        return
    assert sample is not None
    alone = {name: _alone(name, train, sample) for name in names}
    tasks = {name: one["task"] for name, one in alone.items()}
    task = _common(train, tasks)
    # Whole numbers alone would be taken for classes.
    like = next((alone[name] for name in names if tasks[name] == task), None)
    for key, value in (_numbers() if like is None else like.values).items():
        if key not in OF_TARGET:
            draft.set(key, value)
    draft.set("task", task, f"each of the {len(names)} targets is of {_words(task)}")
    draft.set("metric", draft["metric"], "the mean over the targets; a guess")
    draft.look.append(
        f"metric: {draft['metric']}, the mean over the targets, is a guess; the competition's page "
        "may name another: 'podium metrics' lists them"
    )


def _alone(name: str, train: pd.DataFrame, sample: pd.DataFrame) -> Draft:
    """The guess for one target, as if the sample submission asked for no other."""
    draft = Draft()
    draft.set("target", name)
    guess_task(draft, train[name], sample[[sample.columns[0], name]])
    return draft


def _numbers() -> dict[str, str]:
    return {"target_transform": "none", "metric": "rmse"}


def _words(task: str) -> str:
    return "numbers" if task == "regression" else "two values"


def _common(train: pd.DataFrame, tasks: Mapping[str, str]) -> str:
    """The task of all targets; whole numbers that may be classes are amounts here.

    Raises:
        PodiumError: there is none.
    """
    if set(tasks.values()) == {"binary"}:
        return "binary"
    odd = [name for name, task in tasks.items() if task == "binary" or not _is_numeric(train[name])]
    if not odd:
        return "regression"
    raise PodiumError(
        f"the sample submission asks for several targets ({few(tasks)}), and they are of different "
        f"kinds: {_kinds(tasks, odd)}; Podium predicts several of numbers, or several of two "
        "classes, in a competition: make a sample submission of each kind, and a competition for "
        "each"
    )


def _is_numeric(column: "pd.Series[str]") -> bool:
    return bool(pd.to_numeric(column.dropna(), errors="coerce").notna().all())


def _kinds(tasks: Mapping[str, str], odd: Sequence[str]) -> str:
    words = {"binary": "two values", "multiclass": "many classes", "regression": "numbers"}
    return few(f"{name} of {words[tasks[name]] if name in odd else 'numbers'}" for name in tasks)
