"""What the sample submission asks for: what each of its columns holds, and in which spelling."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any

import numpy as np
import pandas as pd

from podium.config import Competition
from podium.data.booleans import WORDS, spelling
from podium.io.csv_files import SAMPLE, few
from podium.io.errors import PodiumError, SettingError
from podium.io.text import nearest, printable

OPTION = "submission: {columns: {%s}}"
OF_LABELS = "accuracy (or another of labels: 'podium metrics')"
OF_PROBABILITIES = "logloss (or another of probabilities: 'podium metrics')"


@dataclass(frozen=True)
class Form:
    """What a submission has after its ids.

    ``kind`` is ``values``, ``labels``, ``probabilities``, ``one_hot``: 1 in the predicted class's
    column, 0 in the others, ``ranking``: the ``top`` most probable labels, separated by blanks, or
    ``labels_of_each``: labels of several targets of two classes, by column in ``labels_of``.
    ``columns`` has, by column of the sample, the column of predictions that it shows; None for a
    class that no training row has, or a column that is 0. ``labels`` are the classes in code order
    as they are to be spelled. ``whole``: the values are labels in order, whole numbers that are
    written as such.
    """

    kind: str
    columns: Mapping[str, int | None]
    labels: tuple[str, ...] = ()
    top: int = 1
    whole: bool = False
    labels_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def form_of(sample: pd.DataFrame, classes: Sequence[str], competition: Competition) -> Form:
    """What the sample submission asks for, checked against what will be written.

    Args:
        sample: the sample submission, its values as text.
        classes: the class names in code order; none for regression.
        competition: its task, metric and ``submission`` say what is written.

    Raises:
        PodiumError: a column fits no class, a class no column, or the sample's values are of
            another kind than what the metric scores, or none of its labels is a class.
    """
    columns = [str(column) for column in sample.columns[1:]]
    if not columns:
        raise PodiumError(f"{SAMPLE}: has no column but the id; expected one to predict")
    check_option(columns, competition)
    if competition.task == "regression":
        return _values(sample, columns, competition)
    wanted = competition.submission.values
    kind = competition.scoring.needs if wanted == "auto" else wanted
    if kind == "ranking":
        return _ranking(sample, classes, competition)
    if wanted == "auto":
        _check_values(sample, classes, competition)
    if len(columns) == 1:
        return _one_column(sample, classes, competition, kind)
    kind = "one_hot" if kind == "labels" else kind
    return Form(kind, _matched(columns, classes, competition))


def check_option(columns: list[str], competition: Competition) -> None:
    """Check that ``submission.columns`` names columns of the sample submission.

    Raises:
        PodiumError: there is no such column.
    """
    for column in competition.submission.columns:
        if column not in columns:
            raise SettingError(
                (competition.name, "submission", "columns", column),
                f"no column '{printable(column)}' in {SAMPLE}; {nearest(column, columns)}",
            )


def _values(sample: pd.DataFrame, columns: list[str], competition: Competition) -> Form:
    named, target = competition.submission.columns, competition.target
    for column in columns:
        if len(columns) > 1 and column not in named:
            option = OPTION % f"{printable(columns[0])}: {target}, {printable(columns[1])}: null"
            raise PodiumError(
                f"{SAMPLE}: has {len(columns)} columns after the id ({few(columns)}), and task "
                f"regression predicts one, {target}; name what each holds (null: 0), for example "
                f"{option}; or list all that are to be predicted under target"
            )
        if named.get(column) not in (None, target):
            raise SettingError(
                (competition.name, "submission", "columns", column),
                f"expected the target, {target}, or null",
            )
        texts = _texts(sample[column])
        if texts and not any(_is_number(text) for text in texts):
            raise PodiumError(
                f"{SAMPLE}: column '{printable(column)}' holds text ('{printable(texts[0])}'), and "
                "task regression predicts numbers; set task to binary or multiclass"
            )
    outputs = {name: None if named.get(name, 0) is None else 0 for name in columns}
    return Form("values", outputs, whole=competition.scoring.cut_points)


def _ranking(sample: pd.DataFrame, classes: Sequence[str], competition: Competition) -> Form:
    """One column of several labels, separated by blanks: for MAP@k."""
    column, metric = str(sample.columns[1]), competition.metric
    if len(sample.columns) != 2:
        raise PodiumError(
            f"{SAMPLE}: has {len(sample.columns) - 1} columns after the id, and {metric} asks for "
            "one, of labels separated by blanks; set metric to logloss, or submission: {values: "
            "probabilities}"
        )
    texts = [label for text in _texts(sample[column]) for label in text.split()]
    labels = _spelled(classes, texts)
    split = [label for label in labels if len(label.split()) != 1]
    if split:
        raise PodiumError(
            f"{competition.target}: class '{printable(split[0])}' has a blank in it, and {metric} "
            "writes labels separated by blanks; rename it in the data, or use another metric"
        )
    if texts and not any(text in labels for text in texts):
        raise PodiumError(
            f"{SAMPLE}: column '{printable(column)}' holds '{printable(texts[0])}', no class of "
            f"{competition.target} ({few(classes)}); {metric} writes labels separated by blanks"
        )
    top = min(int(competition.scoring.parameter or 1), len(classes))
    return Form("ranking", {column: 0}, labels, top)


def _one_column(
    sample: pd.DataFrame, classes: Sequence[str], competition: Competition, kind: str
) -> Form:
    """One column: labels, or the probability of one class."""
    column = str(sample.columns[1])
    if kind == "labels":
        return Form(kind, {column: 0}, _spelled(classes, _texts(sample[column])))
    if column in competition.submission.columns or len(classes) == 2:
        # The second class is the positive one.
        wanted = competition.submission.columns.get(column, classes[1])
        return Form(kind, {column: _class_of(column, str(wanted), classes, competition)})
    raise PodiumError(
        f"{SAMPLE}: has one column, '{printable(column)}', for {len(classes)} classes, and "
        f"{competition.metric} is of a probability for each; set metric to {OF_LABELS} if labels "
        "are asked for"
    )


def _matched(
    columns: list[str], classes: Sequence[str], competition: Competition
) -> dict[str, int | None]:
    """The class of each column: by ``submission.columns``, or by name after a common prefix.

    Raises:
        PodiumError: a column is no class, or a class has not exactly one column.
    """
    named = competition.submission.columns
    prefix = shared_prefix([column for column in columns if column not in named], classes)
    found: dict[str, int | None] = {}
    for column in columns:
        wanted = named.get(column, column.removeprefix(prefix))
        found[column] = None if wanted is None else _class_of(column, wanted, classes, competition)
    for code, name in enumerate(classes):
        own = [column for column in columns if found[column] == code]
        if len(own) != 1:
            what = f"columns {few(own)} all are" if own else "no column is"
            raise PodiumError(
                f"{SAMPLE}: {what} class '{printable(name)}' of {competition.target}; each class "
                f"needs one of its columns ({few(columns)}): name it with "
                f"{OPTION % f'<column>: {printable(name)}'}"
            )
    return found


def shared_prefix(columns: list[str], classes: Sequence[str]) -> str:
    """What columns have before the class's name: ``Status_`` of Status_1, Status_2."""
    shared = commonprefix(columns)
    known = {normal(name) for name in classes}
    # The shared part may take letters of the classes with it: of a_1 and a_10 it is a_1.
    for length in [0, *range(len(shared), 0, -1)]:
        rest = {normal(column[length:]) for column in columns}
        if rest <= known or known <= rest:
            return shared[:length]
    return ""


