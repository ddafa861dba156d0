"""The models: their hyperparameters, one class each, and the table of all models.

A model's entry in ``params.yaml`` holds any of these keys. ``model`` says which model the entry
is; left out, it is the entry's own name, so ``mlp: {}`` and ``wide: {model: mlp, hidden: [1024]}``
stand side by side. ``model`` may also be an import path (``config/imported.py``), or ``file``, for
predictions from elsewhere (``config/external.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from podium.config.auto import AUTO, OR_AUTO
from podium.config.block import Count, ModelParams, Positive, TrainedParams
from podium.config.external import FILE, ExternalParams
from podium.config.folds import FoldScheme
from podium.config.images import CNNParams, ImageMLPParams, SoftmaxParams
from podium.config.imported import (
    BOOSTING,
    BoostingParams,
    CatBoostParams,
    ImportedParams,
    RetrievalParams,
    XGBoostParams,
)
from podium.config.networks import LinearParams, MLPParams
from podium.config.portfolio import MLPEnsembleParams

Objective = Literal[
    "l2", "l1", "huber", "quantile", "mape", "poisson", "gamma", "tweedie", "log_loss"
]  # fmt: skip


class RidgeParams(TrainedParams):
    """L2-penalised linear model; alpha is searched inside each fold (Hoerl and Kennard 1970).

    For classification: logistic regression with an L2 penalty.
    """

    alphas: list[Positive] = Field(
        [0.1, 0.3, 1, 3, 5, 10, 15, 20, 30, 40, 50, 75, 100, 200, 300, 1000], min_length=1
    )
    inner_folds: int = Field(5, ge=2)

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        if task == "regression" and scheme.draws_rows:
            why = "for regression: alpha is chosen by leave-one-out error"
            return dict.fromkeys(("inner_folds", "seed"), why)
        return _idle_seed(scheme)


class LassoParams(TrainedParams):
    """L1-penalised linear model; alpha is searched inside each fold (Tibshirani 1996).

    For classification: logistic regression with an L1 penalty.
    """

    alpha_count: Count = 50
    alpha_ratio: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    inner_folds: int = Field(5, ge=2)
    max_iterations: Count = 3000

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        return _idle_seed(scheme)


def _idle_seed(scheme: FoldScheme) -> Mapping[str, str]:
    """Inner folds follow the outer ones, and nothing else of a linear model is random."""
    return {} if scheme.shuffles else {"seed": "with folds that are not shuffled"}


class ElasticNetParams(LassoParams):
    """L1 and L2 penalties mixed; alpha and the mix searched inside each fold (Zou, Hastie 2005)."""

    l1_ratios: list[Annotated[float, Field(gt=0, le=1)]] = Field([0.1, 0.5, 0.9], min_length=1)


class RidgeClassifierParams(TrainedParams):
    """Ridge regression on class indicators of images; alpha is searched inside each fold.

    Its scores become probabilities by a softmax whose scale is fitted on ``holdout`` of the fold's
    training rows (Guo et al. 2017).
    """

    alphas: list[Positive] = Field([10, 100, 1000, 10000], min_length=1)
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.1

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        return _idle_seed(scheme)


class LightGBMParams(TrainedParams):
    """Gradient-boosted trees (Ke et al. 2017), on raw numbers and native categories.

    With ``patience`` the number of rounds (at most ``rounds``) is found by early stopping on a
    part of the fold's training rows (``holdout``), then the trees are grown again on all of them.
    With ``patience: null`` there are always ``rounds``. Either way the fold's validation rows are
    only scored. ``seeds`` boosters, differing in their sampling, are averaged. ``objective``, for
    regression, is the loss; numbers that it has come from the metric's name.
    """

    probe_rows: ClassVar[int] = 32
    objective: Annotated[Objective, *OR_AUTO] = AUTO
    learning_rate: Annotated[Positive, *OR_AUTO] = AUTO
    num_leaves: Annotated[int, Field(ge=2), *OR_AUTO] = AUTO
    min_child_samples: Count = 20
    feature_fraction: Annotated[float, Field(gt=0, le=1), *OR_AUTO] = AUTO
    bagging_fraction: Annotated[float, Field(gt=0, le=1), *OR_AUTO] = AUTO
    lambda_l1: float = Field(0.0, ge=0)
    lambda_l2: float = Field(1.0, ge=0)
    cat_smooth: float = Field(10.0, ge=0)
    min_data_per_group: Count = 20
    rounds: Annotated[Count, *OR_AUTO] = AUTO
    patience: int | None = Field(50, ge=1)
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2
    seeds: Annotated[Count, *OR_AUTO] = AUTO

    @model_validator(mode="after")
    def _holdout_for_patience(self) -> Self:
        if self.patience is None and self.is_set("holdout"):
            raise ValueError("holdout does nothing with patience: null")
        return self

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """Classes have a loss of their own, and no other."""
        if task != "regression":
            return {"objective": f"for task '{task}'"}
        of_classes = self.objective == "log_loss"
        return {"objective": "for regression: it is of classes"} if of_classes else {}


class ImageLightGBMParams(LightGBMParams):
    """The same trees on pixels."""

    objective: Literal["log_loss"] = "log_loss"
    learning_rate: Positive = 0.1
    num_leaves: int = Field(15, ge=2)
    min_child_samples: Count = 10
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 0.2
    bagging_fraction: Annotated[float, Field(gt=0, le=1)] = 0.7
    rounds: Count = 100
    patience: int | None = Field(None, ge=1)
    seeds: Count = 1

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        return dict.fromkeys(
            ("cat_smooth", "min_data_per_group"), "for pixels: no column is a category"
        )


@dataclass(frozen=True)
class ModelSpec:
    """A row of the table of models.

    ``params`` holds the model's hyperparameters and their defaults. ``fit`` is the function that
    fits it, as ``module:function``: it is imported when the model is trained, so that ridge needs
    no PyTorch. ``rules``, likewise, gives values to hyperparameters that are ``auto``, from the
    others and the table's ``Shape``. ``tasks`` are those it can do. ``package`` is a package to
    import that does not come with Podium, if it needs one. ``trains``: whether it is fitted here,
    and so can be fitted again on other rows.
    """

    params: type[ModelParams]
    fit: str
    rules: str | None = None
    tasks: tuple[str, ...] = ("regression", "binary", "multiclass")
    package: str | None = None
    trains: bool = True


_TABLE_NETWORK = "podium.models.table_networks:fit_table_network"
_IMAGE_NETWORK = "podium.models.image_networks:fit_image_network"
_TREES = "podium.models.gradient_boosting:fit_lightgbm"
_BOOSTING = "podium.models.boosting:fit_boosting"

TABLE_MODELS: dict[str, ModelSpec] = {
    "ridge": ModelSpec(RidgeParams, "podium.models.penalized:fit_ridge"),
    "lasso": ModelSpec(LassoParams, "podium.models.penalized:fit_lasso"),
    "elastic_net": ModelSpec(ElasticNetParams, "podium.models.penalized:fit_elastic_net"),
    "lightgbm": ModelSpec(LightGBMParams, _TREES, "podium.models.gradient_boosting:rules"),
    "mlp": ModelSpec(MLPParams, _TABLE_NETWORK, "podium.nn.auto:rules"),
    "mlp_ensemble": ModelSpec(
        MLPEnsembleParams,
        "podium.models.mlp_ensemble:fit_mlp_ensemble",
        "podium.models.portfolio:rules",
    ),
    "linear": ModelSpec(LinearParams, _TABLE_NETWORK),
    "retrieval": ModelSpec(RetrievalParams, "podium.models.retrieval:fit_retrieval"),
    "catboost": ModelSpec(CatBoostParams, _BOOSTING, package="catboost"),
    "xgboost": ModelSpec(XGBoostParams, _BOOSTING, package="xgboost"),
}
# Of tables, what an import path names.
IMPORTED = ModelSpec(ImportedParams, "podium.models.imported:fit_imported")
IMPORTED_BOOSTING = ModelSpec(BoostingParams, _BOOSTING)

IMAGE_MODELS: dict[str, ModelSpec] = {
    "softmax": ModelSpec(SoftmaxParams, _IMAGE_NETWORK),
    "ridge": ModelSpec(
        RidgeClassifierParams, "podium.models.ridge_classifier:fit_ridge_classifier"
    ),
    "lightgbm": ModelSpec(ImageLightGBMParams, _TREES),
    "mlp": ModelSpec(ImageMLPParams, _IMAGE_NETWORK),
    "cnn": ModelSpec(CNNParams, _IMAGE_NETWORK),
}

# By kind of competition.
MODELS = {"tabular": TABLE_MODELS, "image": IMAGE_MODELS}
# Of either kind.
EXTERNAL = ModelSpec(ExternalParams, "podium.models.external:fit_external", trains=False)


def find_model(kind: str, name: str) -> ModelSpec | None:
    """The row of a model of a kind of competition, or that of all import paths; None if neither."""
    if name == FILE and kind in MODELS:
        return EXTERNAL
    if name in MODELS.get(kind, {}) or kind != "tabular" or "." not in name:
        return MODELS.get(kind, {}).get(name)
    return IMPORTED_BOOSTING if name.partition(".")[0] in BOOSTING else IMPORTED


def model_spec(kind: str, name: str) -> ModelSpec:
    """What there is to know of a model of a kind of competition."""
    spec = find_model(kind, name)
    assert spec is not None, name
    return spec
