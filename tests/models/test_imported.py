"""Any estimator by its import path: trained as scikit-learn alone would, stored, and told apart."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.svm import SVR

from model_help import INSTALLED, fit, make_dataset, with_folds, with_headers, with_scheme
from podium.config import Folds, ImportedParams
from podium.io.errors import EstimatorError, PodiumError
from podium.models import stored
from podium.models.classes import find_class, problems
from podium.models.kernels import read_kernel
from podium.models.stored import dump_estimator, load_estimator
from podium.runtime.progress import Reporter

TREES = {"n_estimators": 10}
NUMBERS = {
    "sklearn.svm.SVR": {"C": 5},
    "sklearn.kernel_ridge.KernelRidge": {"kernel": "rbf", "alpha": 0.1},
    "sklearn.gaussian_process.GaussianProcessRegressor": {
        "optimizer": None,
        "kernel": "ConstantKernel() * RBF(2) + WhiteKernel(0.1)",
    },
    "sklearn.ensemble.ExtraTreesRegressor": TREES,
    "sklearn.neighbors.KNeighborsRegressor": {},
    "sklearn.ensemble.HistGradientBoostingRegressor": {"max_iter": 30},
    "sklearn.ensemble.AdaBoostRegressor": {
        "estimator": {"model": "sklearn.tree.DecisionTreeRegressor", "max_depth": 4},
        "n_estimators": 5,
    },
}
CLASSES = {
    "sklearn.svm.SVC": {},
    "sklearn.linear_model.RidgeClassifier": {},
    "sklearn.gaussian_process.GaussianProcessClassifier": {},
    "sklearn.ensemble.ExtraTreesClassifier": TREES,
    "sklearn.neighbors.KNeighborsClassifier": {"n_neighbors": 15},
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 20},
}


class Listening(Reporter):
    def __init__(self):
        super().__init__()
        self.warnings = []

    def warn(self, message):
        self.warnings.append(message)


@pytest.mark.parametrize("model", NUMBERS)
def test_numbers(model):
    dataset, listening = make_dataset(), Listening()
    result = fit(model, dataset, listening, **NUMBERS[model])
    assert result.oof.shape == (200, 1)
    assert result.test.shape == (40, 1)
    assert result.score < 0.85 * dataset.y.std()
    assert {name.partition(".")[2] for name in result.weights} == {"seed0.skops", "target.json"}
    assert (fit(model, dataset, **NUMBERS[model]).oof == result.oof).all()


@pytest.mark.parametrize("task", ["binary", "multiclass"])
@pytest.mark.parametrize("model", CLASSES)
def test_classes(model, task):
    dataset = make_dataset(task)
    result = fit(model, dataset, **CLASSES[model])
    classes = len(dataset.schema.classes)
    assert result.oof.shape == (200, classes)
    assert result.oof.sum(axis=1) == pytest.approx(1)
    assert result.score < np.log(classes) * 0.9
    assert any(name.endswith(".skops") for name in result.weights)


def test_it_is_what_scikit_learn_alone_gives():
    dataset = make_dataset()
    result = fit("sklearn.svm.SVR", dataset, C=3, epsilon=0.02, scale_target=False)
    expected = np.zeros(200)
    for split in dataset.splits:
        x, _ = dataset.dense(split)
        model = SVR(C=3, epsilon=0.02).fit(x[split.train_rows], dataset.y[split.train_rows])
        expected[split.valid_rows] = model.predict(x[split.valid_rows])
    assert result.oof[:, 0] == pytest.approx(expected, abs=1e-12)


def test_seeds_are_a_mean_of_fits():
    dataset = make_dataset()
    name = "sklearn.ensemble.ExtraTreesRegressor"
    result = fit(name, dataset, seeds=3, seed=5, scale_target=False, **TREES)
    split = dataset.splits[1]
    x, _ = dataset.dense(split)
    train, valid = split.train_rows, split.valid_rows
    own = [
        ExtraTreesRegressor(10, random_state=seed).fit(x[train], dataset.y[train]).predict(x[valid])
        for seed in (5, 6, 7)
    ]
    assert result.oof[valid, 0] == pytest.approx(np.mean(own, axis=0))
    assert "fold1.seed2.skops" in result.weights


def test_the_target_is_standardized_on_the_training_rows():
    """A target of another unit is predicted alike; without scaling, epsilon would be another."""
    small, large = make_dataset(), make_dataset()
    large.y[:] = 1000 * large.y + 5e6
    first, second = fit("sklearn.svm.SVR", small), fit("sklearn.svm.SVR", large)
    assert second.oof == pytest.approx(1000 * first.oof + 5e6, rel=1e-6)
    unscaled = fit("sklearn.svm.SVR", large, scale_target=False)
    assert unscaled.score > 2 * second.score


@pytest.mark.filterwarnings("ignore:overflow encountered in square")
@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_squares_of_the_target_may_be_beyond_all_numbers(unit):
    own, other = make_dataset(), make_dataset()
    other.y[:] *= unit
    first, second = fit("sklearn.svm.SVR", own), fit("sklearn.svm.SVR", other)
    assert second.oof / unit == pytest.approx(first.oof, abs=0.01)


@pytest.mark.parametrize("model", ["sklearn.svm.SVR", "sklearn.ensemble.ExtraTreesRegressor"])
def test_stored_estimators_give_the_test_predictions_and_are_no_pickles(model):
    dataset = make_dataset()
    knobs = NUMBERS[model]
    result = fit(model, dataset, **knobs)
    predictions = []
    for split in dataset.splits:
        content = result.weights[f"{split.name}.seed0.skops"]
        assert content[:2] == b"PK"
        target = json.loads(result.weights[f"{split.name}.target.json"])
        predicted = load_estimator(content).predict(dataset.dense(split)[1])
        predictions.append(predicted * target["scale"] + target["mean"])
    assert np.mean(predictions, axis=0) == pytest.approx(result.test[:, 0])
    assert fit(model, dataset, **knobs).weights == result.weights


def test_types_that_are_not_known_are_listed_and_not_made():
    class Own:
        pass

    content = dump_estimator([Own()])
    with pytest.raises(PodiumError, match=r"not trusted: .*Own"):
        load_estimator(content)
    with pytest.raises(PodiumError, match="no stored estimator"):
        load_estimator(b"PK damaged")


@pytest.mark.parametrize("most", [10, None])
def test_what_can_not_be_stored_is_a_warning(most, monkeypatch):
    if most is None:
        monkeypatch.setattr("skops.io.dumps", lambda estimator: 1 / 0)
    else:
        monkeypatch.setattr(stored, "MOST_BYTES", most)
    listening = Listening()
    result = fit("sklearn.svm.SVR", make_dataset(), listening)
    assert result.weights == {}
    assert len(listening.warnings) == 4
    assert "fold0: sklearn.svm.SVR is not stored: " in listening.warnings[0]


def test_native_inputs_with_many_levels():
    """scikit-learn's histogram boosting takes 255; the rarest become one."""
    dataset = make_dataset()
    dataset.train["k"] = dataset.train["k"].astype(object)
    rows = 1200
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"a": generator.normal(size=rows), "b": 0.0, "c": 1.0})
    table["k"] = [f"level {index % 400}" for index in range(rows)]
    y = table["a"].to_numpy() + 0.1 * generator.normal(size=rows)
    ids = pd.Series(np.arange(rows), name="Id")
    large = replace(dataset, train=table, test=table[:40], y=y, train_ids=ids, test_ids=ids[:40])
    large = with_folds(large, np.arange(rows) // 3 % 3)
    result = fit("sklearn.ensemble.HistGradientBoostingRegressor", large, max_iter=20)
    assert result.score < 0.5 * y.std()


@pytest.mark.parametrize("model", ["sklearn.svm.SVC", "sklearn.ensemble.ExtraTreesClassifier"])
def test_a_fold_with_one_class_and_one_without_a_class(model):
    """Fold 0 trains on the first class alone, fold 1 on all but the first."""
    dataset = make_dataset("multiclass")
    y = np.repeat([0.0, 1.0, 2.0], [100, 60, 40])
    folds = np.repeat([1, 0, 0], [100, 60, 40])
    one_each = with_folds(replace(dataset, y=y), folds)
    listening = Listening()
    result = fit(model, one_each, listening)
    assert result.oof[folds == 0, 0] == pytest.approx(1)
    assert (result.oof[folds == 1, 0] < 1e-100).all()
    assert sum("no training row has class" in line for line in listening.warnings) == 2


@pytest.mark.parametrize("model", ["sklearn.svm.SVR", "sklearn.kernel_ridge.KernelRidge"])
def test_rows_of_no_weight_count_for_nothing(model):
    """They are among the training rows, far off, and don't count."""
    dataset = make_dataset()
    y, weights = dataset.y.copy(), np.ones(200)
    far = np.arange(0, 200, 10)
    y[far], weights[far] = 50.0, 0.0
    rows = np.setdiff1d(np.arange(200), far)
    weighted = fit(model, replace(dataset, y=y, weights=weights)).oof[rows, 0]
    plain = fit(model, replace(dataset, y=y)).oof[rows, 0]
    assert np.std(weighted - y[rows]) < 0.8 * np.std(plain - y[rows])


def test_an_estimator_that_takes_no_weights_says_so():
    listening = Listening()
    dataset = replace(make_dataset(), weights=np.arange(200.0))
    fit("sklearn.neighbors.KNeighborsRegressor", dataset, listening)
    (line,) = listening.warnings
    assert "KNeighborsRegressor takes no sample weights" in line


def test_scores_become_probabilities_where_only_the_past_is_trained_on():
    dataset = with_scheme(make_dataset("binary"), Folds(scheme="time", count=3), np.arange(200))
    result = fit("sklearn.linear_model.RidgeClassifier", dataset)
    assert result.score < np.log(2) * 0.9


# The class and its knobs.


def found(task="regression", **block):
    return list(problems(ImportedParams(**block), task))


@pytest.mark.parametrize(
    ("block", "key", "says"),
    [
        ({"model": "sklearn.svm.SVRR"}, "model", "no class 'SVRR' in sklearn.svm; did you mean"),
        ({"model": "sklearn.smv.SVR"}, "model", "no module 'sklearn.smv'; did you mean 'svm'?"),
        ({"model": "os.getcwd"}, "model", "os.getcwd is a builtin_function_or_method, and no"),
        ({"model": "sklearn.svm.SVC"}, "model", "SVC is for classes; use sklearn.svm.SVR"),
        ({"model": "sklearn.preprocessing.StandardScaler"}, "model", "has no fit and predict"),
        ({"model": "sklearn.svm.SVR", "epsilom": 1}, "epsilom", "no knob 'epsilom'; did you"),
        ({"model": "sklearn.svm.SVR", "C": -1}, "C", "must be a float in the range (0.0"),
        ({"model": "sklearn.svm.SVR", "seeds": 2}, "seeds", "does nothing: SVR has no"),
        ({"model": "sklearn.svm.SVR", "seed": 2}, "seed", "does nothing: SVR has no"),
        ({"model": "sklearn.ensemble.ExtraTreesRegressor", "random_state": 1}, "random_state",
         "write 'seed'"),
        ({"model": "sklearn.ensemble.ExtraTreesRegressor", "n_jobs": 4}, "n_jobs", "remove it"),
        ({"model": "sklearn.ensemble.StackingRegressor"}, "model", "value for 'estimators'"),
        ({"model": "sklearn.ensemble.BaggingRegressor",
          "estimator": {"model": "sklearn.svm.SVR", "c": 1, "epsilo": 2}}, "estimator",
         "SVR has no knob 'epsilo'; did you mean 'epsilon'?"),
        ({"model": "sklearn.gaussian_process.GaussianProcessRegressor", "kernel": "RBFF()"},
         "kernel", "no kernel 'RBFF'; did you mean 'RBF'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_class_or_a_knob(block, key, says):
    assert any(where == key and says in message for where, message in found(**block))


def test_classes_need_probabilities_or_scores():
    assert not found("binary", model="sklearn.linear_model.RidgeClassifier", seed=3)
    assert (
        "SVR is for numbers; use sklearn.svm.SVC" in found("binary", model="sklearn.svm.SVR")[0][1]
    )


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("sklearn.cluster.KMeans", "KMeans is a clusterer"),
        ("sklearn.ensemble.IsolationForest", "IsolationForest is an outlier detector"),
        ("sklearn.mixture.GaussianMixture", "GaussianMixture is a density estimator"),
        ("lightgbm.LGBMModel", "LGBMModel is no estimator of a target"),
    ],
)
def test_only_regressors_and_classifiers_are_models(name, what):
    for task, wanted in (("regression", "regressor"), ("binary", "classifier")):
        ((key, says),) = found(task, model=name)
        assert key == "model"
        assert says.startswith(f"{what}; name a {wanted} such as sklearn.svm.SV")


def test_nothing_but_the_class_is_run():
    assert find_class("sklearn.svm.SVR") is SVR


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('ls')", "RBF().__class__", "(lambda: 1)()", "RBF(open('x'))",
        "2 ** 9", "RBF() if 1 else 2", "[RBF() for _ in [1]]", "RBF(", "Kernel()", "RBF(length=2)",
        "(" * 300 + "RBF()" + ")" * 300,
    ],
)  # fmt: skip
def test_kernels_run_no_code(text):
    with pytest.raises(PodiumError, match="kernel"):
        read_kernel(text)


