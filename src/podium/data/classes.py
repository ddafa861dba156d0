"""Checks shared by tables and images: named columns, labels as codes, the sample's columns."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition
from podium.data.sample_submission import asked
from podium.data.submission_form import form_of, normal
from podium.io.csv_files import few, no_bad_rows
from podium.io.errors import PodiumError, SettingError
from podium.io.text import nearest, printable


def check_named_columns(
    name: str,
    columns: Iterable[str],
    competition: Competition,
    keys: Sequence[str] = ("id", "target"),
) -> None:
    """Check that file ``name`` has the columns that params.yaml names under ``keys``.

    Raises:
        PodiumError: one of them is missing.
    """
    there = list(columns)
    of_key = {"id": competition.id_columns, "target": competition.targets}
    for key, column in [(one, column) for one in keys for column in of_key[one]]:
        if column not in there:
            also = f", or add a column '{column}' of row numbers to {name}" if key == "id" else ""
            raise PodiumError(
                f"{name}: no {key} column '{column}'; {nearest(column, there)}; "
                f"set {competition.name}.{key} in params.yaml{also}"
            )


def encode_classes(
    name: str, text: "pd.Series[Any]", competition: Competition
) -> tuple[NDArray[np.float64], list[str]]:
    """Labels as codes, shape (n,), and the class names in code order.

    Without the key ``classes`` numbers are in order by their size, and texts by the alphabet.

    Args:
        name: the file with the labels.
        text: the labels, by the rows of that file.
        competition: its task limits the number of classes.

    Raises:
        PodiumError: a label is missing or not among ``classes``, or the number of classes doesn't
            fit the task.
    """
    no_bad_rows(name, text, text.isna(), "is missing; every training row needs a target")
    classes = _in_order(name, list(text.unique()), competition)
    if len(classes) < 2 or (competition.task == "binary" and len(classes) != 2):
        raise PodiumError(
            f"{name}: {competition.target} has {len(classes)} classes ({few(classes)}), "
            f"which does not fit task '{competition.task}'"
        )
    codes = text.map({label: code for code, label in enumerate(classes)})
    return codes.to_numpy(dtype=np.float64), classes


def _in_order(name: str, labels: list[str], competition: Competition) -> list[str]:
    """The labels that there are, in the order of ``classes`` if that is given."""
    given = competition.classes
    if not given:
        return sorted(labels, key=_order)
    places = {normal(label): place for place, label in enumerate(given)}
    odd = [label for label in labels if normal(label) not in places]
    if odd:
        raise SettingError(
            (competition.name, "classes"),
            f"{competition.target} is '{printable(odd[0])}' in {name}, which is not among them; "
            "list every class, in order",
        )
    return sorted(labels, key=lambda label: places[normal(label)])


def check_labels(
    name: str, text: "pd.Series[Any]", sample: pd.DataFrame, competition: Competition
) -> None:
    """Check that labels and the sample submission's columns fit the task and each other.

    Raises:
        PodiumError: as ``encode_classes`` and ``form_of``.
    """
    _, classes = encode_classes(name, text, competition)
    form_of(asked(sample, classes, competition), classes, competition)


def _order(name: str) -> tuple[bool, float, str]:
    """The sort key of classes: first numbers by value, then text."""
    try:
        return (False, float(name), name)
    except ValueError:
        return (True, 0.0, name)
