"""True and false, however they are spelled."""

import pandas as pd
import pytest

from podium.data.booleans import as_boolean, in_title_case, spelled_as


def test_words_and_numbers_are_one_and_zero():
    found = as_boolean(pd.Series(["TRUE", "False", "true", "1", "0.0", None, "yes"]))
    assert found.tolist()[:5] == [1, 0, 1, 1, 0]
    assert found.isna().tolist()[5:] == [True, True]


def test_other_words_keep_their_case():
    assert in_title_case(pd.Series(["TRUE", "n/k", None])).tolist()[:2] == ["True", "n/k"]


@pytest.mark.parametrize(
    ("labels", "sample", "expected"),
    [
        (["TRUE", "FALSE"], ["False"], ["True", "False"]),
        (["True", "False"], ["false", "true"], ["true", "false"]),
        (["True", "False"], ["0"], ["1", "0"]),
        (["1", "0"], ["FALSE"], ["TRUE", "FALSE"]),
        (["TRUE", "False"], [], ["TRUE", "FALSE"]),
        (["TRUE", "False"], ["0.5"], ["TRUE", "FALSE"]),
        (["1", "0"], ["0.5"], ["1", "0"]),
        (["True", "maybe"], ["false"], ["True", "maybe"]),
        (["2", "1"], ["1"], ["2", "1"]),
    ],
)
def test_labels_are_spelled_as_the_sample_does(labels, sample, expected):
    assert spelled_as(pd.Series(labels), sample).tolist() == expected
