"""The blocks of ``params.yaml``. Keys that scripts outside the project rely on keep their names."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field

from podium.config.blending import CANDIDATES, METHODS, NAMES
from podium.config.block import Block, ModelParams, Name, NotNegative, Seed, as_text, name_in
from podium.config.compute import Compute
from podium.config.features import Features
from podium.config.folds import ALIASES, SCHEMES
from podium.config.ids import Id, TargetColumns, columns_of
from podium.config.providers import PROVIDERS
from podium.io.text import shown
from podium.metrics import Metric, metric_named


def _slug(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        raise ValueError("the last part of the competition's address: letters, digits and '-'")
    return text


def _least_rows(value: object) -> object:
    if value != "auto" and (type(value) is not int or value < 1):
        raise ValueError("auto or a whole number of at least 1")
    return value


def _csv_files(names: list[str]) -> list[str]:
    bases = [PurePosixPath(name).name for name in names]
    for name, base in zip(names, bases, strict=True):
        if not base.endswith(".csv") or bases.count(base) > 1:
            raise ValueError(f"names of csv files, each another; found {shown(name)}")
    return names


def _scheme(value: object) -> object:
    """Explains the names that scikit-learn and others have for a scheme."""
    plain = value.lower().replace("_", "").replace("-", "") if isinstance(value, str) else ""
    meant = plain if plain in SCHEMES else ALIASES.get(plain)
    if meant is not None and value not in SCHEMES:
        raise ValueError(f"'{meant}', as it is called here")
    return value


def as_texts(value: object) -> object:
    """Labels are text, though YAML reads 1 and true as a number and a boolean."""
    return [as_text(label) for label in value] if isinstance(value, list) else value


Slug = Annotated[str, AfterValidator(_slug)]
LeastRows = Annotated[int | Literal["auto"], BeforeValidator(_least_rows)]
Side = Annotated[int, Field(ge=1, le=4096)]
MethodName = Annotated[str, name_in(METHODS)]
Task = Literal["regression", "binary", "multiclass"]
TargetTransform = Literal["none", "log", "log1p", "sqrt", "yeo_johnson", "quantile", "rank"]

# Text that means a missing value in a csv. "None" is not among them: it is a category in the
# Ames table (no masonry veneer).
NA_VALUES = ["", "NA", "NaN", "nan", "N/A", "null"]


class Files(Block):
    """The names of the raw files inside a folder or archive.

    Image competitions come in two shapes. Without ``labels``, ``train`` and ``test`` are csv files
    of pixels. With it they are folders or zips of image files, and ``labels`` is the csv file that
    has an image's id and its class. ``extra`` are other csv files, for the user's own code.
    Without a sample submission (null) a submission has the test ids and what task and metric ask
    for.
    """

    train: Name = "train.csv"
    test: Name = "test.csv"
    labels: Name | None = None
    sample_submission: Name | None = "sample_submission.csv"
    extra: Annotated[list[Name], AfterValidator(_csv_files)] = []


class Source(Block):
    """Where raw files come from."""

    provider: Annotated[str, name_in(PROVIDERS)] = "sample"
    slug: Slug | None = None
    path: Name | None = None
    seed: Seed = 0
    files: Files = Files()


class Folds(Block):
    """How training rows are dealt into folds; assigned once, shared by every model.

    ``count`` is not for schemes whose folds are given. ``by`` is a column of dates or numbers, by
    which rows are in order; without it they are in the order of the file. ``gap`` and ``window``
    count its values (without ``by``: rows): how many between training and validation are left out,
    and on how many a fold trains at most. ``column`` of train.csv, or the csv ``path``, has each
    row's fold.
    """

    scheme: Annotated[str, name_in(SCHEMES), BeforeValidator(_scheme)] = "kfold"
    count: int = 5
    repeats: int = Field(1, ge=1)
    seed: Seed = 0
    group: Name | None = None
    by: Name | None = None
    gap: int = Field(0, ge=0)
    window: int | None = Field(None, ge=1)
    column: Name | None = None
    path: Name | None = None


class Preprocess(Block):
    """What is done to columns before a model sees them."""

    fit_on: Literal["fold", "train", "train_and_test"] = "fold"
    na_values: list[str] = NA_VALUES
    na_is_category: list[Name] = []
    categorical: list[Name] = []
    drop: list[Name] = []
    impute: Literal["mean", "median", "zero"] = "median"
    na_indicators: Literal["none", "observed", "categorical"] = "observed"
    standardize: bool = True
    log_skewed: float | None = Field(None, gt=0)
    clip: float | None = Field(None, gt=0)
    min_count: LeastRows = "auto"


class ImagePreprocess(Block):
    """How images become one array of one size.

    ``size`` is [height, width] to resize to; without it images stay as they are and must all have
    one size. ``damaged`` says what to do with a file that is not an image: ``stop``, or ``skip`` it
    among the training images and count it.
    """

    size: Annotated[list[Side], Field(min_length=2, max_length=2)] | None = None
    channels: Literal["auto", "grey", "rgb"] = "auto"
    damaged: Literal["stop", "skip"] = "stop"


class Ensemble(Block):
    """How the models' predictions become one.

    ``nested``: the rows on which a fold's weights are fitted are predicted by the models of the
    folds (``folds``), or by models that are fitted again without that fold's rows (``full``).
    ``candidates``: what method ``auto`` chooses from; ``tolerance``: it takes a simpler one that is
    worse by no more standard errors.
    ``submit``: ``better`` is the best model where the blend's nested score doesn't beat it.
    """

    method: Annotated[str, name_in(NAMES)] = "auto"
    models: list[Name] | Literal["all"] = "all"
    rounds: int = Field(100, ge=1)
    nested: Literal["folds", "full"] = "folds"
    candidates: Annotated[list[MethodName], Field(min_length=1)] = list(CANDIDATES)
    tolerance: NotNegative = 0.0
    submit: Literal["better", "blend"] = "better"


class Submission(Block):
    """What a submission's columns hold, where names or the metric don't tell.

    ``columns``: by column of the sample submission, the class whose probability it holds (for
    regression, and of several targets: the target); null for a class that no training row has,
    which gets 0. ``values``:
    ``auto`` is by the metric, and checked against the sample submission's values.
    """

    columns: Annotated[Mapping[str, Name | None], BeforeValidator(as_text)] = {}
    values: Literal["auto", "labels", "probabilities"] = "auto"


class Report(Block):
    """What is found out for the report alone.

    ``importance``: how much features matter to each model of a table, and how its predictions
    depend on them, beside the training; ``none`` leaves it out.
    """

    importance: Literal["auto", "none"] = "auto"


class Competition(Block):
    """One competition: its data, its task, its folds and its models.

    ``id`` may be a list of columns, and so may ``target``: each is predicted by models of its own,
    on the same folds, and the score is the mean of theirs. ``classes`` are the target's in their
    order, where numbers by size and texts by the alphabet is not theirs. Blocks may be empty
    (``{}``); only ``submission``, ``classes`` and ``report`` may be left out.
    """

    name: Name
    kind: Literal["tabular", "image"]
    source: Source
    task: Task
    id: Id
    target: TargetColumns
    classes: Annotated[list[Name], BeforeValidator(as_texts)] = []
    target_transform: TargetTransform
    metric: str
    folds: Folds
    models: Mapping[str, ModelParams]
    ensemble: Ensemble
    submission: Submission = Submission()
    report: Report = Report()

    @property
    def id_columns(self) -> list[str]:
        """The columns of the id: several are joined to the column ``id`` while Podium works."""
        return columns_of(self.id)

    @property
    def targets(self) -> list[str]:
        """The columns to predict."""
        return columns_of(self.target)

    def of_target(self, name: str) -> Self:
        """The competition as it would be with one of its targets alone."""
        return self.model_copy(update={"target": name})

    @property
    def scoring(self) -> Metric:
        """The metric itself.

        Raises:
            PodiumError: it is the user's own, and not as it should be.
        """
        if self.metric == "own":
            from podium.io.usercode.metric import own_metric

            return own_metric(self.name, self.task)
        return metric_named(self.metric)

    @property
    def refits(self) -> bool:
        """Whether a model is fitted on all training rows as well."""
        return any(params.tested_by != "folds" for params in self.models.values())

    @property
    def blended(self) -> list[str]:
        """Names of the models that the blend may use, in the order of params.yaml."""
        names = list(self.models)
        return names if self.ensemble.models == "all" else [*self.ensemble.models]


class TableCompetition(Competition):
    """A competition whose rows are those of a csv file."""

    kind: Literal["tabular"]
    preprocess: Preprocess
    features: Features = Features()


class ImageCompetition(Competition):
    """A competition whose rows are images, to be sorted into classes."""

    kind: Literal["image"]
    preprocess: ImagePreprocess


COMPETITIONS: dict[str, type[Competition]] = {
    "tabular": TableCompetition,
    "image": ImageCompetition,
}


class Config(Block):
    """The whole of ``params.yaml``."""

    competitions: list[str]
    blocks: Mapping[str, Competition]
    compute: Compute = Compute()

    def __getitem__(self, name: str) -> Competition:
        return self.blocks[name]