def _class_of(column: str, wanted: str, classes: Sequence[str], competition: Competition) -> int:
    names = [normal(name) for name in classes]
    if normal(wanted) in names:
        return names.index(normal(wanted))
    raise PodiumError(
        f"{SAMPLE}: column '{printable(column)}' is not a class of {competition.target}; classes: "
        f"{few(classes)}; name the class it holds, or null for one that no training row has, with "
        f"{OPTION % f'{printable(column)}: null'}"
    )


def _check_values(sample: pd.DataFrame, classes: Sequence[str], competition: Competition) -> None:
    """Compare the sample's values with what the metric scores.

    Raises:
        PodiumError: they are labels where probabilities are written, or the other way round.
    """
    metric, known = competition.metric, {normal(name) for name in classes}
    for column in sample.columns[1:]:
        texts = _texts(sample[column])
        if competition.scoring.needs == "labels":
            odd = [text for text in texts if _is_number(text) and float(text) % 1 != 0]
            spelled = _spelled(classes, texts)
            fits = any(normal(text) in known or text in spelled for text in texts)
            if odd and not fits and len(sample.columns) == 2:
                raise PodiumError(
                    f"{SAMPLE}: column '{printable(str(column))}' holds probabilities "
                    f"('{printable(odd[0])}'), and {metric} scores labels; set metric to "
                    f"{OF_PROBABILITIES}, or submission: {{values: labels}} "
                    "(or probabilities) for what is to be written"
                )
            # Another number beside numbers is common: it only fills the place.
            text_asked = not all(map(_is_number, (*texts, *classes)))
            if texts and not fits and text_asked and len(sample.columns) == 2:
                raise PodiumError(
                    f"{SAMPLE}: column '{printable(str(column))}' holds '{printable(texts[0])}', "
                    f"no class of {competition.target} ({few(classes)}); if it only fills the "
                    "place, set submission: {values: labels}"
                )
            continue
        odd = [text for text in texts if not (_is_number(text) and 0 <= float(text) <= 1)]
        if odd:
            raise PodiumError(
                f"{SAMPLE}: column '{printable(str(column))}' holds '{printable(odd[0])}', no "
                f"probability, and {metric} scores probabilities; set metric to "
                f"{OF_LABELS} if labels are asked for, or submission: "
                "{values: probabilities} if they are not"
            )


def _spelled(classes: Sequence[str], texts: Iterable[str]) -> tuple[str, ...]:
    """The classes as the sample's values spell them: booleans, and whole numbers."""
    seen = list(texts)
    if {name.lower() for name in classes} == set(WORDS):
        style = next((text for text in seen if text.lower() in WORDS), classes[0])
        words = spelling("0" if seen and set(seen) <= {"0", "1"} else style)
        return tuple(words[WORDS[name.lower()]] for name in classes)
    if seen and all(map(str.isdecimal, seen)) and all(_is_whole(name) for name in classes):
        return tuple(str(int(float(name))) for name in classes)
    return tuple(classes)


def normal(text: str) -> str:
    """A label's text, equal for the same boolean or number however it is spelled."""
    text = text.strip()
    if text.lower() in WORDS:
        return text.lower()
    return repr(float(text)) if _is_number(text) else text


def _texts(column: "pd.Series[Any]") -> list[str]:
    """The distinct values that are there."""
    texts = (str(value).strip() for value in column.dropna().unique())
    return [text for text in texts if text]


def _is_whole(text: str) -> bool:
    return _is_number(text) and float(text) % 1 == 0


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False
