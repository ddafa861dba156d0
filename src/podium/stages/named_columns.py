"""What params.yaml says of the data, looked up in those that are there: columns and folds."""

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

from podium.config import Competition, TableCompetition
from podium.config.features import columns_of
from podium.config.load import MOST_PROBLEMS, located
from podium.data.sources.local_files import files_of, is_zip
from podium.io import files, paths
from podium.io.csv_files import TEST, column_names, read_csv, read_header
from podium.io.errors import KeyedError
from podium.io.text import nearest
from podium.io.usercode.sources import functions

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


def _made(competition: Competition) -> list[str]:
    """The columns that features make, as far as params.yaml says them."""
    if not isinstance(competition, TableCompetition):
        return []
    return [name for _, names in columns_of(competition.features) for name in names]


def _columns_of_test(competition: Competition, table: Path) -> list[str]:
    """The columns of the test table beside a training table, where it can be read."""
    raw = table == raw_table(competition)
    test = paths.raw(competition.name) / TEST if raw else files_of(competition).get("test")
    if competition.kind != "tabular" or test is None or not test.is_file() or is_zip(test.name):
        return []
    return column_names(read_header(test))


def fold_problems(competition: Competition, table: Path) -> list[str]:
    """A line about folds that the rows of a csv don't allow: too many, or of too few groups.

    Raises:
        PodiumError: the table is not a csv, or its target doesn't fit the task.
    """
    if not isinstance(competition, TableCompetition):
        return []
    from podium.data.ids import with_one_id
    from podium.data.tabular.fold_columns import check_folds
    from podium.data.tabular.read import read_target

    spec = competition.folds
    ids = competition.id_columns
    columns = [*ids, *competition.targets, spec.group, spec.by, spec.column]
    named = [name for name in columns if name is not None]
    if not set(named) <= set(column_names(read_header(table))):
        # One is a feature, or the ids are in the test table alone: known when they are made.
        return []
    verbatim = [name for name in (*ids, spec.group) if name is not None]
    read = read_csv(table, competition.preprocess.na_values, named, verbatim=verbatim)
    train = with_one_id(table.name, read, ids)
    try:
        # Folds are the same for all targets.
        y, _ = read_target(train, competition.of_target(competition.targets[0]))
        check_folds(train, y, competition)
    except KeyedError as error:
        return [placed(competition, error)]
    return []


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
