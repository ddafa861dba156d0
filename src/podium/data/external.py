"""Tables of predictions that were made elsewhere: read, and checked against the dataset's rows."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from podium.config.ids import columns_of
from podium.data.given_folds import FOLD, MISSING
from podium.data.ids import with_one_id
from podium.data.submission_form import normal, shared_prefix
from podium.data.targets import Target
from podium.io.csv_files import check_ids, few, read_csv, read_header
from podium.io.errors import PodiumError
from podium.io.text import printable

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]
# How far probabilities of a row may be from a sum of 1: they may be rounded to a few digits.
TOLERANCE = 1e-3
LABELS = "; labels are not enough: models are combined by the classes' probabilities"
# What a transform's numbers must be above.
ABOVE = {"log": 0.0, "log1p": -1.0}


def read_table(path: Path, id_name: str) -> pd.DataFrame:
    """A csv or Parquet file, its rows named by their ids as text.

    Args:
        path: the file.
        id_name: the id's column; of several all, as they are joined (``data/ids.py``). The file has
            them joined, or each.

    Raises:
        PodiumError: there is no such file, it can't be read, it lacks the ids, or one is there
            twice.
    """
    if not path.is_file():
        raise PodiumError(f"no file '{printable(str(path))}'; put the predictions there")
    parts = columns_of(id_name)
    table = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path, [id_name, *parts])
    if id_name not in table:
        for part in parts:
            if part not in table:
                raise PodiumError(f"{path.name} has no id column '{printable(part)}'; add it")
        ids = table[parts].astype("string").astype(object)
        table = with_one_id(path.name, table.assign(**ids), parts).drop(columns=parts)
    table = table.assign(**{id_name: table[id_name].astype("string").astype(object)})
    check_ids(path.name, table, id_name)
    return table.set_index(id_name)


def _csv(path: Path, ids: Sequence[str]) -> pd.DataFrame:
    verbatim = [name for name in read_header(path) if name in ids]
    return read_csv(path, MISSING, verbatim=verbatim)


def _parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except Exception as error:
        # The reader's own kinds of error are many.
        what = printable(str(error).splitlines()[0])
        raise PodiumError(f"{path.name}: not a Parquet file: {what}; save it again") from None
    # A saved index may hold the ids.
    table = table.reset_index() if table.index.name is not None else table
    return table.rename(columns=str)


def in_order(
    table: pd.DataFrame,
    ids: "pd.Series[Any]",
    needed: Mask,
    file: str,
    rows: str,
    other_ids: "pd.Series[Any]",
) -> pd.DataFrame:
    """The rows in the order of ``ids``, missing where they are not ``needed`` and not there.

    Args:
        table: the file's rows by id.
        ids: the rows that there are, shape (n,).
        needed: which of them must be in the table, shape (n,).
        file: its name, and ``rows`` what the rows are, for errors.
        other_ids: those of the test rows, if these are the training rows, and the other way round.

    Raises:
        PodiumError: it lacks a row, or has one that is not among ``ids``.
    """
    own = pd.Index(ids.astype(str))
    unknown = table.index.difference(own, sort=False)
    if len(unknown):
        swapped = len(unknown) == len(table) and unknown.isin(other_ids.astype(str)).all()
        advice = "; swap oof and test" if swapped else ""
        raise PodiumError(
            f"{file} has {len(unknown)} ids that {rows} rows lack: {few(unknown)}{advice}"
        )
    absent = own[needed].difference(table.index, sort=False)
    if len(absent):
        raise PodiumError(
            f"{file} lacks predictions of {len(absent)} of the {int(needed.sum())} {rows} rows; "
            f"add those with the ids {few(absent)}"
        )
    return table.reindex(own)


def prediction_columns(
    header: Sequence[str], target: Target, named: Mapping[str, str], name: str, alone: bool
) -> list[str]:
    """The columns with a target's predictions: as Podium's own files have them, or a submission.

    Args:
        header: the table's columns beside the ids.
        target: a single target.
        named: what columns hold, as params.yaml says.
        name: the target's name.
        alone: whether there is no other target.

    Returns:
        One for each output; for two classes a single one has the second's probability.

    Raises:
        PodiumError: there are none.
    """
    if set(target.columns) <= set(header):
        return target.columns
    for column in named:
        if column not in header:
            raise PodiumError(
                f"no column '{printable(column)}', which columns names; {few(header)}"
            )
    others = [one for one in header if one != FOLD and not one.startswith("true_")]
    of_target = [column for column in others if named.get(column, column) == name]
    if not of_target and alone and len(others) == 1 and others[0] not in named:
        of_target = others
    if len(target.columns) <= 2 and len(of_target) == 1 and not (alone and len(others) > 1):
        return of_target
    found = {} if target.is_regression else _by_class(others, target.classes, named)
    if len(found) == target.outputs and (len(found) == len(others) or not alone):
        return [found[code] for code in range(target.outputs)]
    single = f", or '{name}' alone" if target.outputs <= 2 else ", or the classes"
    raise PodiumError(
        f"expected the columns {few(target.columns)}{single}, found {few(header)}; rename them, or "
        "say under columns what each holds"
    )


def _by_class(columns: Sequence[str], classes: Sequence[str], named: Mapping[str, str]) -> Any:
    """The column of each class's code, by its name after what all columns begin with."""
    prefix = shared_prefix([column for column in columns if column not in named], classes)
    codes = {normal(name): code for code, name in enumerate(classes)}
    held = {column: normal(named.get(column, column.removeprefix(prefix))) for column in columns}
    return {codes[name]: column for column, name in held.items() if name in codes}


