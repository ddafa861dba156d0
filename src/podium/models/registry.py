"""The models by name; ``podium.config.models`` has their hyperparameters by the same names."""

from importlib import import_module
from typing import cast

from podium.models.base import ModelFunction

# Module and function, imported when used: ridge needs no PyTorch, mlp no LightGBM.
TABLE_MODELS = {
    "ridge": ("podium.models.penalized", "fit_ridge"),
    "lasso": ("podium.models.penalized", "fit_lasso"),
    "elastic_net": ("podium.models.penalized", "fit_elastic_net"),
    "lightgbm": ("podium.models.gradient_boosting", "fit_lightgbm"),
    "mlp": ("podium.models.networks", "fit_network"),
    "linear": ("podium.models.networks", "fit_network"),
}
IMAGE_MODELS = {
    "softmax": ("podium.models.networks", "fit_network"),
    "ridge": ("podium.models.ridge_classifier", "fit_ridge_classifier"),
    "lightgbm": ("podium.models.gradient_boosting", "fit_lightgbm"),
    "mlp": ("podium.models.networks", "fit_network"),
    "cnn": ("podium.models.networks", "fit_network"),
}
MODELS = {"tabular": TABLE_MODELS, "image": IMAGE_MODELS}


def model_function(kind: str, name: str) -> ModelFunction:
    """The function that fits the named model of a kind of competition."""
    module, function = MODELS[kind][name]
    return cast(ModelFunction, getattr(import_module(module), function))