def test_kernels_are_scikit_learns():
    from sklearn.gaussian_process import kernels

    read = read_kernel("ConstantKernel(2.0) * RBF(length_scale_bounds=(0.1, 10)) + WhiteKernel()")
    own = kernels.ConstantKernel(2.0) * kernels.RBF(length_scale_bounds=(0.1, 10))
    assert read == own + kernels.WhiteKernel()


def test_an_error_of_the_estimator_is_one_line():
    with pytest.raises(PodiumError, match=r"fold0: .*SVR: ValueError: .* it takes numbers only"):
        fit("sklearn.svm.SVR", make_dataset(), inputs="native")
    with pytest.raises(PodiumError, match="scale_target: false leaves the target as it is"):
        fit("sklearn.ensemble.HistGradientBoostingRegressor", make_dataset(), loss="poisson")


def test_a_warning_of_a_library_comes_once_in_one_line():
    listening = Listening()
    fit("sklearn.neural_network.MLPRegressor", make_dataset(), listening, max_iter=3)
    (line,) = listening.warnings
    assert line.startswith("ConvergenceWarning: ")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("task", "knobs", "said"),
    [
        ("regression", {}, "predict gave NaN or infinity for 1 of 50 rows"),
        ("regression", {"columns": 2}, "predict gave 50x2 numbers, expected 50: one row per row"),
        ("binary", {}, "predict_proba gave NaN or infinity for 50 of 50 rows"),
        ("binary", {"found": "seven"}, "numbers from 7 to 7, whose rows sum to 14 to 14; expected"),
        ("binary", {"found": "third", "columns": 3}, "gave 50x3 numbers, expected 50x2: one row"),
    ],
)
def test_predictions_that_cannot_be_are_one_line(task, knobs, said):
    kind = "Regressor" if task == "regression" else "Classifier"
    with pytest.raises(EstimatorError, match=f"fold.: odd_estimators.{kind}: .*{said}"):
        fit(f"odd_estimators.{kind}", make_dataset(task), **knobs)


