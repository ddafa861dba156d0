"""The search spaces that come with each model, where params.yaml has no ``search:``.

They hold what is worth tuning first: few knobs, in ranges that don't train for hours. Those of
networks are mostly numbers that leave the shapes as they are, so that trials train together.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from podium.config import Competition, ExternalParams, ModelParams
from podium.config.search import Dimension, read_search
from podium.config.space import configured, make_space
from podium.io.errors import PodiumError

Written = Mapping[str, Mapping[str, Any]]

_ALPHAS: Written = {"alphas": {"range": [0.01, 10000], "log": True}}
_TREES: Written = {
    "learning_rate": {"range": [0.01, 0.2], "log": True},
    "num_leaves": {"range": [4, 64], "log": True},
    "min_child_samples": {"range": [2, 50], "log": True},
    "feature_fraction": {"range": [0.2, 1.0]},
    "bagging_fraction": {"range": [0.4, 1.0]},
    "lambda_l2": {"range": [0.01, 30], "log": True},
}
_NETWORK: Written = {
    "learning_rate": {"range": [0.0005, 0.01], "log": True},
    "weight_decay": {"range": [0.001, 2.0], "log": True},
}
_LAYERED: Written = {**_NETWORK, "dropout": {"range": [0.0, 0.6]}}
_SEEN_ANEW: Written = {
    "rotation": {"range": [0, 15]},
    "shift": {"range": [0.0, 0.12]},
    "scale": {"range": [0.0, 0.2]},
}
_SMOOTHED: Written = {"label_smoothing": {"range": [0.0, 0.2]}}

# By kind of competition and model.
SHIPPED: dict[str, dict[str, Written]] = {
    "tabular": {
        "ridge": _ALPHAS,
        "lasso": {"alpha_ratio": {"range": [0.0001, 0.1], "log": True}},
        "elastic_net": {
            "alpha_ratio": {"range": [0.0001, 0.1], "log": True},
            "l1_ratios": {"range": [0.05, 1.0]},
        },
        "lightgbm": _TREES,
        "mlp": {**_LAYERED, "input_noise": {"range": [0.0, 0.4]}},
        "mlp_ensemble": {"holdout": {"range": [0.1, 0.3]}, "halvings": {"range": [1, 3]}},
        "linear": {
            "learning_rate": {"range": [0.001, 0.3], "log": True},
            "weight_decay": {"range": [0.0001, 0.3], "log": True},
            "batch_size": {"choices": [16, 32, 64, 128]},
        },
        "retrieval": {
            **_LAYERED,
            "embedding_size": {"range": [16, 128], "log": True},
        },
        "catboost": {
            "learning_rate": {"range": [0.01, 0.2], "log": True},
            "depth": {"range": [3, 8]},
            "l2_leaf_reg": {"range": [0.5, 30.0], "log": True},
        },
        "xgboost": {
            "learning_rate": {"range": [0.01, 0.2], "log": True},
            "max_depth": {"range": [2, 8]},
            "subsample": {"range": [0.4, 1.0]},
            "colsample_bytree": {"range": [0.2, 1.0]},
            "reg_lambda": {"range": [0.01, 30.0], "log": True},
        },
    },
    "image": {
        "softmax": {**_NETWORK, **_SMOOTHED},
        "ridge": _ALPHAS,
        "lightgbm": _TREES,
        "mlp": {**_LAYERED, **_SEEN_ANEW, **_SMOOTHED},
        "cnn": {**_NETWORK, **_SEEN_ANEW, **_SMOOTHED},
    },
}
# Of estimators by import path, by the name of their class.
_FORESTS: Written = {
    "max_features": {"range": [0.1, 1.0]},
    "min_samples_leaf": {"range": [1, 20], "log": True},
}
_SUPPORT: Written = {
    "C": {"range": [0.1, 100.0], "log": True},
    "gamma": {"range": [0.0001, 0.1], "log": True},
}
_HISTOGRAMS: Written = {
    "learning_rate": {"range": [0.01, 0.3], "log": True},
    "max_leaf_nodes": {"range": [4, 64], "log": True},
    "min_samples_leaf": {"range": [2, 50], "log": True},
    "l2_regularization": {"range": [0.001, 30.0], "log": True},
}
_NEIGHBOURS: Written = {
    "n_neighbors": {"range": [2, 60], "log": True},
    "weights": {"choices": ["uniform", "distance"]},
}
CLASSES: dict[str, Written] = {
    "SVR": {**_SUPPORT, "epsilon": {"range": [0.001, 0.3], "log": True}},
    "SVC": _SUPPORT,
    "RandomForestRegressor": _FORESTS,
    "RandomForestClassifier": _FORESTS,
    "ExtraTreesRegressor": _FORESTS,
    "ExtraTreesClassifier": _FORESTS,
    "HistGradientBoostingRegressor": _HISTOGRAMS,
    "HistGradientBoostingClassifier": _HISTOGRAMS,
    "KNeighborsRegressor": _NEIGHBOURS,
    "KNeighborsClassifier": _NEIGHBOURS,
    "KernelRidge": {
        "alpha": {"range": [0.001, 100.0], "log": True},
        "gamma": {"range": [0.0001, 0.1], "log": True},
    },
    "CatBoostRegressor": SHIPPED["tabular"]["catboost"],
    "CatBoostClassifier": SHIPPED["tabular"]["catboost"],
    "XGBRegressor": SHIPPED["tabular"]["xgboost"],
    "XGBClassifier": SHIPPED["tabular"]["xgboost"],
}


def dimensions_of(competition: Competition, model: str) -> dict[str, Dimension]:
    """What to search: the model's ``search:``, or what ships for it and means something here.

    Raises:
        PodiumError: neither is there, or the model's predictions come from files.
    """
    params = competition.models[model]
    if isinstance(params, ExternalParams):
        raise PodiumError(
            f"{competition.name}.models.{model}: its predictions come from files, so there is "
            "nothing to search; tune another model"
        )
    if params.search:
        return read_search(params.search)
    own = params.model
    written = SHIPPED[competition.kind].get(own) or CLASSES.get(own.rpartition(".")[2], {})
    found = {
        knob: dimension
        for knob, dimension in read_search(written).items()
        if _means_something(params, knob, dimension)
    }
    if not found:
        raise PodiumError(
            f"{competition.name}.models.{model}: no search space ships for {own}; give it one in "
            "params.yaml: search: {<knob>: {range: [<least>, <most>]}}"
        )
    return found


def _means_something(params: ModelParams, knob: str, dimension: Dimension) -> bool:
    """Whether the knob can be changed in the model as it is: no dropout without hidden layers."""
    (only,) = make_space(params, {knob: dimension}).knobs
    tried = {axis.name: axis.grid()[-1] for axis in only.axes}
    try:
        configured(params, {knob: only.value(tried)})
    except ValidationError:
        return False
    return True
