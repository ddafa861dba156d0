"""Models that are named by an import path: ``svr: {model: sklearn.svm.SVR, C: 20}``.

Keys that are not Podium's are the estimator's own knobs. Its class is imported when the model is
trained, and by ``podium check``; nothing here imports it.
"""

import math
from collections.abc import Mapping
from importlib import metadata
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from podium.config.block import Count, Positive, TrainedParams
from podium.config.folds import FoldScheme
from podium.io.paths import user_code
from podium.io.text import nearest, printable

# Classes that take pandas categories and missing numbers as they are.
NATIVE = {
    "HistGradientBoostingRegressor", "HistGradientBoostingClassifier", "LGBMRegressor",
    "LGBMClassifier",
}  # fmt: skip
# What a short name stands for: the class for numbers, and the one for classes.
SHORT = {
    "catboost": ("catboost.CatBoostRegressor", "catboost.CatBoostClassifier"),
    "xgboost": ("xgboost.XGBRegressor", "xgboost.XGBClassifier"),
    "retrieval": (
        "podium.models.retrieval.RetrievalRegressor",
        "podium.models.retrieval.RetrievalClassifier",
    ),
}
# Packages whose estimators Podium stops early, on rows that it holds out.
BOOSTING = ("catboost", "xgboost")
# Of users' own files.
USER_CODE = "competitions"
# Of a package whose name is not that of the distribution; own estimators are made with it as well.
DISTRIBUTIONS = {"sklearn": "scikit-learn", USER_CODE: "scikit-learn"}
# The keys of a model's block that are not the estimator's.
PODIUMS = ("model", "seed", "test", "inputs", "seeds", "scale_target", "patience", "holdout")
PACKAGES = ("sklearn", "lightgbm", *BOOSTING)


class ImportedParams(TrainedParams):
    """An estimator of an installed package, or of the competition's own file.

    Its knobs are all keys but these. ``inputs`` is the fold's standardized one-hot matrix
    (``dense``), or a DataFrame with pandas categories and missing values (``native``). ``seeds``
    fits that differ in their ``random_state`` are averaged. ``scale_target`` standardizes a
    numeric target on the fold's training rows.
    """

    model_config = ConfigDict(extra="allow")
    # Kernels, of which some look at all training rows for each prediction.
    probe_rows: ClassVar[int] = 16
    inputs: Literal["dense", "native"] = "dense"
    seeds: Count = 1
    scale_target: bool = True

    @model_validator(mode="before")
    @classmethod
    def _native_if_known(cls, values: Any) -> Any:
        """Histogram boosting takes native inputs unless params.yaml says otherwise."""
        name = str(values.get("model", "")).rpartition(".")[2] if isinstance(values, dict) else ""
        return {"inputs": "native", **values} if name in NATIVE else values

    @model_validator(mode="after")
    def _plain_knobs(self) -> Self:
        for name, value in (self.model_extra or {}).items():
            if not _is_plain(value):
                raise ValueError(
                    f"{printable(name)}: expected a finite number, text, true, false, null, a list "
                    "or a block"
                )
        return self

    @property
    def knobs(self) -> dict[str, Any]:
        """The estimator's own hyperparameters that are given."""
        return self.model_dump(exclude=set(PODIUMS))

    @property
    def version(self) -> str:
        """The version of the estimator's package: an update trains the model again."""
        package = self.model.partition(".")[0]
        try:
            return metadata.version(DISTRIBUTIONS.get(package, package)) if package else ""
        except metadata.PackageNotFoundError:
            return ""

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """As of every model."""
        return {} if task == "regression" else {"scale_target": "for classes"}


class BoostingParams(ImportedParams):
    """CatBoost's and XGBoost's estimators, stopped early as Podium's ``lightgbm`` is.

    With ``patience`` the number of trees is found on ``holdout`` of the fold's training rows, then
    they are grown again on all of them.
    """

    inputs: Literal["dense", "native"] = "native"
    patience: int | None = Field(50, ge=1)
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.2

    @model_validator(mode="after")
    def _holdout_for_patience(self) -> Self:
        if self.patience is None and self.is_set("holdout"):
            raise ValueError("holdout does nothing with patience: null")
        return self


