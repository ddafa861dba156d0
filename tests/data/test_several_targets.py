"""Several targets: their names, what params.yaml may say, what a submission has of each."""

import numpy as np
import pandas as pd
import pytest

from podium.config import Source, Submission
from podium.data.sample_submission import asked
from podium.data.several_forms import form_of_all
from podium.data.several_targets import each_target, make_target, scored_by
from podium.data.tabular.read import read_targets
from podium.ensemble.submission import check_submission, make_submission
from podium.io.errors import PodiumError
from podium.metrics import METRICS
from projects import HOUSES, run_podium
from several_help import block

NUMBERS = make_target("regression", "none", ["y", "z"], [[], []])
CLASSES = make_target("binary", "none", ["y", "z"], [["no", "yes"], ["0", "1"]])
CLASSES_OF = [["no", "yes"], ["0", "1"]]
IDS = ["7", "8"]


def sample(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, **columns}, dtype=object)


def test_columns_name_the_target():
    assert NUMBERS.columns == ["prediction_y", "prediction_z"]
    assert CLASSES.columns == ["prob_y_no", "prob_y_yes", "prob_z_0", "prob_z_1"]
    assert CLASSES.columns_without(0)[-1] == "prob_z_1_without_fold0"


def test_labels_of_targets_are_names_of_files():
    target = make_target("regression", "none", ["a/b", "a b", "c"], [[], [], []])
    assert [own.label for own in each_target(target)] == ["a_b-0", "a_b-1", "c"]
    assert [own.file("worst") for own in each_target(NUMBERS)] == ["worst-y", "worst-z"]


def test_a_single_target_is_as_it_was():
    target = make_target("regression", "log", ["y"], [[]])
    (own,) = each_target(target)
    y, prediction = np.arange(3.0), np.ones((3, 1))
    assert own.y(y) is y
    assert (own.key("cv"), own.file("worst")) == ("cv", "worst")
    assert np.shares_memory(own.of(prediction), prediction)
    assert target.columns == ["prediction"]
    assert scored_by(target, METRICS["rmse"]) is METRICS["rmse"]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"target": []}, "target: expected a column, or several different ones: [height, width]"),
        ({"target": ["SalePrice", "SalePrice"]}, "several different ones"),
        ({"target": ["SalePrice", "Id"]}, "target: 'Id' is the id column too"),
        ({"target": ["SalePrice", 3]}, "target: expected names of columns"),
        ({"target": ["LotArea", "YrSold"], "task": "multiclass", "metric": "accuracy",
          "target_transform": "none"}, "regression or binary, not multiclass; make a block for"),
        ({"target": ["SalePrice", "YrSold"], "folds": {"scheme": "group", "group": "YrSold"}},
         "folds.group: 'YrSold' is the target"),
        ({"target": ["SalePrice", "YrSold"], "preprocess": {"drop": ["YrSold"]}},
         "preprocess.drop: 'YrSold' is the target"),
        ({"target": ["SalePrice", "YrSold"], "features": {"Age": "YrSold - YearBuilt"}},
         "features.Age: 'YrSold' is the target"),
    ],
)  # fmt: skip
def test_what_check_says(keys, message, project):
    project.edit(lambda params: params[HOUSES].update(keys))
    outcome = run_podium("check")
    assert outcome.code == 2
    assert message in outcome.err


def test_a_missing_value_is_one_line_with_its_column():
    train = pd.DataFrame({"y": ["1", "2", "3"], "z": ["1", None, None]})
    with pytest.raises(PodiumError, match=r"train.csv:3: z is missing.* \(2 such rows\)"):
        read_targets(train, block())


def test_classes_are_of_each_target():
    train = pd.DataFrame({"y": ["no", "yes", "no"], "z": ["1", "0", "1"]})
    y, classes_of = read_targets(train, block(task="binary"))
    assert (y.tolist(), classes_of) == ([[0, 1], [1, 0], [0, 1]], CLASSES_OF)
    with pytest.raises(PodiumError, match="z has 3 classes .* does not fit task 'binary'"):
        read_targets(train.assign(z=["0", "1", "2"]), block(task="binary"))


