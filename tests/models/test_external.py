"""Predictions from files as a model: the same scores as the model that they are of, or an error."""

import numpy as np
import pandas as pd
import pytest

import image_help
from model_help import fit as fit_table
from model_help import make_dataset
from podium.config import ExternalParams, RidgeParams
from podium.data.targets import Target
from podium.io.errors import EstimatorError
from podium.metrics import metric_named
from podium.models import fit_model, fit_targets
from podium.runtime.progress import Reporter
from podium.stages.common import target_of
from several_help import block, table
from several_help import dataset as several_dataset

MULTICLASS = "multiclass"


class Warnings(Reporter):
    def __init__(self):
        self.said = []

    def warn(self, text):
        self.said.append(text)


def written(folder, dataset, target, oof, test, suffix=".parquet"):
    """The files of a model's predictions as the train stage writes them, shuffled."""
    own = target.frame(dataset.train_ids, oof)
    own["true_y"] = 0.0
    own["fold"] = dataset.folds[:, 0]
    tables = {"oof": own, "test": target.frame(dataset.test_ids, test)}
    for name, one in tables.items():
        shuffled = one.sample(frac=1, random_state=0)
        path = folder / f"{name}{suffix}"
        if suffix == ".csv":
            shuffled.to_csv(path, index=False)
        else:
            shuffled.to_parquet(path)
    return ExternalParams(
        model="file", oof=str(folder / f"oof{suffix}"), test=str(folder / f"test{suffix}")
    )


def target_for(dataset, transform="none"):
    return Target(dataset.schema.task, transform, tuple(dataset.schema.classes))


@pytest.mark.parametrize(
    ("task", "repeats", "transform", "suffix"),
    [("regression", 1, "none", ".csv"), ("regression", 2, "rank", ".parquet"),
     ("binary", 1, "none", ".csv"), (MULTICLASS, 2, "none", ".parquet")],
)  # fmt: skip
def test_a_models_own_files_have_its_scores(task, repeats, transform, suffix, tmp_path):
    dataset = make_dataset(task, repeats)
    own = fit_table("ridge", dataset, transform=transform)
    target = target_for(dataset, transform)
    params = written(tmp_path, dataset, target, own.oof, own.test, suffix)
    metric = metric_named("rmse" if task == "regression" else "logloss")
    reporter = Warnings()
    again = fit_model(params, dataset, target, metric, reporter, explain=True)
    assert np.allclose(again.oof, own.oof, rtol=1e-9)
    assert np.allclose(again.test, own.test, rtol=1e-9)
    assert again.score == pytest.approx(own.score)
    if repeats == 1:
        assert again.fold_scores == pytest.approx(own.fold_scores)
    assert again.details[0] == {"folds_checked": 1.0}
    assert not reporter.said
    assert again.explained.importance.empty


def test_so_have_those_of_images_and_of_several_targets(tmp_path):
    images = image_help.make_images()
    own = image_help.fit("ridge", images)
    target = target_for(images)
    params = written(tmp_path, images, target, own.oof, own.test)
    again = fit_model(params, images, target, metric_named("logloss"))
    assert again.score == pytest.approx(own.score)
    competition = block(task="binary")
    data = several_dataset(competition, table("binary"))
    both = target_of(competition, data.schema)
    ridge = RidgeParams(model="ridge", alphas=[1.0], inner_folds=2)
    own = fit_targets(ridge, data, both, competition.scoring)
    params = written(tmp_path, data, both, own.oof, own.test)
    again = fit_targets(params, data, both, competition.scoring)
    assert again.fold_scores == pytest.approx(own.fold_scores)
    assert np.allclose(again.test, own.test)
    # As a submission has it: the second class's probability under the target's name.
    for name in ("oof", "test"):
        path = tmp_path / f"{name}.parquet"
        found = pd.read_parquet(path)
        named = found.rename(columns={"prob_y_yes": "y", "prob_z_1": "z"})
        keep = [column for column in ("id", "y", "z", "fold") if column in named]
        named[keep].to_parquet(path)
    again = fit_targets(params, data, both, competition.scoring)
    assert again.fold_scores == pytest.approx(own.fold_scores)


class Files:
    """The files of a ridge of one task, to be changed."""

    def __init__(self, folder, task):
        self.dataset = make_dataset(task)
        self.target = target_for(self.dataset)
        own = fit_table("ridge", self.dataset)
        self.score = own.score
        self.folder = folder
        self.params = written(folder, self.dataset, self.target, own.oof, own.test)

    def change(self, **changes):
        for name, function in changes.items():
            path = self.folder / f"{name}.parquet"
            function(pd.read_parquet(path)).to_parquet(path)

    def fit(self, reporter=None, **knobs):
        params = self.params.model_copy(update=knobs)
        metric = metric_named("rmse" if self.target.is_regression else "logloss")
        return fit_model(params, self.dataset, self.target, metric, reporter or Warnings())


def without_names(found):
    """Columns as a submission has them: the classes, or the target."""
    found = found.drop(columns="true_y", errors="ignore")
    return found.rename(columns=lambda name: name.removeprefix("prob_"))


def named(column, **to):
    return lambda found: found[["Id", column]].rename(columns={column: to["name"]})