class CatBoostParams(BoostingParams):
    """CatBoost (Prokhorenkova et al. 2018), with native categories."""

    iterations: Count = 1000
    learning_rate: Positive = 0.05


class XGBoostParams(BoostingParams):
    """XGBoost (Chen and Guestrin 2016), with native categories."""

    n_estimators: Count = 2000
    learning_rate: Positive = 0.05
    max_depth: int = Field(5, ge=0)
    subsample: Annotated[float, Field(gt=0, le=1)] = 0.8
    colsample_bytree: Annotated[float, Field(gt=0, le=1)] = 0.6


class RetrievalParams(ImportedParams):
    """A mean of similar rows' targets, by a distance that a network learns (Ye et al. 2024).

    The network has ``hidden`` units and embeds a row as ``embedding_size`` numbers. Each step looks
    at ``candidates`` training rows; predictions look at all. It trains until ``holdout`` of the
    fold's training rows have not improved for ``patience`` epochs. ``seeds`` of it are averaged.
    """

    model_config = ConfigDict(extra="forbid")
    inputs: Literal["dense"] = "dense"
    seeds: Count = 2
    hidden: Count = 128
    embedding_size: Count = 64
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    learning_rate: Positive = 0.002
    weight_decay: float = Field(0.01, ge=0)
    epochs: Count = 150
    patience: Count = 16
    holdout: Annotated[float, Field(gt=0, lt=1)] = 0.15
    batch_size: int = Field(128, ge=2)
    candidates: int = Field(2000, ge=2)

    @property
    def knobs(self) -> dict[str, Any]:
        """All that are the estimator's; some are named like Podium's for boosting."""
        return self.model_dump(exclude=set(PODIUMS) - {"patience", "holdout"})


def class_path(model: str, task: str) -> str:
    """The import path of an estimator's class, also of one with a short name."""
    return SHORT[model][task != "regression"] if model in SHORT else model


def own_path(competition: str, name: str) -> str | None:
    """The import path of a class that the competition's own file defines; None if it has none.

    Raises:
        PodiumError: the file is no Python.
    """
    from podium.io.usercode.sources import functions

    found = functions(competition, [name])
    return found[0].replace(":", ".") if found else None


def own_classes(competition: str) -> list[str]:
    """The classes of the competition's own file.

    Raises:
        PodiumError: the file is no Python.
    """
    from podium.io.usercode.sources import classes

    return classes(competition)


def path_problem(path: str) -> str | None:
    """What is wrong with an import path as far as it can be said without importing anything.

    Raises:
        PodiumError: it is in a user's own file, which is no Python.
    """
    package, *rest = path.split(".")
    if not (rest and all(part.isidentifier() for part in path.split("."))):
        return f"expected an import path such as sklearn.svm.SVR, found '{printable(path)}'"
    if package == USER_CODE:
        return _own_problem(*rest)
    if find_spec(package) is None:
        if package in BOOSTING:
            return f"package {package} is not installed; pip install -e '.[boosting]'"
        return f"no package '{package}' is installed; {nearest(package, PACKAGES)}"
    return None


def _own_problem(file: str, *names: str) -> str | None:
    from podium.io.usercode.sources import ANY, defined

    path = user_code(file)
    if len(names) != 1:
        return f"expected {USER_CODE}.<file>.<class>, the file being one of {path.parent}"
    if not path.is_file():
        known = sorted(one.stem for one in path.parent.glob("*.py"))
        return f"there is no {path}; {nearest(file, known)}"
    found = defined(file)
    if names[0] in found or ANY in found:
        return None
    return f"{path} defines no '{names[0]}'; {nearest(names[0], sorted(found))}"


def _is_plain(value: Any) -> bool:
    """Whether a knob's value is one that JSON has, and finite."""
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str)