# CatBoost and XGBoost, where they are installed.

BOOSTING = [name for name in INSTALLED if name in ("catboost", "xgboost")]


@pytest.mark.parametrize("model", BOOSTING)
def test_early_stopping_is_blind_to_the_scored_rows(model):
    dataset = make_dataset()
    before = [split["rounds"] for split in fit(model, dataset).details]
    dataset.y[dataset.splits[0].valid_rows] = 0
    after = fit(model, dataset)
    assert after.details[0]["rounds"] == before[0]
    assert set(after.history.columns) >= {"step", "train_loss", "valid_loss"}


@pytest.mark.parametrize("model", BOOSTING)
def test_without_patience_there_are_exactly_the_rounds(model):
    rounds = {"catboost": "n_estimators", "xgboost": "n_estimators"}[model]
    path = {"catboost": "catboost.CatBoostRegressor", "xgboost": "xgboost.XGBRegressor"}[model]
    result = fit(path, make_dataset(), patience=None, seeds=2, **{rounds: 7})
    assert [split["rounds"] for split in result.details] == [7] * 4
    assert len([name for name in result.weights if name.startswith("fold0.seed")]) == 2


@pytest.mark.parametrize("model", BOOSTING)
def test_weights_reach_early_stopping_and_the_trees(model):
    dataset = make_dataset("binary")
    weights = np.where(dataset.y == 1, 30.0, 1.0)
    plain, weighted = fit(model, dataset), fit(model, replace(dataset, weights=weights))
    assert weighted.oof[:, 1].mean() > plain.oof[:, 1].mean() + 0.02


@pytest.mark.parametrize("model", BOOSTING)
def test_missing_categories_are_taken(model):
    dataset = make_dataset()
    train, test = (
        table.assign(k=table["k"].where(table.index % 5 > 0))
        for table in (dataset.train, dataset.test)
    )
    result = fit(model, with_folds(replace(dataset, train=train, test=test), dataset.folds[:, 0]))
    assert np.isfinite(result.oof).all()


@pytest.mark.parametrize("inputs", ["native", "dense"])
@pytest.mark.parametrize(
    "model", [*BOOSTING, "lightgbm.LGBMRegressor", "sklearn.ensemble.HistGradientBoostingRegressor"]
)
def test_any_header_is_taken(model, inputs):
    result = fit(model, with_headers(make_dataset()), inputs=inputs)
    assert np.isfinite(result.oof).all()
