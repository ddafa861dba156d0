"""How training rows may be dealt into folds: one row a scheme."""

from dataclasses import dataclass


@dataclass(frozen=True)
class FoldScheme:
    """A row of the table of fold schemes.

    ``splitter`` is a class with scikit-learn's interface, as ``module:class``, imported when it is
    used: made from the number of folds, its ``split(x, y, groups)`` gives each fold's training and
    validation rows. ``shuffles``: it also takes ``shuffle`` and ``random_state``, so that repeats
    differ; without it more than one repeat is an error. ``needs_classes``: it keeps the shares of
    classes. ``needs_group``: it keeps rows together that are equal in the column ``folds.group``.
    """

    splitter: str
    shuffles: bool = False
    needs_classes: bool = False
    needs_group: bool = False


SCHEMES: dict[str, FoldScheme] = {
    "kfold": FoldScheme("sklearn.model_selection:KFold", shuffles=True),
    "stratified": FoldScheme(
        "sklearn.model_selection:StratifiedKFold", shuffles=True, needs_classes=True
    ),
    "group": FoldScheme("sklearn.model_selection:GroupKFold", needs_group=True),
    "contiguous": FoldScheme("sklearn.model_selection:KFold"),
}
