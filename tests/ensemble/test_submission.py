"""The submission has the sample's shape, and what Kaggle would refuse is refused here."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from podium.config import Competition, Submission
from podium.data.submission_form import Form, form_of
from podium.data.targets import Target
from podium.ensemble.submission import check_submission, make_submission
from podium.io.errors import PodiumError
from podium.metrics import METRICS, metric_named

SAMPLE = pd.DataFrame({"Id": ["7", "5", "6"], "SalePrice": [0, 0, 0]})
IDS = pd.Series(["5", "6", "7"], name="Id")
LOG = Target("regression", "log")
RMSLE = METRICS["rmsle"]
CLASSES = Target("multiclass", "none", ("cat", "dog", "owl"))
VALUES = Form("values", {"SalePrice": 0})
PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.6, 0.2]])


def asked(sample: pd.DataFrame, target: Target, metric: str, **submission: object) -> Form:
    """What the sample asks for in a competition of this target and metric."""
    competition = Competition.model_construct(
        name="c",
        task=target.task,
        target="y",
        metric=metric,
        submission=Submission.model_validate(submission),
    )
    return form_of(sample, target.classes, competition)


def made(sample: pd.DataFrame, target: Target, metric: str, **submission: object) -> pd.DataFrame:
    """The submission of ``PROBABILITIES``, checked."""
    form = asked(sample, target, metric, **submission)
    predicted = PROBABILITIES[:, : len(target.classes)]
    table = make_submission(sample, IDS, predicted, form)
    check_submission(table, sample, form, target, metric_named(metric), "submission.csv")
    return table


def test_ids_come_in_the_samples_order():
    table = make_submission(SAMPLE, IDS, np.array([[50.0], [60.0], [70.0]]), VALUES)
    assert table["Id"].tolist() == ["7", "5", "6"]
    assert table["SalePrice"].tolist() == [70.0, 50.0, 60.0]
    check_submission(table, SAMPLE, VALUES, LOG, RMSLE, "submission.csv")


def test_labels_where_the_metric_wants_labels():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "kind": ["cat"] * 3})
    assert made(sample, CLASSES, "accuracy")["kind"].tolist() == ["cat", "owl", "dog"]


def test_a_column_of_probabilities_for_each_class():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "owl": "0", "cat": "0", "dog": "0"})
    assert made(sample, CLASSES, "logloss")["owl"].tolist() == [0.1, 0.7, 0.2]
    with pytest.raises(PodiumError, match="column 'bat' is not a class.*submission: {columns"):
        made(sample.rename(columns={"owl": "bat"}), CLASSES, "logloss")


def test_the_probability_of_the_second_class_for_a_binary_target():
    target = Target("binary", "none", ("0", "1"))
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "y": "0"})
    assert made(sample, target, "auc")["y"].tolist() == [0.2, 0.2, 0.6]
    assert made(sample, target, "auc", columns={"y": 0})["y"].tolist() == [0.7, 0.1, 0.2]


def test_columns_with_a_common_prefix_are_the_classes():
    target = Target("multiclass", "none", ("1", "2", "10"))
    sample = pd.DataFrame(
        {"Id": ["5", "6", "7"], "Status_10": "0", "Status_1": "1", "Status_2": "0"}
    )
    table = made(sample, target, "logloss")
    assert table["Status_10"].tolist() == PROBABILITIES[:, 2].tolist()
    assert table["Status_1"].tolist() == PROBABILITIES[:, 0].tolist()


def test_a_class_that_no_training_row_has_gets_0_where_that_is_said():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "cat": 0, "dog": 0, "owl": 0, "yak": 0})
    with pytest.raises(PodiumError, match=r"column 'yak' is not a class.*columns: \{yak: null\}"):
        made(sample, CLASSES, "logloss")
    table = made(sample, CLASSES, "logloss", columns={"yak": None})
    assert table["yak"].tolist() == [0, 0, 0]
    assert table["owl"].tolist() == PROBABILITIES[:, 2].tolist()


def test_columns_of_other_names_are_mapped():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "a": 0, "b": 0, "c": 0})
    columns = {"a": "owl", "b": "cat", "c": "dog"}
    assert made(sample, CLASSES, "logloss", columns=columns)["b"].tolist() == [0.7, 0.1, 0.2]
    with pytest.raises(PodiumError, match="no column 'aa' in sample_submission.csv; did you mean"):
        made(sample, CLASSES, "logloss", columns={**columns, "aa": "cat"})
    with pytest.raises(PodiumError, match="column 'c' is not a class"):
        made(sample, CLASSES, "logloss", columns={**columns, "c": "bat"})


def test_the_most_probable_labels_are_separated_by_blanks():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "kind": "dog owl"})
    form = asked(sample, CLASSES, "map@2")
    table = made(sample, CLASSES, "map@2")
    assert table["kind"].tolist() == ["cat dog", "owl dog", "dog cat"]
    assert made(sample, CLASSES, "map@9")["kind"].tolist()[0] == "cat dog owl"
    for wrong in ("cat", "cat cat", "cat cow", "cat dog owl", ""):
        with pytest.raises(PodiumError, match="not 2 different classes of cat, dog, owl"):
            check_submission(
                table.assign(kind=wrong), sample, form, CLASSES, metric_named("map@2"), "s.csv"
            )


@pytest.mark.parametrize(
    ("sample", "target", "says"),
    [
        ({"cat": "0", "dog": "0", "owl": "0"}, CLASSES, "has 3 columns after the id, and map@2"),
        ({"kind": "cow"}, CLASSES, "holds 'cow', no class of y"),
        ({"kind": "a b"}, Target("multiclass", "none", ("a", "b", "c d")), "'c d' has a blank in"),
    ],
)
def test_what_can_be_no_ranking_is_one_line(sample, target, says):
    with pytest.raises(PodiumError, match=says):
        asked(pd.DataFrame({"Id": ["5", "6", "7"], **sample}), target, "map@2")


def test_a_class_without_a_column_is_one_line():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "cat": 0, "dog": 0})
    with pytest.raises(PodiumError, match="no column is class 'owl' of y; each class needs one"):
        made(sample, CLASSES, "logloss")


def test_several_classes_in_one_column_can_only_be_labels():
    """It held the last class's probability."""
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "kind": "0.3"})
    with pytest.raises(PodiumError, match="one column, 'kind', for 3 classes, and logloss is of"):
        made(sample, CLASSES, "logloss")


