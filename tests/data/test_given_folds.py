"""Folds that are given: read as they are, and every mistake in one line."""

import numpy as np
import pandas as pd
import pytest

from podium.data.given_folds import file_folds, given_folds
from podium.io.errors import KeyedError

KEYS = ("folds", "column")


@pytest.mark.parametrize(
    "values",
    [
        ["0", "1", None, "-1", "1"],
        [0, 1, np.nan, -1, 1],
        np.array([0, 1, -1, -1, 1]),
        np.array([[0.0], [1.0], [-1.0], [-1.0], [1.0]]),
        pd.Series([0, 1, -1, -1, 1], index=[5, 3, 1, 2, 0]),
    ],
)
def test_minus_1_and_missing_are_never_validated(values):
    assert given_folds(values, 5, KEYS, "fold").tolist() == [[0], [1], [-1], [-1], [1]]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([0, 1], "fold has 2 fold numbers for 5 training rows"),
        (["0", "1", "a", "1", "0"], r"'a' \(line 4\) is no fold"),
        ([0, 1, 0.5, 1, 0], r"'0.5' \(line 4\) is no fold"),
        ([0, 1, -2, 1, 0], r"'-2.*' \(line 4\) is no fold"),
        ([0, 1, np.inf, 1, 0], r"'inf' \(line 4\) is no fold"),
        ([0, 3, 1, 1, 0], "a fold 3 and no fold 2; number them from 0"),
        ([1, 2, 1, 1, 2], "a fold 2 and no fold 0"),
        ([-1] * 5, "no row is validated"),
        ([0] * 5, "one fold of all rows"),
    ],
)
def test_what_is_no_fold_is_named(values, says):
    with pytest.raises(KeyedError, match=says):
        given_folds(values, 5, KEYS, "fold")


def test_one_fold_beside_rows_to_train_on_is_a_holdout():
    assert given_folds([0, 0, -1, -1, -1], 5, KEYS, "fold")[:, 0].tolist() == [0, 0, -1, -1, -1]


IDS = pd.Series(["a", "b", "c", "007"], name="Id")


def test_a_file_gives_folds_by_id_in_any_order(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("fold,Id,note\n1,007,x\n0,a,y\n1,b,\n")
    assert file_folds(path, IDS)[:, 0].tolist() == [0, 1, -1, 1]


def test_ids_that_are_numbers_are_found(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("Id,fold\n2,1\n1,0\n")
    assert file_folds(path, pd.Series([1, 2], name="Id"))[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "folds.path: no file"),
        ("Id,folds\na,0\n", "no column 'fold'; did you mean 'folds'"),
        ("ID,fold\na,0\n", "no column 'Id'; valid: ID, fold"),
        ("Id,fold\na,0\nz,1\n", "has 1 ids that training rows lack: z"),
        ("Id,fold\na,0\nb,x\n", r"own.csv: 'x' \(line 3\)"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, says):
    path = tmp_path / "own.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(KeyedError, match=says):
        file_folds(path, IDS)
