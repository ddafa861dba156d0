"""Names of other libraries in params.yaml: the error names Podium's key."""

import pytest

from podium.config.messages import SYNONYMS
from podium.config.models import MODELS
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
