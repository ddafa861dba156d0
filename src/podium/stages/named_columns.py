"""What params.yaml says of the data, looked up in those that are there: columns and folds."""

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from podium.config import Competition, TableCompetition
from podium.config.features import columns_of
from podium.config.load import MOST_PROBLEMS, located
from podium.data.sources.local_files import files_of, is_zip
from podium.io import files, paths
from podium.io.csv_files import TEST, column_names, read_csv, read_header
from podium.io.errors import KeyedError, PodiumError, SettingError
from podium.io.text import nearest
from podium.io.usercode.errors import UserCodeError
from podium.io.usercode.load import OWN
from podium.io.usercode.sources import functions

if TYPE_CHECKING:
    import pandas as pd

    from podium.metrics import Array

Key = tuple[str | int, ...]
LISTS = ("drop", "categorical", "na_is_category")
# Blocks whose columns may be features.
MAY_BE_MADE = ("preprocess", "folds")
# Keys whose column may be in the test table alone.
MAY_BE_IN_TEST = {"id", "drop"}


def unknown_columns(competition: Competition, table: Path) -> list[str]:
    """A line for each column that params.yaml names and that a csv lacks, in the keys' order.

    Raises:
        PodiumError: the table is not a csv.
    """
    columns = column_names(read_header(table))
    made = _made(competition)
    lines = []
    for key, column in _named(competition):
        is_there = (
            column in columns
            or (key[0] in MAY_BE_MADE and column in made)
            or (MAY_BE_IN_TEST & set(key) and column in _columns_of_test(competition, table))
        )
        if not is_there:
            choices = [*columns, *made] if key[0] in MAY_BE_MADE else columns
            message = f"no column '{column}' in {table.name}; {nearest(column, choices)}"
            lines.append(located((competition.name, *key), message))
    # Which columns the user's own code makes is not known before it is called.
    has_own = bool(functions(competition.name, ["features"]))
    return lines + feature_problems(competition, None if has_own else columns)


def feature_problems(competition: Competition, columns: Collection[str] | None = None) -> list[str]:
    """A line for each mistake in ``features``; names are looked up if columns are known."""
    if not isinstance(competition, TableCompetition) or not competition.features.made:
        return []
    # Only tables have features, and need their code.
    from podium.data.tabular.features.plan import problems

    return [
        located((competition.name, "features", name), message)
        for name, message in islice(problems(competition, columns), MOST_PROBLEMS)
    ]


def feature_failures(competition: Competition, table: Path) -> list[str]:
    """A line for each feature that can't be made of the rows of a csv, and of the test table's.

    Raises:
        PodiumError: a table is not a csv.
    """
    if not isinstance(competition, TableCompetition) or not competition.features.made:
        return []
    from podium.data.tabular.features.plan import plan
    from podium.data.tabular.features.trial import wrong_features

    used = {name for one in plan(competition) for name in one.uses} - {*competition.targets}
    test = _test_table(competition, table)
    paths_there = [table] if test is None else [table, test]
    for path in paths_there:
        used &= {*column_names(read_header(path))}
    if not used:
        return []
    verbatim = [name for name in (*competition.id_columns, competition.folds.group) if name]
    na_values = competition.preprocess.na_values
    tables = [read_csv(path, na_values, sorted(used), verbatim=verbatim) for path in paths_there]
    places = list(competition.features.made)
    found = sorted(
        islice(wrong_features(tables, competition), MOST_PROBLEMS),
        key=lambda error: places.index(error.keys[-1]),
    )
    return [placed(competition, error) for error in found]


def _made(competition: Competition) -> list[str]:
    """The columns that features make, as far as params.yaml says them."""
    if not isinstance(competition, TableCompetition):
        return []
    return [name for _, names in columns_of(competition.features) for name in names]


def _columns_of_test(competition: Competition, table: Path) -> list[str]:
    """The columns of the test table beside a training table, where it can be read."""
    test = _test_table(competition, table)
    return [] if test is None else column_names(read_header(test))


