"""How training rows may be dealt into folds: one row a scheme."""

from dataclasses import dataclass

_SKLEARN = "sklearn.model_selection:"


@dataclass(frozen=True)
class FoldScheme:
    """A row of the table of fold schemes.

    ``splitter`` is a class with scikit-learn's interface, as ``module:class``, imported when it is
    used: made from the number of folds, its ``split(x, y, groups)`` gives each fold's training and
    validation rows. Without one the folds are given, by a column, a file or the user's code.
    ``shuffles``: it also takes ``shuffle`` and ``random_state``, so that repeats differ; without it
    more than one repeat is an error. ``stratifies``: it keeps the shares of classes, or of bins of
    the target. ``in_order``: rows are in time, of the column ``folds.by`` or of the file;
    ``past_only``: a fold trains on rows before its own alone, so that the first rows are never
    validated. ``needs`` and ``takes`` are keys of ``folds`` that it must and may have.
    """

    splitter: str = ""
    shuffles: bool = False
    stratifies: bool = False
    in_order: bool = False
    past_only: bool = False
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()

    @property
    def needs_group(self) -> bool:
        """Whether it keeps rows together that are equal in the column ``folds.group``."""
        return "group" in self.needs

    @property
    def is_given(self) -> bool:
        """Whether fold numbers come from elsewhere, and their number too."""
        return not self.splitter

    @property
    def draws_rows(self) -> bool:
        """Whether rows are drawn one by one: neither by group, nor in order, nor given."""
        return self.shuffles and not self.needs_group


SCHEMES: dict[str, FoldScheme] = {
    "kfold": FoldScheme(f"{_SKLEARN}KFold", shuffles=True),
    "stratified": FoldScheme(f"{_SKLEARN}StratifiedKFold", shuffles=True, stratifies=True),
    "group": FoldScheme(f"{_SKLEARN}GroupKFold", needs=("group",)),
    "stratified_group": FoldScheme(
        f"{_SKLEARN}StratifiedGroupKFold", shuffles=True, stratifies=True, needs=("group",)
    ),
    "contiguous": FoldScheme(f"{_SKLEARN}KFold", in_order=True, takes=("by",)),
    "purged": FoldScheme(f"{_SKLEARN}KFold", in_order=True, needs=("gap",), takes=("by",)),
    "time": FoldScheme(
        f"{_SKLEARN}TimeSeriesSplit",
        in_order=True,
        past_only=True,
        takes=("by", "gap", "window"),
    ),
    "column": FoldScheme(needs=("column",)),
    "file": FoldScheme(needs=("path",)),
    "own": FoldScheme(),
}
# What schemes are called elsewhere; without capitals, "_" and "-".
ALIASES = {
    name: scheme
    for scheme, names in {
        "kfold": "random shuffle shufflesplit shuffled repeatedkfold",
        "stratified": "stratifiedkfold stratify stratifiedshufflesplit repeatedstratifiedkfold",
        "group": "groupkfold groupshufflesplit groups leaveonegroupout",
        "stratified_group": "stratifiedgroupkfold groupstratified stratifiedgroups",
        "contiguous": "blocks block ordered unshuffled sequential",
        "purged": "purgedkfold purgedgrouptimeseries embargo combinatorialpurged",
        "time": "timeseriessplit timeseries temporal walkforward expanding sliding rolling",
        "column": "predefined predefinedsplit fromcolumn foldcolumn",
        "file": "csv fromfile path",
        "own": "custom user function code",
    }.items()
    for name in names.split()
}