@pytest.mark.parametrize(
    ("metric", "value", "says"),
    [
        ("logloss", "no", "holds 'no', no probability, and logloss scores probabilities; set"),
        ("auc", "2", "holds '2', no probability"),
        (
            "accuracy",
            "0.5",
            r"holds probabilities \('0.5'\), and accuracy scores labels; set metric",
        ),
    ],
)
def test_the_sample_asks_for_something_else(metric, value, says):
    target = Target("binary", "none", ("no", "yes"))
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "y": value})
    with pytest.raises(PodiumError, match=says):
        made(sample, target, metric)
    kind = METRICS[metric].needs
    assert len(made(sample, target, metric, values=kind)) == 3


def test_labels_that_are_no_class_are_one_line():
    """Train has Y and N, and 0 and 1 are asked for: Kaggle would take no such row."""
    target = Target("binary", "none", ("N", "Y"))
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "y": ["0"] * 3})
    with pytest.raises(PodiumError, match=r"holds '0', no class of y \(N, Y\); .*values: labels"):
        asked(sample, target, "accuracy")
    assert made(sample, target, "accuracy", values="labels")["y"].tolist() == ["N", "Y", "Y"]
    # A number in the place of numbers.
    assert made(sample, Target("binary", "none", ("1", "2")), "accuracy")["y"].tolist() == [*"122"]


