"""What the sample submission asks for where there are several targets: a column for each."""

from collections.abc import Mapping, Sequence

import pandas as pd

from podium.config import Competition
from podium.data.submission_form import OPTION, Form, check_option, form_of
from podium.io.csv_files import SAMPLE, few
from podium.io.errors import PodiumError
from podium.io.text import printable

# Class names in code order of each target; none for regression.
ClassesOf = Sequence[Sequence[str]]


def form_of_all(sample: pd.DataFrame, classes_of: ClassesOf, competition: Competition) -> Form:
    """What the sample submission asks for of one target or several, checked as by ``form_of``.

    Raises:
        PodiumError: as ``form_of``; or a target has not exactly one column, or a column no target.
    """
    if len(competition.targets) == 1:
        return form_of(sample, classes_of[0], competition)
    alone = alone_of_each(sample, competition)
    forms = [
        form_of(own, classes, block)
        for (own, block), classes in zip(alone.values(), classes_of, strict=True)
    ]
    found: dict[str, int | None] = {str(column): None for column in sample.columns[1:]}
    labels: dict[str, tuple[str, ...]] = {}
    start = 0
    for form, classes in zip(forms, classes_of, strict=True):
        ((column, output),) = form.columns.items()
        # Of labels the second class's.
        place = 1 if form.kind == "labels" else output
        found[column] = None if place is None else start + place
        labels[column] = form.labels
        start += max(len(classes), 1)
    if forms[0].kind == "labels":
        return Form("labels_of_each", found, labels_of=labels)
    return Form(forms[0].kind, found, whole=all(form.whole for form in forms))


def alone_of_each(
    sample: pd.DataFrame, competition: Competition
) -> dict[str, tuple[pd.DataFrame, Competition]]:
    """The sample submission and the competition as they would be with each target alone.

    Raises:
        PodiumError: a target has not exactly one column, or a column no target.
    """
    columns, named = [str(name) for name in sample.columns[1:]], competition.submission.columns
    check_option(columns, competition)
    held = _columns_of(columns, named, competition)
    found = {}
    for name in competition.targets:
        column = held[name]
        is_class = named.get(column) not in (None, name)
        own = {column: named[column]} if is_class else {}
        submission = competition.submission.model_copy(update={"columns": own})
        block = competition.of_target(name).model_copy(update={"submission": submission})
        found[name] = sample[[sample.columns[0], column]], block
    return found


def _columns_of(
    columns: Sequence[str], named: Mapping[str, str | None], competition: Competition
) -> dict[str, str]:
    """The column of each target: by ``submission.columns``, or of its name."""
    targets = competition.targets
    held: dict[str, list[str]] = {name: [] for name in targets}
    for column in columns:
        wanted = named.get(column, column)
        if wanted is None:
            continue
        # What is named may be a class of the target whose column it is.
        owner = wanted if wanted in targets else column
        if owner not in targets:
            raise PodiumError(
                f"{SAMPLE}: column '{printable(column)}' is none of the targets "
                f"({few(targets)}); add it to target, or name the target that it holds (null: 0) "
                f"with {OPTION % f'{printable(column)}: null'}"
            )
        held[owner].append(column)
    for name, own in held.items():
        if len(own) != 1:
            what = f"columns {few(own)} all are" if own else "no column is"
            raise PodiumError(
                f"{SAMPLE}: {what} target '{printable(name)}'; each needs one of its columns "
                f"({few(columns)}): name it with {OPTION % f'<column>: {printable(name)}'}"
            )
    return {name: own for name, (own,) in held.items()}
