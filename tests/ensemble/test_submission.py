"""The submission has the sample's shape, and what Kaggle would refuse is refused here."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from podium.data.targets import Target
from podium.ensemble.submission import check_submission, make_submission
from podium.io.errors import PodiumError
from podium.metrics import METRICS

SAMPLE = pd.DataFrame({"Id": ["7", "5", "6"], "SalePrice": [0, 0, 0]})
IDS = pd.Series(["5", "6", "7"], name="Id")
LOG = Target("regression", "log")
RMSLE = METRICS["rmsle"]
CLASSES = Target("multiclass", "none", ("cat", "dog", "owl"))
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.6, 0.2]])


def test_ids_come_in_the_samples_order():
    made = make_submission(SAMPLE, IDS, np.array([[50.0], [60.0], [70.0]]), LOG, RMSLE)
    assert made["Id"].tolist() == ["7", "5", "6"]
    assert made["SalePrice"].tolist() == [70.0, 50.0, 60.0]
    check_submission(made, SAMPLE, LOG, RMSLE, "submission.csv")


def test_labels_where_the_metric_wants_labels():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "kind": ["cat"] * 3})
    made = make_submission(sample, IDS, PROBABILITIES, CLASSES, METRICS["accuracy"])
    assert made["kind"].tolist() == ["cat", "owl", "dog"]
    check_submission(made, sample, CLASSES, METRICS["accuracy"], "submission.csv")


def test_a_column_of_probabilities_for_each_class():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "owl": 0, "cat": 0, "dog": 0})
    made = make_submission(sample, IDS, PROBABILITIES, CLASSES, METRICS["logloss"])
    assert made["owl"].tolist() == [0.1, 0.7, 0.2]
    with pytest.raises(PodiumError, match="column 'bat' is not a class"):
        make_submission(
            sample.rename(columns={"owl": "bat"}), IDS, PROBABILITIES, CLASSES, METRICS["logloss"]
        )


def test_the_probability_of_the_second_class_for_a_binary_target():
    target = Target("binary", "none", ("0", "1"))
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "y": 0})
    made = make_submission(sample, IDS, PROBABILITIES[:, :2], target, METRICS["auc"])
    assert made["y"].tolist() == [0.2, 0.2, 0.6]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (np.nan, "not a number"),
        ("", "not a number"),
        ("1,5", "not a number"),
        (np.inf, "not a finite number"),
        ("1e999", "not a finite number"),
        (0.0, "not positive"),
        ("-3", "not positive"),
    ],
)
def test_bad_values(value, says):
    bad = SAMPLE.assign(SalePrice=pd.Series([1.0, value, 1.0], dtype=object))
    with pytest.raises(PodiumError, match=rf"submission.csv:3: '.*' for id 5 is {says}"):
        check_submission(bad, SAMPLE, LOG, RMSLE, "submission.csv")


@pytest.mark.parametrize(("minimum", "says"), [(0.0, "negative"), (2.0, "below 2.0"), (None, None)])
def test_values_below_the_metrics_domain(minimum, says):
    """On a scale that is not the target's logarithm the metric alone says what can be."""
    metric, plain = replace(RMSLE, minimum=minimum), Target("regression", "none")
    good = SAMPLE.assign(SalePrice=[2.0, 3.0, 4.0])
    check_submission(good, SAMPLE, plain, metric, "submission.csv")
    bad = good.assign(SalePrice=[2.0, -0.5, 4.0])
    if says is None:
        check_submission(bad, SAMPLE, plain, metric, "submission.csv")
    else:
        with pytest.raises(PodiumError, match=rf"submission.csv:3: '-0.5' for id 5 is {says} \("):
            check_submission(bad, SAMPLE, plain, metric, "submission.csv")


def test_probabilities_and_labels_outside_what_they_can_be():
    classes = SAMPLE.rename(columns={"SalePrice": "kind"})
    for metric, value, says in (
        ("logloss", "1.2", "not a probability"),
        ("accuracy", "cow", "none"),
    ):
        good = {"logloss": "0.5", "accuracy": "cat"}[metric]
        check_submission(
            classes.assign(kind=good), classes, CLASSES, METRICS[metric], "submission.csv"
        )
        with pytest.raises(PodiumError, match=f"submission.csv:2: '{value}' for id 7 is {says}"):
            check_submission(
                classes.assign(kind=[value, good, good]),
                classes,
                CLASSES,
                METRICS[metric],
                "submission.csv",
            )


def test_wrong_columns_rows_and_order():
    good = SAMPLE.assign(SalePrice=1.0)
    for bad, says in (
        (good.rename(columns={"SalePrice": "price"}), "columns are"),
        (good.iloc[:2], "has 2 rows, sample_submission.csv has 3"),
        (
            good.iloc[::-1],
            "submission.csv:2: the id is '6', expected '7' as in sample_submission.csv",
        ),
        (good.assign(Id=["7.0", "5.0", "6.0"]), "the id is '7.0'"),
    ):
        with pytest.raises(PodiumError, match=says):
            check_submission(bad, SAMPLE, LOG, RMSLE, "submission.csv")
