"""Learnt features: what a column of ``features:`` is fitted by, on each fold's training rows.

A feature is a mapping with a key of ``LEARNT``, which names the columns that it is made from.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from podium.config.block import Block, Count, Name, NotNegative

Names = Annotated[list[Name], Field(min_length=1)]
Form = Literal["value", "difference", "ratio"]


class LearntFeature(Block):
    """What every learnt feature has.

    ``maker`` is the ``module:function`` that gives its learners; ``numbers`` are the keys that name
    columns of numbers, ``any_type`` those that name columns of any type.
    """

    maker: ClassVar[str]
    numbers: ClassVar[tuple[str, ...]] = ()
    any_type: ClassVar[tuple[str, ...]] = ()

    def named(
        self, keys: tuple[str, ...] | None = None
    ) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """The keys that name a column, and that column."""
        for key in (*self.numbers, *self.any_type) if keys is None else keys:
            value = getattr(self, key)
            if isinstance(value, str):
                yield (key,), value
            else:
                yield from (((key, index), name) for index, name in enumerate(value))


class TargetMean(LearntFeature):
    """The target's mean by the levels of columns, together; of each class for classification.

    A level's mean counts as many rows of the overall mean as ``smoothing`` says.
    """

    maker = "podium.data.tabular.learnt.encoding:target_mean"
    any_type = ("target_mean",)

    target_mean: Names
    smoothing: NotNegative = 10.0


class Counts(LearntFeature):
    """How many rows have the same levels of these columns."""

    maker = "podium.data.tabular.learnt.encoding:counts"
    any_type = ("count",)

    count: Names


class Frequencies(LearntFeature):
    """The share of rows that have the same levels of these columns."""

    maker = "podium.data.tabular.learnt.encoding:frequencies"
    any_type = ("frequency",)

    frequency: Names


class GroupStatistic(LearntFeature):
    """A statistic of a number by the levels of columns, and the number beside it."""

    maker = "podium.data.tabular.learnt.groups:group_statistic"
    any_type = ("by",)

    by: Names
    forms: list[Form] = Field(["value"], min_length=1, alias="as")


class MeanBy(GroupStatistic):
    """The mean of a number in its group."""

    numbers = ("mean",)
    mean: Name


class MedianBy(GroupStatistic):
    """The median of a number in its group."""

    numbers = ("median",)
    median: Name


class StdBy(GroupStatistic):
    """The standard deviation of a number in its group."""

    numbers = ("std",)
    std: Name


class MinBy(GroupStatistic):
    """The least number in its group."""

    numbers = ("min",)
    min: Name


class MaxBy(GroupStatistic):
    """The largest number in its group."""

    numbers = ("max",)
    max: Name


class Text(LearntFeature):
    """Texts as a few numbers: counts of words, weighted or hashed, and their main directions."""

    maker = "podium.data.tabular.learnt.text:text"
    any_type = ("text",)

    text: Name
    method: Literal["tfidf", "hashed"] = "tfidf"
    components: Annotated[int, Field(ge=1, le=512)] = 16


class Clusters(LearntFeature):
    """The distances to the centres of k-means."""

    maker = "podium.data.tabular.learnt.distances:clusters"
    numbers = ("kmeans",)

    kmeans: Names
    clusters: Annotated[int, Field(ge=2, le=512)] = 20


class Neighbours(LearntFeature):
    """The mean distance to the nearest training rows, and the mean of their targets."""

    maker = "podium.data.tabular.learnt.distances:neighbours"
    numbers = ("neighbours",)

    neighbours: Names
    count: Count = 10


class Scale(LearntFeature):
    """Numbers in another shape: normal quantiles, a power, or RealMLP's robust scale."""

    maker = "podium.data.tabular.learnt.scaling:scale"
    numbers = ("scale",)

    scale: Names
    method: Literal["quantile", "yeo_johnson", "robust"]


class Bins(LearntFeature):
    """Numbers as the place of their bin, each with as many rows; or a column for each bin."""

    maker = "podium.data.tabular.learnt.scaling:bins"
    numbers = ("bins",)

    bins: Names
    count: Annotated[int, Field(ge=2, le=512)] = 10
    encode: Literal["ordinal", "onehot"] = "ordinal"


# By the key that tells them apart; ``count`` is a key of others too, and comes last.
LEARNT: dict[str, type[LearntFeature]] = {
    "target_mean": TargetMean,
    "frequency": Frequencies,
    "text": Text,
    "kmeans": Clusters,
    "neighbours": Neighbours,
    "scale": Scale,
    "bins": Bins,
    "mean": MeanBy,
    "median": MedianBy,
    "std": StdBy,
    "min": MinBy,
    "max": MaxBy,
    "count": Counts,
}


def learnt_kind(value: Mapping[str, Any]) -> type[LearntFeature] | None:
    """The class of a feature's mapping, by the first key of ``LEARNT`` that it has."""
    return next((LEARNT[key] for key in LEARNT if key in value), None)