def predictions(table: pd.DataFrame, columns: Sequence[str], needed: Mask, target: Target) -> Array:
    """The columns as numbers on the target's own scale, or probabilities, shape (n, outputs).

    Raises:
        PodiumError: a value is missing or no finite number, no probability, or can't be on the
            scale of the target's transform.
    """
    numbers = table[list(columns)].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
    odd = needed[:, None] & ~np.isfinite(numbers)
    if odd.any():
        missing = odd & table[list(columns)].isna().to_numpy()
        if missing.any():
            raise _odd(table, columns, missing, "is there; give every row a prediction")
        what = "is no finite number" if target.is_regression else f"is no probability{LABELS}"
        raise _odd(table, columns, odd, what)
    values = np.where(needed[:, None], numbers, np.nan)
    if not target.is_regression:
        return _probabilities(table, columns, values, target)
    too_low = values <= ABOVE.get(target.transform, -np.inf)
    too_low |= (values < 0) & (target.transform == "sqrt")
    if too_low.any():
        what = f"is too low for target_transform {target.transform}"
        raise _odd(table, columns, too_low, f"{what}; give numbers on the target's own scale")
    return values


def _odd(table: pd.DataFrame, columns: Sequence[str], odd: Mask, what: str) -> PodiumError:
    """The error about the first odd value, which names its column and id."""
    row, column = map(int, np.argwhere(odd)[0])
    value = table[columns[column]].iloc[row]
    quoted = "nothing" if pd.isna(value) else f"'{printable(str(value)[:40])}'"
    return PodiumError(
        f"{columns[column]}: {quoted} (id {printable(str(table.index[row]))}) {what} "
        f"({int(odd.any(axis=1).sum())} such rows)"
    )


def _probabilities(
    table: pd.DataFrame, columns: Sequence[str], values: Array, target: Target
) -> Array:
    """Probabilities of all classes, checked."""
    outside = (values < -TOLERANCE) | (values > 1 + TOLERANCE)
    if outside.any():
        raise _odd(table, columns, outside, "is no probability; give numbers from 0 to 1")
    there = values[~np.isnan(values).any(axis=1)]
    if len(columns) < target.outputs:
        if np.isin(there, (0.0, 1.0)).all():
            second = printable(target.classes[1])
            raise PodiumError(
                f"{columns[0]} has only 0 and 1, and the probability of class '{second}' is "
                f"expected{LABELS}"
            )
        values = np.concatenate([1.0 - values, values], axis=1)
        return np.clip(values, 0.0, 1.0)
    off = np.abs(values.sum(axis=1, keepdims=True) - 1.0) > TOLERANCE
    if off.any():
        row = int(np.argmax(off))
        raise PodiumError(
            f"probabilities of id {printable(str(table.index[row]))} sum to "
            f"{values[row].sum():.4g}, expected 1 ({int(off.sum())} such rows)"
        )
    return np.clip(values, 0.0, 1.0)


def rows_on_other_folds(given: "pd.Series[Any]", folds: Rows, needed: Mask) -> int:
    """How many rows are in another fold than here, whatever the folds are called.

    Args:
        given: the folds of a file, shape (n,); a missing one is another fold.
        folds: the folds here, shape (n,).
        needed: the rows that are compared, shape (n,).
    """
    from scipy.optimize import linear_sum_assignment

    shared = pd.crosstab(given.astype(str).to_numpy()[needed], folds[needed]).to_numpy()
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return int(needed.sum() - shared[rows, columns].sum())
