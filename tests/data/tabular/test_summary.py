"""The summary of columns, where folds differ in those that they learn."""

from learnt_help import CATEGORICAL, NUMERIC, tables
from podium.config import Preprocess
from podium.data.tabular.summary import summarize
from podium.data.tabular.transform import fit_transform_on


def test_a_column_of_other_folds_only_has_a_row():
    typed, spec = tables(), Preprocess()
    transform = fit_transform_on(typed.train, NUMERIC, CATEGORICAL, spec, 100, dense_only=[])
    found = summarize(typed, transform, spec, {}, {"a * b": "automatic, chosen in 1 of 3 folds"})
    (row,) = found[found["column"] == "a * b"].to_dict("records")
    assert row["treatment"] == "automatic, chosen in 1 of 3 folds, not in the first"