@pytest.mark.parametrize(
    ("task", "change", "knobs"),
    [
        ("regression", named("prediction", name="y"), {}),
        ("regression", named("prediction", name="anything"), {}),
        ("binary", named("prob_mid", name="y"), {}),
        ("binary", without_names, {}),
        (MULTICLASS, without_names, {}),
        (MULTICLASS, lambda found: without_names(found).add_prefix("y_")
         .rename(columns={"y_Id": "Id", "y_fold": "fold"}), {}),
        (MULTICLASS, lambda found: without_names(found).rename(columns={"low": "a"}),
         {"columns": {"a": "low"}}),
    ],
)  # fmt: skip
def test_columns_may_be_those_of_a_submission(task, change, knobs, tmp_path):
    files = Files(tmp_path, task)
    files.change(oof=change, test=change)
    assert files.fit(**knobs).score == pytest.approx(files.score)


def test_folds_by_another_name_are_the_same_and_without_any_there_is_a_warning(tmp_path):
    files, said = Files(tmp_path, "regression"), Warnings()
    files.change(oof=lambda found: found.assign(fold=(found["fold"] + 1) % 4 + 1))
    assert files.fit(said).details[0] == {"folds_checked": 1.0}
    assert not said.said
    files.change(oof=lambda found: found.drop(columns="fold"))
    assert files.fit(said).details[0] == {"folds_checked": 0.0}
    assert [one for one in said.said if one.startswith("folds: not checked: oof.parquet has no")]


def moved(found):
    """Two rows change places between folds."""
    folds = found["fold"].to_numpy().copy()
    first, other = folds.argmax(), folds.argmin()
    folds[[first, other]] = folds[[other, first]]
    return found.assign(fold=folds)


def set_first(column, value):
    return lambda found: found.assign(**{column: [value, *found[column].iloc[1:]]})


@pytest.mark.parametrize(
    ("task", "changes", "says"),
    [
        ("regression", {"oof": lambda found: found.iloc[2:]},
         "oof.parquet lacks predictions of 2 of the 200 training rows; add"),
        ("regression", {"test": lambda found: found.iloc[2:]},
         "test.parquet lacks predictions of 2 of the 40 test"),
        ("regression", {"oof": lambda found: found.assign(Id=found["Id"] + 1)},
         "oof.parquet has 1 ids that training rows lack: 200$"),
        ("regression", {"oof": lambda found: found.iloc[:40].assign(Id=range(200, 240))},
         "oof.parquet has 40 ids that training rows lack: 200.*; swap oof and test"),
        ("regression", {"oof": lambda found: pd.concat([found, found.iloc[:1]])},
         "duplicate Id"),
        ("regression", {"oof": moved}, "2 of 200 rows are in another fold than here"),
        ("regression", {"oof": set_first("fold", np.nan)}, "1 of 200 rows are in another fold"),
        ("regression", {"oof": set_first("prediction", np.inf)},
         r"oof.parquet: prediction: 'inf' \(id \d+\) is no finite number \(1 such rows\)"),
        ("regression", {"test": set_first("prediction", None)},
         r"test.parquet: prediction: nothing \(id \d+\) is there; give every row a prediction"),
        ("regression", {"oof": lambda found: found.rename(columns={"Id": "no"})},
         "no id column 'Id'"),
        ("regression",
         {"test": lambda found: found.rename(columns={"prediction": "a"}).assign(b=0)},
         "expected the columns prediction, or 'y' alone, found a, b"),
        ("binary", {"oof": set_first("prob_low", 1.5)},
         "'1.5' .* is no probability; give numbers from 0 to 1"),
        ("binary", {"oof": lambda found: found.assign(prob_low=found["prob_low"] / 2)},
         "sum to .*, expected 1"),
        ("binary", {"oof": lambda found: found[["Id"]].assign(y=found["prob_mid"].round())},
         "y has only 0 and 1, and the probability of class 'mid' is expected"),
        ("binary", {"oof": lambda found: found[["Id"]].assign(y="mid")},
         "y: 'mid' .* is no probability; labels are not enough"),
        (MULTICLASS, {"test": lambda found: found.drop(columns="prob_low")},
         "expected the columns prob_low, prob_mid, prob_top, or the classes"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_one_clear_line(task, changes, says, tmp_path):
    files = Files(tmp_path, task)
    files.change(**changes)
    with pytest.raises(EstimatorError, match=says) as error:
        files.fit()
    assert "\n" not in str(error.value)


def test_the_true_targets_are_no_predictions(tmp_path):
    files = Files(tmp_path, "regression")
    y = pd.Series(files.dataset.y, files.dataset.train_ids)
    files.change(oof=lambda found: found.assign(prediction=found["Id"].map(y)))
    with pytest.raises(EstimatorError, match="its predictions are the true targets"):
        files.fit()


def test_logarithms_are_no_predictions(tmp_path):
    files = Files(tmp_path, "regression")
    top = float(files.dataset.y.max())
    files.change(oof=lambda found: found.assign(prediction=top + 1 + found["prediction"].abs()))
    with pytest.raises(EstimatorError, match="nothing in common with the targets") as error:
        files.fit()
    assert "on the target's own scale" in str(error.value)


def test_what_is_no_table_is_said(tmp_path):
    files = Files(tmp_path, "regression")
    (tmp_path / "oof.parquet").write_text("Id,prediction\n")
    with pytest.raises(EstimatorError, match=r"oof: oof.parquet: not a Parquet file"):
        files.fit()
    (tmp_path / "oof.parquet").unlink()
    with pytest.raises(EstimatorError, match="no file '.*oof.parquet'"):
        files.fit()
