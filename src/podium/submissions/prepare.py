"""The file that is to be sent: read as Kaggle will read it, checked, and held against the last."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from podium import files, paths
from podium.config import Competition
from podium.csv_files import read_csv
from podium.ensemble.submission import check_submission
from podium.errors import PodiumError
from podium.stages.common import (
    is_sample,
    read_sample,
    read_schema,
    target_column,
    target_of,
)
from podium.submissions.ledger import ERROR, Entry


@dataclass(frozen=True)
class Prepared:
    """A checked file: its values as text, and its hash."""

    path: Path
    values: pd.DataFrame
    sha256: str


def prepare(competition: Competition) -> Prepared:
    """Read and check the competition's submission.

    Raises:
        PodiumError: there is none, it was made from a sample that is not Kaggle's, or Kaggle would
            refuse it.
    """
    path = paths.submission(competition.name)
    if not path.is_file():
        raise PodiumError(f"{path}: there is no submission yet; run 'dvc repro'")
    schema = read_schema(competition.name)
    if is_sample(schema):
        raise PodiumError(
            f"{path}: made from the sample that comes with Podium, not from Kaggle's data; set "
            f"{competition.name}.source.provider to kaggle or local, and run 'dvc repro'"
        )
    values = read_csv(path, na_values=[])
    target = target_of(competition, schema)
    check_submission(values, read_sample(competition), target, competition.scoring, str(path))
    return Prepared(path, values, files.sha256(path))


def out_of_range(competition: Competition, prepared: Prepared) -> str:
    """A remark on numbers beyond those of the training rows; empty if there are none."""
    oof = paths.blend(competition.name) / "oof.parquet"
    if competition.task != "regression" or not oof.is_file():
        return ""
    known = pd.read_parquet(oof, columns=[target_column(competition)]).iloc[:, 0]
    numbers = pd.to_numeric(prepared.values.iloc[:, 1])
    beyond = int(((numbers < known.min()) | (numbers > known.max())).sum())
    if not beyond:
        return ""
    return (
        f"{beyond} predictions lie outside the training rows' {known.min():g} to {known.max():g} "
        f"({numbers.min():g} to {numbers.max():g})"
    )


def same_as(prepared: Prepared, ledger: Iterable[Entry]) -> Entry | None:
    """The last submission of this very file that Kaggle took."""
    found = [one for one in ledger if one.sha256 == prepared.sha256 and one.status != ERROR]
    return found[-1] if found else None


def rows_that_differ(competition: str, prepared: Prepared, last: Entry) -> int | None:
    """How many rows differ from an earlier submission; None if its file isn't here."""
    kept = paths.sent(competition) / f"{last.sha256}.csv"
    if not last.sha256 or not kept.is_file():
        return None
    earlier = read_csv(kept, na_values=[])
    if earlier.shape != prepared.values.shape:
        return len(prepared.values)
    return int((earlier.to_numpy() != prepared.values.to_numpy()).any(axis=1).sum())


def keep(competition: str, prepared: Prepared) -> None:
    """Keep a copy of what is sent, to compare the next one with."""
    kept = paths.sent(competition) / f"{prepared.sha256}.csv"
    if kept.is_file():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(prepared.path, scratch)
    scratch.replace(kept)
