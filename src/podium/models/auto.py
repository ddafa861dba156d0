"""Resolves ``auto``: a model's hyperparameters for the table at hand."""

from pkgutil import resolve_name
from typing import TypeVar

from podium.config import ModelParams
from podium.config.auto import Shape
from podium.config.models import model_spec
from podium.data.dataset import Dataset
from podium.data.targets import Target
from podium.metrics import Metric

P = TypeVar("P", bound=ModelParams)


def resolve_params(params: P, dataset: Dataset, target: Target, metric: Metric | None = None) -> P:
    """The same hyperparameters, with those that are ``auto`` by the rules of their model."""
    rules = model_spec(dataset.kind, params.model).rules
    if rules is None or not params.automatic():
        return params
    classes = 0 if target.is_regression else target.outputs
    shape = Shape(len(dataset.y), dataset.columns, classes, metric, target.transform)
    return params.resolved(resolve_name(rules)(params, shape))
