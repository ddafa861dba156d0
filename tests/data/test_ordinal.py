"""Targets of ordered classes: the order that params.yaml gives, and whole numbers as labels."""

import numpy as np
import pandas as pd
import pytest

from podium.config import load_config
from podium.data.classes import encode_classes
from podium.data.submission_form import form_of
from podium.ensemble.submission import make_submission
from podium.io.errors import PodiumError
from projects import HOUSES

GRADES = ["Poor", "Fair", "Good"]


@pytest.fixture
def competition(project):
    """House prices' block with other keys."""

    def make(**keys: object):
        block = {"target": "y", "target_transform": "none", "metric": "qwk", "features": {}}
        block["models"] = {"ridge": {}}
        project.edit(lambda params: params[HOUSES].update({**block, **keys}))
        return load_config(only=HOUSES)[HOUSES]

    return make


def test_codes_follow_the_given_order(competition):
    labels = pd.Series(["Good", "Poor", "Fair", "Good"], name="y")
    given = competition(task="multiclass", classes=GRADES)
    codes, classes = encode_classes("train.csv", labels, given)
    assert (classes, codes.tolist()) == (GRADES, [2, 0, 1, 2])
    _, alphabet = encode_classes("train.csv", labels, competition(task="multiclass", classes=[]))
    assert alphabet == sorted(GRADES)


def test_the_order_says_which_class_is_positive(competition):
    labels = pd.Series(["no", "yes", "no"], name="y")
    block = competition(task="binary", metric="auc", classes=["yes", "no"])
    codes, classes = encode_classes("train.csv", labels, block)
    assert (classes, codes.tolist()) == (["yes", "no"], [1, 0, 1])


@pytest.mark.parametrize("spelled", [["1", "2", "10"], ["1.0", "2.0", "10.0"]])
def test_numbers_are_named_as_yaml_reads_them(spelled, competition):
    labels = pd.Series(spelled, name="y")
    block = competition(task="multiclass", classes=[10, 2, 1])
    assert encode_classes("train.csv", labels, block)[1] == spelled[::-1]


def test_a_class_that_is_not_listed_is_an_error(competition):
    labels = pd.Series(["Good", "Poor", "Bad"], name="y")
    with pytest.raises(PodiumError, match="classes: y is 'Bad' in train.csv, which is not among"):
        encode_classes("train.csv", labels, competition(task="multiclass", classes=GRADES))


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"task": "regression", "classes": GRADES}, "classes: is for binary and multiclass"),
        ({"task": "multiclass", "classes": ["a", "a"]}, "classes: 'a' is there twice"),
    ],
)
def test_what_check_says(keys, says, competition):
    with pytest.raises(PodiumError, match=says):
        competition(**keys)


def test_labels_that_are_numbers_are_submitted_without_a_point(competition):
    sample = pd.DataFrame({"Id": ["5", "6"], "y": ["3", "3"]})
    decided, fractions = np.array([[2.0], [4.0]]), np.array([[2.5], [4.0]])

    def written(prediction, metric):
        form = form_of(sample, [], competition(task="regression", metric=metric))
        made = make_submission(sample, sample["Id"], prediction, form)
        return made.to_csv(index=False).splitlines()[1:]

    assert written(decided, "qwk") == ["5,2", "6,4"]
    assert written(decided, "rmse") == ["5,2.0", "6,4.0"]
    assert written(fractions, "qwk") == ["5,2.5", "6,4.0"]
