"""Matches ids and image files by the CSV files and the names in the zips; decodes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from podium.config import ImageCompetition
from podium.data.classes import check_labels, check_named_columns
from podium.io.csv_files import SAMPLE, check_ids, check_sample_ids, no_bad_rows, read_csv
from podium.io.errors import PodiumError
from podium.io.zips import open_zip

TRAIN, TEST, LABELS = "train.zip", "test.zip", "labels.csv"


@dataclass(frozen=True)
class Listing:
    """Ids and labels as text, and the file of each id: training rows in the order of labels.csv,
    test rows in that of the sample submission.
    """

    labels: "pd.Series[Any]"
    train_ids: "pd.Series[Any]"
    train_files: list[str]
    test_ids: "pd.Series[Any]"
    test_files: list[str]


def read_listing(folder: Path, competition: ImageCompetition) -> Listing:
    """Read and check the CSV files, and find every id's image by its name with or without suffix.

    Raises:
        PodiumError: a file is missing or invalid; a column is missing; ids are missing or
            duplicated; labels don't fit the task; an id has no image, or an image no id.
    """
    labels, sample = (read_csv(folder / name, [""]) for name in (LABELS, SAMPLE))
    check_named_columns(LABELS, labels.columns, competition)
    check_ids(LABELS, labels, competition.id)
    check_sample_ids(sample, competition.id)
    check_labels(LABELS, labels[competition.target], sample, competition)
    return Listing(
        labels=labels[competition.target],
        train_ids=labels[competition.id],
        train_files=_files(folder / TRAIN, labels[competition.id], LABELS),
        test_ids=sample[competition.id],
        test_files=_files(folder / TEST, sample[competition.id], SAMPLE),
    )


def _files(archive: Path, ids: "pd.Series[Any]", table: str) -> list[str]:
    """The file of each id of ``table``."""
    names = _names(archive)
    by_name = {name: name for name in names}
    by_stem = _by_stem(archive, names, set(ids))
    found = ids.map(lambda key: by_name.get(key, by_stem.get(key)))
    no_bad_rows(table, ids, found.isna(), f"has no image in {archive.name}")
    no_bad_rows(table, ids, found.duplicated(), f"names the image of another row in {archive.name}")
    extra = sorted(set(names) - set(found))
    if extra:
        raise PodiumError(
            f"{archive.name}: image {extra[0]} has no row in {table} ({len(extra)} such images); "
            "remove them, or add their rows"
        )
    return list(found)


def _names(archive: Path) -> Sequence[str]:
    if not archive.is_file():
        raise PodiumError(f"{archive.name}: file is missing; run the download stage")
    with open_zip(archive.name, archive) as zipped:
        return zipped.namelist()


def _by_stem(archive: Path, names: Sequence[str], ids: set[str]) -> dict[str, str]:
    """Files by their name without suffix.

    Raises:
        PodiumError: an id matches two files.
    """
    stems = defaultdict(list)
    for name in names:
        stems[PurePosixPath(name).stem].append(name)
    for stem, files in stems.items():
        if len(files) > 1 and stem in ids:
            raise PodiumError(
                f"{archive.name}: id '{stem}' matches both {files[0]} and {files[1]}; remove one, "
                "or use full file names as ids"
            )
    return {stem: files[0] for stem, files in stems.items()}
