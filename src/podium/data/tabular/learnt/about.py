"""What ``summary.csv`` says of learnt columns."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from podium.config.features import Expression, Features


def about_learnt(
    features: Features, frames: Sequence[pd.DataFrame], own: bool = False
) -> dict[str, str]:
    """By column how it came about; ``frames`` has the columns of each split.

    Automatic features differ between splits: in how many each was chosen is said too. ``own``:
    the user's code has encoders too.
    """
    counts = Counter(str(name) for frame in frames for name in frame)
    about = {}
    for column, count in counts.items():
        feature = _feature_of(column, features)
        if feature is not None:
            about[column] = f"learnt in each fold: {_words(features, feature)}"
        elif own and not features.auto:
            about[column] = "learnt in each fold by encoders() of your own code"
        elif own:
            about[column] = (
                f"by your own encoders(), or automatic, in {count} of {len(frames)} folds"
            )
        else:
            about[column] = f"automatic, chosen in {count} of {len(frames)} folds"
    return about


def _feature_of(column: str, features: Features) -> str | None:
    """The feature of params.yaml that a column is of: the longest name that it begins with."""
    if isinstance(features.made.get(column), Expression):
        return column
    names = [name for name in features.learnt() if f"{column} ".startswith(f"{name} ")]
    return max(names, key=len, default=None)


def _words(features: Features, name: str) -> str:
    feature = features.made[name]
    if isinstance(feature, Expression):
        return feature.expression
    values = feature.model_dump(by_alias=True)
    return ", ".join(
        f"{key} {' x '.join(value) if isinstance(value, list) else value}"
        for key, value in values.items()
    )
