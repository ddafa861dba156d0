"""``params.yaml`` as typed, validated objects."""

from podium.config.block import ModelParams
from podium.config.external import ExternalParams
from podium.config.images import CNNParams, ImageMLPParams, ImageNetworkParams, SoftmaxParams
from podium.config.imported import BoostingParams, ImportedParams
from podium.config.load import load_config
from podium.config.models import (
    ElasticNetParams,
    LassoParams,
    LightGBMParams,
    RidgeClassifierParams,
    RidgeParams,
)
from podium.config.networks import LayeredParams, LinearParams, MLPParams, NetworkParams
from podium.config.schema import (
    Competition,
    Config,
    Ensemble,
    Folds,
    ImageCompetition,
    ImagePreprocess,
    Preprocess,
    Source,
    Submission,
    TableCompetition,
)

__all__ = [
    "BoostingParams",
    "CNNParams",
    "Competition",
    "Config",
    "ElasticNetParams",
    "Ensemble",
    "ExternalParams",
    "Folds",
    "ImageCompetition",
    "ImageMLPParams",
    "ImageNetworkParams",
    "ImagePreprocess",
    "LayeredParams",
    "ImportedParams",
    "LassoParams",
    "LightGBMParams",
    "LinearParams",
    "MLPParams",
    "ModelParams",
    "NetworkParams",
    "Preprocess",
    "RidgeClassifierParams",
    "RidgeParams",
    "SoftmaxParams",
    "Source",
    "Submission",
    "TableCompetition",
    "load_config",
]
