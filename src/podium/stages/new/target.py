"""The id and the target: by the sample submission, or by what train has and test lacks."""

import re
from collections.abc import Sequence

import pandas as pd

from podium.io.csv_files import few
from podium.io.errors import PodiumError
from podium.stages.new.draft import Draft

ID_NAME = re.compile(r"(?i)(^|[^a-z])(id|index|no|nr|key)$|[a-z](Id|ID)$|^Unnamed: 0$")


def guess_id(draft: Draft, train: pd.DataFrame, test: pd.DataFrame, sample: Sequence[str]) -> None:
    """Set ``id``: the sample's first column, or one that is named so and differs in every row.

    Raises:
        PodiumError: without a sample submission, no column is one.
    """
    if sample:
        draft.set("id", sample[0], "the sample submission's first column")
        return
    both = [name for name in test if name in train and _is_unique(train[name], test[name])]
    likely = [name for name in both if ID_NAME.search(name)] or [
        name for name in both if name == test.columns[0]
    ]
    if not likely:
        raise PodiumError(
            "there is no sample submission, and no column of train.csv and test.csv has another "
            "value in every row; add a column of row numbers, named id, to both"
        )
    draft.set("id", likely[0], "another value in every row of train and test")


def _is_unique(*columns: "pd.Series[str]") -> bool:
    both = pd.concat(columns)
    return not both.isna().any() and not both.duplicated().any()


def guess_target(
    draft: Draft, train: pd.DataFrame, test: Sequence[str], sample: Sequence[str]
) -> None:
    """Set ``target``; the reason says how it was found. The id is known already.

    Raises:
        PodiumError: no column of train is missing in test.
    """
    only = [name for name in train if name not in test and name != draft["id"]]
    if not only:
        raise PodiumError(
            "every column of the training table is in the test table too, so none can be the "
            f"target (it has {few(train)}); are the files the right ones?"
        )
    asked = [name for name in sample[1:] if name in only]
    if len(asked) == 1 and len(sample) == 2:
        draft.set("target", asked[0], "the sample submission's column; test lacks it")
    elif asked:
        _several_targets(draft, train, asked, sample)
    elif classes := _class_columns(train[only], sample[1:]):
        draft.set("target", classes, "its values are the sample submission's columns")
    elif same := [name for name in only if name.lower() in [one.lower() for one in sample[1:]]]:
        draft.set("target", same[0], "the sample submission's column but for its spelling")
    else:
        draft.set("target", only[-1], _last(only))
    _tell_of_others(draft, [name for name in only if name not in targets_of(draft)])


def targets_of(draft: Draft) -> list[str]:
    """The columns of ``target``."""
    return draft["target"] if isinstance(draft["target"], list) else [draft["target"]]


def _several_targets(
    draft: Draft, train: pd.DataFrame, asked: list[str], sample: Sequence[str]
) -> None:
    """All of the sample's columns that test lacks; one alone where others are not in train."""
    others = [name for name in sample[1:] if name not in asked]
    why = "the sample submission's columns; test lacks them"
    draft.set("target", asked if len(asked) > 1 else asked[0], why)
    if not others:
        return
    zeros = dict.fromkeys(others)
    # Of one target that is a number each column says what it holds.
    named = {asked[0]: asked[0]} if len(asked) == 1 else {}
    draft.set("submission.columns", named | zeros)
    draft.look.append(
        f"target: the sample submission also asks for {few(others)}, which no column of the "
        "training table is called; 0 is written there"
    )


def _class_columns(only: pd.DataFrame, columns: Sequence[str]) -> str | None:
    """The column whose values name the sample's columns, alone or after a prefix."""
    if len(columns) < 2:
        return None
    for name in only:
        labels = [str(label).lower() for label in only[name].dropna().unique()]
        named = [one for one in columns if any(one.lower().endswith(label) for label in labels)]
        if len(labels) >= 2 and len(named) >= max(2, len(labels)):
            return str(name)
    return None


def _last(only: list[str]) -> str:
    if len(only) == 1:
        return "the only column that test lacks"
    return "the last of the columns that test lacks"


def _tell_of_others(draft: Draft, others: list[str]) -> None:
    if others:
        draft.look.append(
            f"target: test also lacks {few(others)}, which is dropped; set target to it if that "
            "is what is asked for"
        )
