"""The models by name; ``podium.config.models`` holds their knobs under the same names."""

from importlib import import_module
from typing import cast

from podium.models.base import ModelFunction

# Module and function, imported when used: ridge needs no PyTorch, mlp no LightGBM.
MODELS = {
    "ridge": ("podium.models.penalized", "fit_ridge"),
    "lasso": ("podium.models.penalized", "fit_lasso"),
    "elastic_net": ("podium.models.penalized", "fit_elastic_net"),
    "lightgbm": ("podium.models.gradient_boosting", "fit_lightgbm"),
    "mlp": ("podium.models.networks", "fit_mlp"),
    "linear": ("podium.models.networks", "fit_linear"),
}


def model_function(name: str) -> ModelFunction:
    """The function that fits the named model."""
    module, function = MODELS[name]
    return cast(ModelFunction, getattr(import_module(module), function))
