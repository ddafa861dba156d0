"""``params.yaml`` as typed, validated objects."""

from podium.config.block import ModelParams
from podium.config.load import load_config
from podium.config.models import (
    ElasticNetParams,
    LassoParams,
    LightGBMParams,
    RidgeParams,
)
from podium.config.networks import LinearParams, MLPParams, NetworkParams
from podium.config.schema import Competition, Config, Ensemble, Folds, Preprocess, Source

__all__ = [
    "Competition",
    "Config",
    "ElasticNetParams",
    "Ensemble",
    "Folds",
    "LassoParams",
    "LightGBMParams",
    "LinearParams",
    "MLPParams",
    "ModelParams",
    "NetworkParams",
    "Preprocess",
    "RidgeParams",
    "Source",
    "load_config",
]
