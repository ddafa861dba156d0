"""What params.yaml says of the data, looked up in those that are there: columns and folds."""

from collections.abc import Iterator
from pathlib import Path

from podium.config import Competition, TableCompetition
from podium.config.load import located
from podium.data.sources.local_files import files_of, is_zip
from podium.io import files, paths
from podium.io.csv_files import column_names, read_csv, read_header
from podium.io.errors import KeyedError
from podium.io.text import nearest

Key = tuple[str | int, ...]
LISTS = ("drop", "categorical", "na_is_category")


def unknown_columns(competition: Competition, table: Path) -> list[str]:
    """A line for each column that params.yaml names and that a csv lacks, in the keys' order.

    Raises:
        PodiumError: the table is not a csv.
    """
    columns = column_names(read_header(table))
    lines = []
    for key, column in _named(competition):
        if column not in columns:
            message = f"no column '{column}' in {table.name}; {nearest(column, columns)}"
            lines.append(located((competition.name, *key), message))
    return lines


def fold_problems(competition: Competition, table: Path) -> list[str]:
    """A line about folds that the rows of a csv don't allow: too many, or of too few groups.

    Raises:
        PodiumError: the table is not a csv, or its target doesn't fit the task.
    """
    if not isinstance(competition, TableCompetition):
        return []
    from podium.data.tabular.fold_columns import check_folds
    from podium.data.tabular.read import read_target

    spec = competition.folds
    columns = [competition.id, competition.target, spec.group, spec.by, spec.column]
    named = [name for name in columns if name is not None]
    verbatim = [name for name in (competition.id, spec.group) if name is not None]
    train = read_csv(table, competition.preprocess.na_values, named, verbatim=verbatim)
    try:
        check_folds(train, read_target(train, competition)[0], competition)
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
        yield ("id",), competition.id
    yield ("target",), competition.target
    if not isinstance(competition, TableCompetition):
        return
    for key in ("group", "by", "column"):
        if (column := getattr(competition.folds, key)) is not None:
            yield ("folds", key), column
    for name in LISTS:
        for index, column in enumerate(getattr(competition.preprocess, name)):
            yield ("preprocess", name, index), column