def test_numbers_are_in_the_samples_order():
    table = sample(z="0", y="0")
    form = form_of_all(table, [[], []], block())
    prediction = np.array([[1.5, 10.0], [2.5, 20.0]])
    made = make_submission(table, pd.Series(IDS), prediction, form)
    assert made.to_csv(index=False).splitlines() == ["id,z,y", "7,10.0,1.5", "8,20.0,2.5"]
    check_submission(made, table, form, NUMBERS, METRICS["rmse"], "s.csv")
    with pytest.raises(PodiumError, match="s.csv:3: 'nan' for id 8 is not a number"):
        check_submission(made.assign(z=[1, None]), table, form, NUMBERS, METRICS["rmse"], "s.csv")


def test_probabilities_are_of_the_second_class_of_each():
    table = sample(y="0.5", z="0.5")
    form = form_of_all(table, CLASSES_OF, block(task="binary"))
    made = make_submission(table, pd.Series(IDS), np.array([[0.9, 0.1, 0.3, 0.7]] * 2), form)
    assert made[["y", "z"]].to_numpy().tolist() == [[0.1, 0.7]] * 2
    wrong = made.assign(z=7)
    with pytest.raises(PodiumError, match="not a probability"):
        check_submission(wrong, table, form, CLASSES, METRICS["auc"], "s.csv")


def test_labels_are_spelled_as_each_column_has_them():
    table = sample(z="1", y="yes")
    form = form_of_all(table, CLASSES_OF, block(task="binary", metric="accuracy"))
    prediction = np.array([[0.9, 0.1, 0.3, 0.7], [0.2, 0.8, 0.6, 0.4]])
    made = make_submission(table, pd.Series(IDS), prediction, form)
    assert made.to_csv(index=False).splitlines() == ["id,z,y", "7,1,no", "8,0,yes"]
    check_submission(made, table, form, CLASSES, METRICS["accuracy"], "s.csv")
    wrong = made.assign(z=["no", "0"])
    with pytest.raises(PodiumError, match="'no' for id 7 is none of the classes 0, 1 of z"):
        check_submission(wrong, table, form, CLASSES, METRICS["accuracy"], "s.csv")


def test_columns_of_other_names_are_named():
    table = sample(first="0.5", second="0.5", third="0.5")
    with pytest.raises(PodiumError, match="column 'first' is none of the targets .y, z.; add it"):
        form_of_all(table, CLASSES_OF, block(task="binary"))
    named = {"first": "z", "second": None, "third": "y"}
    form = form_of_all(
        table, CLASSES_OF, block(task="binary", submission=Submission(columns=named))
    )
    assert form.columns == {"first": 3, "second": None, "third": 1}
    made = make_submission(table, pd.Series(IDS), np.array([[0.9, 0.1, 0.3, 0.7]] * 2), form)
    assert made.iloc[0, 1:].tolist() == [0.7, 0.0, 0.1]


def test_the_first_class_can_be_asked_for():
    table = sample(y="0.5", z="0.5")
    own = Submission(columns={"y": "no"})
    form = form_of_all(table, CLASSES_OF, block(task="binary", submission=own))
    assert form.columns == {"y": 0, "z": 3}


def test_each_target_has_a_column():
    with pytest.raises(
        PodiumError, match="no column is target 'z'; each needs one of its columns .y.: name"
    ):
        form_of_all(sample(y="0.5"), CLASSES_OF, block(task="binary"))


def test_without_a_sample_the_columns_are_the_targets():
    none = Source.model_validate({"files": {"sample_submission": None}})
    assert list(asked(sample(), [], block(source=none))) == ["id", "y", "z"]
