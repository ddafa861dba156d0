"""Makes a submission in the format of the sample submission, and checks one against it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config import Competition
from podium.data.ids import only_one_id
from podium.data.sample_submission import asked
from podium.data.several_forms import form_of_all
from podium.data.several_targets import each_target
from podium.data.submission_form import Form
from podium.data.targets import LEAST, Target
from podium.io import paths
from podium.io.csv_files import SAMPLE, few, read_csv
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.metrics import Metric


def read_sample(competition: Competition, classes: Sequence[str]) -> pd.DataFrame:
    """The sample submission as text, as Kaggle gave it, or as task and metric ask for it.

    Raises:
        PodiumError: it is missing or not a csv.
    """
    sample = read_csv(paths.raw(competition.name) / SAMPLE, na_values=[])
    sample = only_one_id(SAMPLE, sample, competition.id_columns)
    return asked(sample, classes, competition)


def read_form(competition: Competition, target: Target) -> tuple[pd.DataFrame, Form]:
    """The sample submission, and what it asks for of one target or several.

    Raises:
        PodiumError: as ``read_sample`` and ``form_of_all``.
    """
    sample = read_sample(competition, target.classes)
    classes_of = [own.target.classes for own in each_target(target)]
    return sample, form_of_all(sample, classes_of, competition)


def make_submission(
    sample: pd.DataFrame,
    test_ids: "pd.Series[Any]",
    prediction: NDArray[np.float64],
    form: Form,
) -> pd.DataFrame:
    """A submission with the sample's ids, order and columns.

    Args:
        sample: the sample submission, its first column the id.
        test_ids: the id of each row of ``prediction``.
        prediction: decoded predictions, shape (test rows, outputs).
        form: what the sample's columns ask for.
    """
    position = pd.Series(np.arange(len(test_ids)), index=test_ids.to_numpy())
    order = position.loc[sample.iloc[:, 0]].to_numpy()
    submission = pd.DataFrame({sample.columns[0]: sample.iloc[:, 0].to_numpy()})
    for column, output in form.columns.items():
        submission[column] = _column(prediction, form, output, column)[order]
    return submission


def _column(
    prediction: NDArray[np.float64], form: Form, output: int | None, column: str
) -> NDArray[Any]:
    """What a column of the sample gets, by row of ``prediction``."""
    if form.kind == "labels_of_each" and output is not None:
        pair = prediction[:, [output - 1, output]]
        return np.array(form.labels_of[column])[pair.argmax(axis=1)]
    if form.kind == "labels":
        return np.array(form.labels)[prediction.argmax(axis=1)]
    if form.kind == "ranking":
        places = np.argsort(-prediction, axis=1, kind="stable")[:, : form.top]
        return np.array([" ".join(row) for row in np.array(form.labels)[places]], dtype=object)
    if form.kind == "one_hot":
        return (prediction.argmax(axis=1) == (-1 if output is None else output)).astype(np.int64)
    values = np.zeros(len(prediction)) if output is None else prediction[:, output]
    return values.astype(np.int64) if form.whole and (values % 1 == 0).all() else values


def check_submission(
    submission: pd.DataFrame,
    sample: pd.DataFrame,
    form: Form,
    target: Target,
    metric: Metric,
    name: str,
) -> None:
    """Refuse what Kaggle would reject, and impossible values.

    Args:
        submission: the submission; its values may still be text.
        sample: the sample submission, as text.
        form: decides whether labels, probabilities or numbers are expected.
        target: the kind of target.
        metric: the least value it takes.
        name: the submission's name in error messages.

    Raises:
        PodiumError: columns, ids or their order differ from the sample; a label is not a class; or
            a value is not a number, not finite, or out of range.
    """
    if list(submission.columns) != list(sample.columns):
        raise PodiumError(
            f"{name}: columns are {_quoted(submission.columns)}, expected "
            f"{_quoted(sample.columns)} as in {SAMPLE}, in this order"
        )
    _check_ids(submission.iloc[:, 0].astype(str), sample.iloc[:, 0].astype(str), name)
    values = submission.iloc[:, 1:]
    if form.kind == "labels":
        known = values.astype(str).isin(list(form.labels)).to_numpy()
        _refuse(submission, ~known, f"none of the classes {few(form.labels)}", name)
        return
    if form.kind == "labels_of_each":
        _check_labels_of_each(submission, form, name)
        return
    if form.kind == "ranking":
        wrong = values.astype(str).map(lambda text: not _is_ranking(text, form))
        what = f"not {form.top} different classes of {few(form.labels)}, separated by blanks"
        _refuse(submission, wrong.to_numpy(), what, name)
        return
    numbers = values.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    _refuse(submission, np.isnan(numbers), "not a number", name)
    _refuse(submission, ~np.isfinite(numbers), "not a finite number", name)
    if not target.is_regression:
        _refuse(submission, (numbers < 0) | (numbers > 1), "not a probability from 0 to 1", name)
        if form.kind == "one_hot":
            _refuse(submission, (numbers != 0) & (numbers != 1), "neither 0 nor 1", name)
        return
    # A column that holds no prediction is 0 throughout.
    held = [place for place, output in enumerate(form.columns.values()) if output is not None]
    submission = submission.iloc[:, [0, *(place + 1 for place in held)]]
    numbers = numbers[:, held]
    if target.transform in LEAST:
        lowest_is_wrong = numbers <= 0 if target.transform == "log" else numbers < 0
        _refuse(submission, lowest_is_wrong, "not positive", name)
    _refuse(submission, metric.below(numbers), metric.below_in_words, name)


def _check_labels_of_each(submission: pd.DataFrame, form: Form, name: str) -> None:
    for column, labels in form.labels_of.items():
        own = submission[[submission.columns[0], column]]
        known = own[[column]].astype(str).isin(list(labels)).to_numpy()
        _refuse(own, ~known, f"none of the classes {few(labels)} of {printable(column)}", name)


def _is_ranking(text: str, form: Form) -> bool:
    labels = text.split()
    return len(set(labels)) == len(labels) == form.top and set(labels) <= set(form.labels)


def _quoted(columns: Iterable[object]) -> str:
    """Names in quotes, so that leading or trailing spaces are visible."""
    return few(f"'{printable(str(column))}'" for column in columns)


def _check_ids(ids: "pd.Series[Any]", wanted: "pd.Series[Any]", name: str) -> None:
    if len(ids) != len(wanted):
        raise PodiumError(f"{name}: has {len(ids)} rows, {SAMPLE} has {len(wanted)}")
    other = ids.to_numpy() != wanted.to_numpy()
    if other.any():
        first = int(other.argmax())
        raise PodiumError(
            f"{name}:{first + 2}: the id is '{printable(ids.iloc[first])}', expected "
            f"'{printable(wanted.iloc[first])}' as in {SAMPLE} ({int(other.sum())} such rows); ids "
            "and their order must be those of the sample"
        )


def _refuse(submission: pd.DataFrame, bad: NDArray[np.bool_], what: str, name: str) -> None:
    rows = bad.any(axis=1)
    if rows.any():
        first = int(rows.argmax())
        value = printable(str(submission.iloc[first, 1 + int(bad[first].argmax())]))
        raise PodiumError(
            f"{name}:{first + 2}: '{value}' for id {submission.iloc[first, 0]} is {what} "
            f"({int(rows.sum())} such rows); check the models' test.parquet, and run 'dvc repro'"
        )