def _test_table(competition: Competition, table: Path) -> Path | None:
    """The test table beside a training table, where it can be read."""
    raw = table == raw_table(competition)
    test = paths.raw(competition.name) / TEST if raw else files_of(competition).get("test")
    if competition.kind != "tabular" or test is None or not test.is_file() or is_zip(test.name):
        return None
    return test


def fold_problems(competition: Competition, table: Path) -> list[str]:
    """A line about a target that doesn't fit the task or the metric, an own metric, or folds.

    The rows may not allow so many folds, or have too few groups.

    Raises:
        PodiumError: the table is not a csv.
    """
    if not isinstance(competition, TableCompetition):
        return []
    from podium.data.ids import with_one_id
    from podium.data.tabular.fold_columns import check_folds
    from podium.data.tabular.read import not_features

    spec = competition.folds
    ids = competition.id_columns
    columns = [*ids, *competition.targets, spec.group, spec.by, spec.column]
    named = [name for name in columns if name is not None]
    if not set(named) <= set(column_names(read_header(table))):
        # One is a feature, or the ids are in the test table alone: known when they are made.
        return []
    verbatim = not_features(competition)
    read = read_csv(table, competition.preprocess.na_values, named, verbatim=verbatim)
    train = with_one_id(table.name, read, ids)
    try:
        targets = _read_targets(train, competition)
    except UserCodeError as error:
        return [str(error)]
    except SettingError as error:
        return [located(error.keys, error.message)]
    except PodiumError as error:
        return [located((competition.name, "target"), str(error))]
    try:
        # Folds are the same for all targets.
        check_folds(train, targets[0], competition)
    except KeyedError as error:
        return [placed(competition, error)]
    except PodiumError as error:
        return [located((competition.name, "folds"), str(error))]
    return []


def _read_targets(train: "pd.DataFrame", competition: TableCompetition) -> "list[Array]":
    """The values of each target; an own metric is called with them.

    Raises:
        PodiumError: one doesn't fit the task or the metric; or the own metric fails.
    """
    from podium.data.tabular.read import read_target
    from podium.metrics.trial import try_metric

    read = [read_target(train, competition.of_target(name)) for name in competition.targets]
    if competition.metric == OWN:
        for y, classes in read:
            try_metric(competition.scoring, y, len(classes))
    return [y for y, _ in read]


def placed(competition: Competition, error: KeyedError) -> str:
    """An error's message with the file and the line of its keys."""
    return located((competition.name, *error.keys), error.message)


def table_there(competition: Competition) -> Path | None:
    """The csv that has the labels, where it can be read without a download; None elsewhere.

    It is the user's own file, or that of the source's last download.

    Raises:
        PodiumError: there is no such folder or zip.
    """
    key = _key(competition)
    source, raw = competition.source, paths.raw(competition.name)
    if source.provider == "local":
        own = files_of(competition).get(key)
        if own is not None and own.is_file() and not is_zip(own.name):
            return own
        link = paths.resolved(competition.name) / "source" / key
        if own is None or not link.exists() or not own.exists() or not link.samefile(own):
            return None
    if not (raw / files.MANIFEST).is_file() or not (raw / f"{key}.csv").is_file():
        return None
    manifest = files.read_json(raw / files.MANIFEST)
    same = (manifest.get("provider"), manifest.get("slug")) == (source.provider, source.slug)
    return raw / f"{key}.csv" if same else None


def raw_table(competition: Competition) -> Path:
    """The raw csv that has the labels."""
    return paths.raw(competition.name) / f"{_key(competition)}.csv"


def _key(competition: Competition) -> str:
    return "labels" if competition.source.files.labels else "train"


def _named(competition: Competition) -> Iterator[tuple[Key, str]]:
    """The keys that name a column of the csv with the labels, and those columns."""
    # Pixels in a csv have no id.
    if competition.kind == "tabular" or competition.source.files.labels:
        yield from ((("id",), column) for column in competition.id_columns)
    yield from ((("target",), column) for column in competition.targets)
    if not isinstance(competition, TableCompetition):
        return
    for key in ("group", "by", "column"):
        if (column := getattr(competition.folds, key)) is not None:
            yield ("folds", key), column
    for name in LISTS:
        for index, column in enumerate(getattr(competition.preprocess, name)):
            yield ("preprocess", name, index), column
