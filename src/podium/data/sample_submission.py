"""The sample submission of a competition that has none: ids of the test rows, and what is asked.

``source.files.sample_submission: null`` says that there is none. The download stage then writes one
of ids and the target, empty. What columns it stands for depends on task and metric, and is worked
out where it is read.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pandas as pd

from podium.config import Competition
from podium.io import files
from podium.io.csv_files import SAMPLE, TEST, column_names, few, read_csv, read_header
from podium.io.errors import PodiumError
from podium.io.text import nearest
from podium.io.zips import open_zip

TRAIN_IMAGES, TEST_IMAGES, LABELS = "train.zip", "test.zip", "labels.csv"


def is_missing(competition: Competition) -> bool:
    """Whether the competition has no sample submission."""
    return competition.source.files.sample_submission is None


def make_sample(folder: Path, competition: Competition) -> None:
    """Write a sample submission of test ids beside the raw files, where there is none.

    Raises:
        PodiumError: the file with the ids is missing or damaged, or lacks them.
    """
    if not is_missing(competition):
        return
    has_images = competition.source.files.labels is not None
    ids = _image_ids(folder, competition) if has_images else _row_ids(folder, competition)
    empty = dict.fromkeys(competition.targets, "")
    text = ids.assign(**empty).to_csv(index=False, lineterminator="\n")
    files.write_text(folder / SAMPLE, text)


def _row_ids(folder: Path, competition: Competition) -> pd.DataFrame:
    """The ids of test.csv; row numbers, from 1, of pixels without ids."""
    path, wanted = folder / TEST, competition.id_columns
    header = column_names(read_header(path))
    missing = [name for name in wanted if name not in header]
    if missing and competition.kind == "tabular":
        raise PodiumError(f"{TEST}: no id column '{missing[0]}'; {nearest(missing[0], header)}")
    table = read_csv(path, [""], wanted, verbatim=wanted)
    if not missing:
        return table[wanted]
    return pd.DataFrame({competition.id: range(1, len(table) + 1)})


def _image_ids(folder: Path, competition: Competition) -> pd.DataFrame:
    """The names of the test images, with a suffix if the labels' ids have one, in order."""
    labels = read_csv(folder / LABELS, [""], [competition.id]).iloc[:, 0]
    with open_zip(TRAIN_IMAGES, folder / TRAIN_IMAGES) as zipped:
        whole = bool(labels.isin(zipped.namelist()).any())
    with open_zip(TEST_IMAGES, folder / TEST_IMAGES) as zipped:
        names = zipped.namelist()
    found = names if whole else [PurePosixPath(name).stem for name in names]
    return pd.DataFrame({competition.id: sorted(found)})


def asked(sample: pd.DataFrame, classes: Sequence[str], competition: Competition) -> pd.DataFrame:
    """The sample submission with the columns that it stands for, if it was made here.

    These are the keys of ``submission.columns``; without any the target's own (of several those of
    all), or one for each class where probabilities of several are asked for.

    Args:
        sample: the sample submission, its first column the id.
        classes: the class names in code order; none for regression.
        competition: its task, metric and ``submission`` say what is asked for.
    """
    if not is_missing(competition):
        return sample
    columns = columns_asked(classes, competition)
    ids = sample.iloc[:, :1]
    return pd.concat([ids, pd.DataFrame("", index=ids.index, columns=columns)], axis=1)


def columns_asked(classes: Sequence[str], competition: Competition) -> list[str]:
    """The columns that a submission has after the id, where no sample says it."""
    given, wanted = competition.submission.columns, competition.submission.values
    if given:
        return list(given)
    needs = competition.scoring.needs if wanted == "auto" else wanted
    of_each = needs == "probabilities" and len(classes) > 2
    return list(classes) if of_each else competition.targets


def note(classes: Sequence[str], competition: Competition) -> str:
    """What to say where a submission follows no sample; empty if it follows one."""
    if not is_missing(competition):
        return ""
    return (
        f"no sample submission (source.files.sample_submission: null): the columns are "
        f"{few([competition.id, *columns_asked(classes, competition)])}, by task "
        f"{competition.task} and metric {competition.metric}; compare with the competition's page"
    )
