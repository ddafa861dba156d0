import pickle
import subprocess
import sys
import warnings
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    parametrize_with_checks,
)

import podium
from podium import MLPClassifier, MLPRegressor
from podium.config import MLPParams
from podium.io.errors import PodiumError
from podium.models import estimators

ESTIMATORS = [MLPRegressor, MLPClassifier]
SMALL = {"hidden": (16,), "epochs": 30, "seeds": 2, "learning_rate": 0.03, "batch_size": 32}
# Nothing is random but the first weights, and every step sees all rows.
EXACT = {
    **SMALL, "dropout": 0.0, "batch_size": 10_000, "epochs": 60, "early_stopping": None,
    "numeric_embedding": "periodic",
}  # fmt: skip
FAST = {**SMALL, "epochs": 3, "random_state": 0}


# Why a check must fail.
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "repeated rows make other batches, with other "
    "dropout; test_weights_are_repetitions has the same without either"
}


@pytest.mark.deep
@parametrize_with_checks(
    [*(kind(**SMALL) for kind in ESTIMATORS), *(kind() for kind in ESTIMATORS)],
    expected_failed_checks=lambda estimator: EXPECTED,
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_column_names_are_kept_and_compared(kind):
    check_dataframe_column_names_consistency(kind.__name__, kind(**FAST))


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    return x, 3.0 * x[:, 0] + np.abs(x[:, 1]) + 10.0


@pytest.fixture
def houses():
    """A frame whose target is mostly told by its categories, one of them with gaps."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "street": rng.choice(["gravel", "paved", None], 120),
            "area": rng.normal(1500.0, 300.0, 120),
            "zone": rng.choice([20, 60, 120], 120),
        }
    )
    price = frame["street"].map({"gravel": 1.0, "paved": 2.0}).fillna(5.0)
    return frame, price + (frame["zone"] == 60) + frame["area"] / 3000.0


# Knobs


def test_knobs_are_those_of_params_yaml():
    own = {"random_state", "categorical_features"}
    knobs = MLPRegressor().get_params()
    of_pipeline = {"model", "seed", "search", "test"}
    assert knobs.keys() - own == MLPParams.model_fields.keys() - of_pipeline
    other = {
        name
        for name in knobs.keys() - own
        if estimators.plain(knobs[name]) != MLPParams.model_fields[name].default
    }
    assert other == {"standardize_inputs"}


def test_a_misspelt_knob_names_the_nearest():
    with pytest.raises(TypeError, match=r"^MLPRegressor has no knob 'droput'; did you mean 'dropo"):
        MLPRegressor(droput=0.1)


def test_clone_set_params_and_repr():
    model = MLPClassifier(hidden=(8, 4), dropout=[0.1, 0.2])
    assert clone(model).get_params() == model.get_params()
    assert model.set_params(epochs=7).epochs == 7
    assert repr(model) == "MLPClassifier(dropout=[0.1, 0.2], epochs=7, hidden=(8, 4))"
    assert "dropout" in model._repr_html_()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"dropout": 1.5}, "dropout: expected a number below 1, found 1.5"),
        ({"dropout": (0.1, 2.0)}, "dropout[1]: expected a number below 1, found 2.0"),
        ({"hidden": (8, 0)}, "hidden[1]: expected at least 1, found 0"),
        ({"epochs": 2.5}, "epochs: expected a whole number, found 2.5"),
        ({"learning_rate": "fast"}, "learning_rate: expected a number, found text 'fast'"),
        ({"dropout": [0.1, 0.2]}, "dropout lists 2 rates for 1 hidden layers"),
        ({"quantile": 0.9}, "quantile does nothing with loss: auto"),
        ({"averaging": 3}, "averaging: expected 'none', 'ema' or 'swa', found 3"),
        (
            {"categorical_features": [5]},
            "categorical_features: expected places from 0 to 2, found 5",
        ),
        (
            {"categorical_features": ["zone"]},
            "categorical_features: no column 'zone'; the table's columns have no names",
        ),
        (
            {"categorical_features": "zone"},
            "categorical_features: expected a list of columns, by place or name, found zone",
        ),
        (
            {"categorical_features": [True, False, False]},
            "categorical_features: expected a list of columns, by place or name, "
            "found [True, False, False]",
        ),
    ],
)
def test_a_bad_value_is_one_line(knobs, message, table):
    with pytest.raises(ValueError, match=".") as caught:
        MLPRegressor(**{**FAST, **knobs}).fit(*table)
    assert str(caught.value) == message


def test_numpys_values_are_taken(table):
    knobs = {
        "hidden": np.array([8, 4]),
        "dropout": (np.float32(0.25), 0),
        "epochs": np.int64(2),
        "skip": np.bool_(True),
        "activation": np.str_("relu"),
        "weight_decay": 1,
    }
    params = MLPRegressor(**knobs, seeds=1).fit(*table).members_.params
    assert (params.hidden, params.dropout, params.epochs) == ([8, 4], [0.25, 0], 2)


# Searching


@pytest.mark.deep
def test_grid_search_over_dropout_and_hidden(table):
    x, y = table
    grid = {"dropout": np.array([0.0, 0.9]), "hidden": [(4,), (32, 16)]}
    search = GridSearchCV(MLPRegressor(**SMALL, random_state=0), grid, cv=2).fit(x, y)
    assert search.best_params_["dropout"] == 0.0
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ > 0.8


def test_random_search_in_a_pipeline(table):
    x, y = table
    model = make_pipeline(PolynomialFeatures(2), MLPClassifier(**FAST))
    choice = {
        "mlpclassifier__learning_rate": np.logspace(-3, -1, 5),
        "mlpclassifier__epochs": np.arange(2, 5),
    }
    search = RandomizedSearchCV(model, choice, n_iter=2, cv=2, random_state=0)
    search.fit(x, (y > 10.0).astype(int))
    assert search.predict(x).shape == (80,)
    assert cross_val_score(search.best_estimator_, x, y > 10.0, cv=2).shape == (2,)


# Fitting and predicting


def test_numbers_are_learnt_on_any_scale(table):
    x, y = table
    near = MLPRegressor(**SMALL, random_state=0).fit(x, y)
    far = MLPRegressor(**SMALL, random_state=0).fit(1e-6 * x + 1e3, 1e6 * y)
    assert near.score(x, y) > 0.9
    np.testing.assert_allclose(far.predict(1e-6 * x + 1e3), 1e6 * near.predict(x), rtol=1e-3)


def test_the_mean_over_members_predicts(table):
    x, y = table
    model = MLPRegressor(**FAST).fit(x, y)
    table_ = model.inputs_.table(estimators.Raw(x, np.empty((80, 0)), []))
    np.testing.assert_allclose(
        model.predict(x), model.members_.predict(table_).mean(axis=0)[:, 0], rtol=1e-12
    )


def test_classes_keep_their_names(table):
    x, y = table
    labels = np.where(y > 12.0, "dear", np.where(y > 8.0, "fair", "cheap"))
    model = MLPClassifier(**SMALL, random_state=0).fit(x, labels)
    assert model.classes_.tolist() == ["cheap", "dear", "fair"]
    assert model.score(x, labels) > 0.85
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1.0)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_any_number_of_classes(loss, classes, table):
    x, _ = table
    model = MLPClassifier(**FAST, class_loss=loss).fit(x, np.arange(80) % classes)
    assert model.predict_proba(x).shape == (80, classes)
    assert set(model.predict(x)) <= set(range(classes))


def test_several_targets(table):
    x, y = table
    both = np.column_stack([y, -100.0 * x[:, 2]])
    model = MLPRegressor(**{**SMALL, "epochs": 60}, random_state=0).fit(x, both)
    assert model.predict(x).shape == model.predict_std(x, passes=2).shape == (80, 2)
    assert model.score(x, both) > 0.9
    assert MLPRegressor(**FAST).fit(x, y[:, None]).predict(x).shape == (80, 1)


def test_random_state_repeats_a_fit(table):
    x, y = table
    first, again, other = (MLPRegressor(**{**FAST, "random_state": s}).fit(x, y) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.predict(x), again.predict(x))
    assert not np.allclose(first.predict(x), other.predict(x))


def test_a_member_is_the_same_beside_others(table):
    x, y = table
    alone, beside = (MLPRegressor(**{**FAST, "seeds": seeds}).fit(x, y) for seeds in (1, 3))
    for name, value in alone.members_.outcomes[0].state.items():
        np.testing.assert_allclose(
            value, beside.members_.outcomes[0].state[name], rtol=1e-4, atol=1e-6
        )


def test_a_pickle_predicts_the_same(table, tmp_path):
    x, y = table
    model = MLPRegressor(**FAST).fit(x, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(copy.predict(x), model.predict(x))
        assert copy.n_iter_ == 3


def test_sparse_tables_and_gaps_are_refused(table):
    x, y = table
    with pytest.raises(TypeError, match="Sparse data was passed"):
        MLPRegressor(**FAST).fit(csr_matrix(x), y)
    x[3, 1] = np.nan
    for knobs in ({}, {"categorical_features": [0]}):
        with pytest.raises(ValueError, match="Input X contains NaN"):
            MLPRegressor(**FAST, **knobs).fit(x, y)


def test_a_number_too_large_for_the_network_is_refused(table):
    x, y = table
    model = MLPRegressor(**FAST, standardize_inputs=False).fit(x, y)
    with pytest.raises(ValueError, match="Input X contains infinity or a value too large"):
        model.predict(np.full((1, 3), 1e300))


@pytest.mark.parametrize("unit", [2.0**-1000, 1e-13, 5e-8, 1e300, 2.0**1020])
def test_numbers_have_no_unit(unit, table):
    x, y = table
    usual = MLPRegressor(**FAST).fit(x, y).predict(x)
    given = MLPRegressor(**FAST).fit(unit * x, y).predict(unit * x)
    np.testing.assert_allclose(given, usual, rtol=1e-4)


@pytest.mark.parametrize("margin", [0.5, None])
def test_a_column_that_is_constant_while_fitting_is_neutral(margin, table):
    x, y = table
    for value in (0.0, 0.1, 1e5):
        x[:, 2] = value
        model = MLPRegressor(**FAST, input_margin=margin).fit(x, y)
        other = x.copy()
        other[:, 2] = 1e9
        np.testing.assert_array_equal(model.predict(other), model.predict(x))


def test_a_wild_number_moves_a_prediction_no_further_than_the_data_does(table):
    x, y = table
    wild = x.copy()
    wild[::2, 0], wild[1::2, 1] = 1e300, -1e6
    predicted = MLPRegressor(**SMALL, random_state=0).fit(x, y).predict(wild)
    assert np.abs(predicted - y.mean()).max() < 8 * y.std()
    classes = MLPClassifier(**SMALL, random_state=0).fit(x, y > 10).predict_proba(wild)
    assert np.isfinite(classes).all()


def test_only_ratios_of_weights_count(table):
    x, y = table
    weight = 1.0 + np.arange(80) % 3
    usual = MLPRegressor(**FAST).fit(x, y, sample_weight=weight).predict(x)
    for unit in (1e-300, 1e50, 1e307):
        given = MLPRegressor(**FAST).fit(x, y, sample_weight=unit * weight).predict(x)
        np.testing.assert_allclose(given, usual, rtol=1e-4)


def test_history_has_a_row_for_each_member_and_epoch(table):
    model = MLPRegressor(**FAST).fit(*table)
    assert model.n_iter_ == 3
    assert model.history_[["member", "epoch"]].to_numpy().tolist() == [
        [member, epoch] for member in range(2) for epoch in range(3)
    ]
    assert model.history_.columns.tolist() == [
        *("member", "epoch", "train_loss", "valid_loss", "valid_metric"),
        *("learning_rate", "seconds"),
    ]


def test_early_stopping_holds_out_rows_of_each_member(table):
    x, y = table
    model = MLPRegressor(**{**SMALL, "epochs": 200}, early_stopping=3, random_state=0).fit(x, y)
    assert model.n_iter_ < 200
    held = [outcome.member.stop.tolist() for outcome in model.members_.outcomes]
    assert [len(rows) for rows in held] == [round(model.holdout * len(y))] * 2
    assert held[0] != held[1]
    with pytest.raises(ValueError, match=r"leaves no row to train on.* n_samples=1$"):
        model.fit(x[:1], y[:1])


# Divergence


def test_all_networks_diverged(table):
    wild = {"optimizer": "sgd", "loss": "squared", "learning_rate": 1e20}
    with pytest.raises(
        PodiumError, match=r"^training diverged in every network: .*try a learning_rate below"
    ):
        MLPRegressor(**{**FAST, **wild}).fit(*table)


def test_the_others_predict_where_a_network_diverged(table, monkeypatch):
    x, y = table
    whole = MLPRegressor(**FAST).fit(x, y)

    def losing_the_first(*arguments, **knobs):
        fitted = estimators_fit(*arguments, **knobs)
        first, *others = fitted.outcomes
        return replace(fitted, outcomes=[replace(first, diverged=True), *others])

    estimators_fit = estimators.fit_members
    monkeypatch.setattr(estimators, "fit_members", losing_the_first)
    line = "1 of 2 networks diverged and are left out: weights are no longer finite"
    with pytest.warns(ConvergenceWarning, match=line) as caught:
        model = MLPRegressor(**FAST).fit(x, y)
    assert "\n" not in str(caught[0].message)
    assert caught[0].filename == __file__
    assert np.isfinite(model.predict(x)).all()
    assert np.isfinite(model.predict_std(x, passes=2)).all()
    assert not np.allclose(model.predict(x), whole.predict(x))


# Weights


def test_weights_move_the_fit():
    x = np.linspace(-1.0, 1.0, 60)[:, None]
    y = np.where(np.arange(60) % 2, 1.0, 0.0)
    weight = np.where(y > 0, 9.0, 1.0)
    number = MLPRegressor(**SMALL, loss="squared", random_state=0).fit(x, y, weight)
    share = MLPClassifier(**SMALL, random_state=0).fit(x, y, weight)
    assert abs(number.predict(x).mean() - 0.9) < 0.05
    assert abs(share.predict_proba(x)[:, 1].mean() - 0.9) < 0.05


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_weights_are_repetitions(kind, table):
    # scikit-learn's own check asks for 1e-7, which float32 can't give.
    x, y = table
    y = y if kind is MLPRegressor else y > 10.0
    weight = np.arange(80) % 4
    weighted = kind(**EXACT, random_state=0).fit(x, y, 0.1 * weight)
    repeated = kind(**EXACT, random_state=0).fit(x.repeat(weight, axis=0), y.repeat(weight))
    predict = "predict" if kind is MLPRegressor else "predict_proba"
    np.testing.assert_allclose(
        getattr(weighted, predict)(x), getattr(repeated, predict)(x), rtol=1e-4, atol=1e-5
    )


def test_a_row_without_weight_is_as_good_as_not_there(table):
    x, y = table
    kept = np.arange(80) % 3 > 0
    without = MLPRegressor(**FAST, early_stopping=2).fit(x[kept], y[kept])
    x, y = x.copy(), y.copy()
    x[~kept], y[~kept] = 1e9, -1e9
    zero = MLPRegressor(**FAST, early_stopping=2).fit(x, y, kept.astype(float))
    np.testing.assert_allclose(zero.predict(x[kept]), without.predict(x[kept]), rtol=1e-5)


# Categories


def test_categories_by_name_and_by_place(houses):
    frame, y = houses
    knobs = {**SMALL, "dropout": 0.0, "random_state": 0}
    by_name = MLPRegressor(**knobs, categorical_features=["zone", "street"]).fit(frame, y)
    by_place = MLPRegressor(**knobs, categorical_features=[0, 2]).fit(frame.to_numpy(), y)
    columns = by_name.inputs_.columns
    assert (columns.numeric, columns.plain, columns.categories) == (1, 0, (3, 3))
    assert by_name.score(frame, y) > 0.95
    np.testing.assert_array_equal(by_name.predict(frame), by_place.predict(frame.to_numpy()))
    assert by_name.feature_names_in_.tolist() == ["street", "area", "zone"]


def test_a_level_that_fit_did_not_see_counts_as_none(houses):
    frame, y = houses
    model = MLPRegressor(**FAST, categorical_features=["street", "zone"]).fit(frame, y)
    new = frame.head(2).assign(street="tarmac", zone=[20.0, 60.0])
    other = new.assign(street="cobbles")
    np.testing.assert_array_equal(model.predict(new), model.predict(other))


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_gaps_in_categories_are_a_level(kind, houses):
    frame, y = houses
    plain = MLPRegressor(**FAST, categorical_features=["street"]).fit(frame, y)
    frame["street"] = frame["street"].astype(kind)
    typed = MLPRegressor(**FAST, categorical_features=["street"]).fit(frame, y)
    np.testing.assert_array_equal(typed.predict(frame), plain.predict(frame))


def test_nothing_but_categories(houses):
    frame, y = houses
    knobs = {**SMALL, "random_state": 0, "category_embedding": 2}
    model = MLPRegressor(**knobs, categorical_features=[0, 1]).fit(frame[["street", "zone"]], y)
    assert model.score(frame[["street", "zone"]], y) > 0.8


def test_a_table_of_lists_with_categories():
    x = [[1.0, "a"], [2.0, "b"]] * 20
    model = MLPClassifier(**FAST, categorical_features=[1]).fit(x, ["p", "q"] * 20)
    assert model.predict([[1.5, "a"]]).shape == (1,)


def test_text_that_is_no_category_is_named(houses):
    frame, y = houses
    for kind in ("string", "category", object):
        typed = frame.assign(street=frame["street"].astype(kind))
        with pytest.raises(ValueError, match=r"^column 'street' holds text: list it in categoric"):
            MLPRegressor(**FAST).fit(typed, y)
        with pytest.raises(ValueError, match=r"^column 'street' holds text: list it in categoric"):
            MLPRegressor(**FAST, categorical_features=["zone"]).fit(typed, y)


def test_a_misspelt_column_names_the_nearest(houses):
    with pytest.raises(ValueError, match=r"no column 'stret'; did you mean 'street'\?"):
        MLPRegressor(**FAST, categorical_features=["stret"]).fit(*houses)


# Std


def test_std_is_larger_where_there_are_no_rows():
    x = np.linspace(-1.0, 1.0, 100)[:, None]
    model = MLPRegressor(**{**SMALL, "hidden": (64,)}, random_state=0).fit(x, np.sin(3.0 * x[:, 0]))
    near, far = (model.predict_std(there).mean() for there in (x, x + 5.0))
    assert 0.0 < near < far / 2


def test_std_of_probabilities(table):
    x, y = table
    model = MLPClassifier(**SMALL, random_state=0).fit(x, y > 10.0)
    std = model.predict_std(x, passes=20)
    assert std.shape == (80, 2)
    assert (std > 0).all()
    assert (std <= 0.5).all()


def test_std_needs_dropout_passes_and_a_fit(table):
    x, y = table
    with pytest.raises(NotFittedError):
        MLPRegressor().predict_std(x)
    model = MLPRegressor(**FAST).fit(x, y)
    with pytest.raises(ValueError, match="^passes: expected at least 1, found 0$"):
        model.predict_std(x, passes=0)
    with pytest.raises(PodiumError, match="Monte-Carlo dropout needs dropout"):
        model.set_params(dropout=0.0).fit(x, y).predict_std(x)


def test_mc_dropout_predicts_the_mean_of_its_passes(table):
    x, y = table
    plain = MLPRegressor(**FAST).fit(x, y).predict(x)
    drawn = MLPRegressor(**FAST, mc_dropout=20).fit(x, y)
    assert not np.allclose(drawn.predict(x), plain)
    np.testing.assert_array_equal(drawn.predict(x), drawn.predict(x))


# Importing


def test_importing_podium_imports_no_library():
    code = "import sys, podium; print({'torch', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_checking_params_imports_no_library(project):
    code = (
        "import sys; from podium.cli import main; sys.argv = ['podium', 'check']\n"
        "try: main()\n"
        "finally: print({'torch', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("params.yaml is valid\nset()\n"), done.stderr


def test_what_podium_offers():
    assert {"MLPClassifier", "MLPRegressor", "__version__"} <= set(dir(podium))
    with pytest.raises(AttributeError, match="^module 'podium' has no attribute 'MLP'$"):
        _ = podium.MLP
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert podium.MLPRegressor is MLPRegressor