def test_labels_in_a_column_for_each_class():
    sample = pd.DataFrame({"Id": ["5", "6", "7"], "owl": 0, "cat": 1, "dog": 0})
    table = made(sample, CLASSES, "accuracy")
    assert table[["cat", "dog", "owl"]].to_numpy().tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("True", ["False", "True", "True"]),
        ("FALSE", ["FALSE", "TRUE", "TRUE"]),
        ("false", ["false", "true", "true"]),
        ("0", ["0", "1", "1"]),
    ],
)
@pytest.mark.parametrize("trained", [("FALSE", "TRUE"), ("False", "True")])
def test_booleans_are_spelled_as_in_the_sample(trained, sample, expected):
    target = Target("binary", "none", trained)
    table = pd.DataFrame({"Id": ["5", "6", "7"], "y": sample})
    assert made(table, target, "accuracy")["y"].tolist() == expected
    form = asked(table, target, "accuracy")
    wrong = table.assign(y="tRuE")
    with pytest.raises(PodiumError, match="'tRuE' for id 5 is none of the classes"):
        check_submission(wrong, table, form, target, METRICS["accuracy"], "submission.csv")


def test_a_number_goes_to_a_column_of_another_name():
    plain = Target("regression", "none")
    one = pd.DataFrame({"Id": ["7"], "prediction": "1.5"})
    assert asked(one, plain, "rmse").columns == {"prediction": 0}
    two = one.assign(weight="1")
    with pytest.raises(PodiumError, match=r"2 columns.*predicts one, y; name.*\{prediction: y, "):
        asked(two, plain, "rmse")
    form = asked(two, plain, "rmse", columns={"prediction": "y", "weight": None})
    table = make_submission(two, pd.Series(["7"]), np.array([[2.5]]), form)
    assert table.iloc[0].tolist() == ["7", 2.5, 0.0]
    with pytest.raises(PodiumError, match=r"holds text \('low'\), and task regression"):
        asked(one.assign(prediction="low"), plain, "rmse")


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
        check_submission(bad, SAMPLE, VALUES, LOG, RMSLE, "submission.csv")


@pytest.mark.parametrize(("minimum", "says"), [(0.0, "negative"), (2.0, "below 2.0"), (None, None)])
def test_values_below_the_metrics_domain(minimum, says):
    """On a scale that is not the target's logarithm the metric alone says what can be."""
    metric, plain = replace(RMSLE, minimum=minimum), Target("regression", "none")
    good = SAMPLE.assign(SalePrice=[2.0, 3.0, 4.0])
    check_submission(good, SAMPLE, VALUES, plain, metric, "submission.csv")
    bad = good.assign(SalePrice=[2.0, -0.5, 4.0])
    if says is None:
        check_submission(bad, SAMPLE, VALUES, plain, metric, "submission.csv")
    else:
        with pytest.raises(PodiumError, match=rf"submission.csv:3: '-0.5' for id 5 is {says} \("):
            check_submission(bad, SAMPLE, VALUES, plain, metric, "submission.csv")


@pytest.mark.parametrize(
    ("metric", "good", "bad", "says"),
    [
        ("logloss", "0.5", "1.2", "not a probability"),
        ("accuracy", "cat", "cow", "none of the classes cat, dog, owl"),
    ],
)
def test_probabilities_and_labels_outside_what_they_can_be(metric, good, bad, says):
    sample = pd.DataFrame({"Id": ["7", "5", "6"], "cat": good, "dog": good, "owl": good})
    sample = sample if metric == "logloss" else sample[["Id", "cat"]]
    form = asked(sample, CLASSES, metric)
    check_submission(sample, sample, form, CLASSES, METRICS[metric], "submission.csv")
    wrong = sample.assign(cat=[bad, good, good])
    with pytest.raises(PodiumError, match=f"submission.csv:2: '{bad}' for id 7 is {says}"):
        check_submission(wrong, sample, form, CLASSES, METRICS[metric], "submission.csv")


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
            check_submission(bad, SAMPLE, VALUES, LOG, RMSLE, "submission.csv")
