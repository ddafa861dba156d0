"""Names of other libraries in params.yaml: the error names Podium's key."""

import re
from typing import get_args

import pytest

from podium.config.blending import METHODS
from podium.config.messages import SYNONYMS, VALUES
from podium.config.models import MODELS
from podium.config.providers import PROVIDERS
from podium.config.schema import (
    Ensemble,
    Folds,
    ImageCompetition,
    Preprocess,
    Source,
    TableCompetition,
)
from projects import DIGITS, HOUSES

MODEL_KEYS = [
    ("ridge", "alpha", "alphas"),
    ("lasso", "alpha", "alpha_count"),
    ("elastic_net", "l1_ratio", "l1_ratios"),
    ("lightgbm", "lr", "learning_rate"),
    ("lightgbm", "n_estimators", "rounds"),
    ("lightgbm", "max_depth", "num_leaves"),
    ("lightgbm", "subsample", "bagging_fraction"),
    ("lightgbm", "colsample_bytree", "feature_fraction"),
    ("lightgbm", "l2", "lambda_l2"),
    ("lightgbm", "early_stopping", "patience"),
    ("mlp", "LR", "learning_rate"),
    ("mlp", "n_estimators", "epochs"),
    ("mlp", "batch", "batch_size"),
    ("mlp", "bn", "normalization: batch"),
    ("mlp", "patience", "early_stopping"),
    ("mlp", "random_state", "seed"),
]


@pytest.mark.parametrize(("model", "written", "meant"), MODEL_KEYS)
def test_the_name_of_another_library_names_podiums(model, written, meant, project, podium):
    project.edit(lambda params: params[HOUSES]["models"][model].update({written: 1}))
    outcome = podium("check")
    assert outcome.code == 2
    assert f"unknown key '{written}'; did you mean '{meant}'?" in outcome.err


def test_blocks_have_other_names_too(project, podium):
    def change(params):
        params[HOUSES]["folds"]["n_splits"] = 5
        params[DIGITS]["scoring"] = "accuracy"

    project.edit(change)
    errors = podium("check").err
    assert "unknown key 'n_splits'; did you mean 'count'?" in errors
    assert "unknown key 'scoring'; did you mean 'metric'?" in errors


def test_every_key_that_is_named_exists():
    models = [spec.params for kind in MODELS.values() for spec in kind.values()]
    blocks = [TableCompetition, ImageCompetition, Source, Folds, Preprocess, Ensemble, *models]
    keys = {key for block in blocks for key in block.model_fields}
    named = {key.partition(":")[0] for keys in SYNONYMS.values() for key in keys.split(" | ")}
    assert named <= keys


VALUE_WORDS = [
    (["task"], "classification", "did you mean 'binary' for two classes or 'multiclass' for more?"),
    (["kind"], "table", "did you mean 'tabular'?"),
    (["source", "provider"], "csv", "did you mean 'local'?"),
    (["source", "provider"], "folder", "did you mean 'local'?"),
    (["target_transform"], "log10", "did you mean 'log', which is the natural one?"),
    (["target_transform"], "LN", "did you mean 'log', which is the natural one?"),
    (["preprocess", "impute"], "average", "did you mean 'mean'?"),
    (["preprocess", "impute"], "medain", "did you mean 'median'?"),
    (["ensemble", "method"], "averaging", "did you mean 'mean'?"),
]


@pytest.mark.parametrize(("keys", "written", "hint"), VALUE_WORDS)
def test_another_word_for_a_value_names_podiums(keys, written, hint, project, podium):
    def change(params):
        block = params[HOUSES]
        for key in keys[:-1]:
            block = block[key]
        block[keys[-1]] = written

    project.edit(change)
    (line,) = [line for line in podium("check").err.splitlines() if keys[-1] in line]
    assert hint in line


@pytest.mark.parametrize("key", ["imputation", "fillna", "mean", "strategy"])
def test_another_word_for_impute_names_it(key, project, podium):
    project.edit(lambda params: params[HOUSES]["preprocess"].update({key: "median"}))
    assert "did you mean 'impute'?" in podium("check").err


def test_values_that_are_named_are_valid():
    blocks = (TableCompetition, Source, Preprocess, Ensemble)
    fields = {name: field for block in blocks for name, field in block.model_fields.items()}
    for (key, _), meant in VALUES.items():
        for value in re.findall(r"'([^']*)'", meant):
            tables = {"provider": PROVIDERS, "method": METHODS}
            known = tables.get(key) or get_args(fields[key].annotation)
            assert value in (*known, "image")


def test_an_unknown_kind_is_one_error(project, podium):
    project.edit(lambda params: params[HOUSES].update(kind="table"))
    (line,) = podium("check").err.splitlines()
    assert "expected 'tabular' or 'image', found text 'table'; did you mean 'tabular'?" in line


PLAIN = [
    (["preprocess", "drop"], "Alley", "expected a list, found text 'Alley'; write [Alley]"),
    (["preprocess", "drop"], [1], "expected text, found 1; put quotes around it: '1'"),
    (["preprocess", "drop"], {"a": "b"}, "expected a list, found {'a': 'b'}"),
    (["preprocess", "standardize"], "yes", "expected true or false, found text 'yes'"),
    (["folds"], "kfold", "expected a block of keys, found text 'kfold'"),
    (["folds", "count"], 2.5, "expected a whole number, found 2.5"),
    (["folds", "repeats"], 0, "expected at least 1, found 0"),
    (["preprocess", "clip"], "big", "expected a number, found text 'big'"),
    (["preprocess", "clip"], -1, "expected a number above 0, found -1"),
    (["models", "lightgbm", "bagging_fraction"], 3, "expected at most 1, found 3"),
    (["models", "ridge", "alphas"], [], "expected a list of at least 1, found []"),
    (["features"], {"a": "b" * 2001}, "expected a text of at most 2000 letters, found text 'bbb"),
]


@pytest.mark.parametrize(("keys", "value", "says"), PLAIN)
def test_what_was_expected_is_said_in_plain_words(keys, value, says, project, podium):
    def change(params):
        block = params[HOUSES]
        for key in keys[:-1]:
            block = block[key]
        block[keys[-1]] = value

    project.edit(change)
    (line,) = podium("check").err.splitlines()
    assert says in line
