"""The file to send: read it as Kaggle will, check it, and compare it with the last submission."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from podium.config import Competition
from podium.config.document import read_document
from podium.config.load import PARAMS
from podium.data.ids import only_one_id
from podium.data.sample_submission import note
from podium.data.submission_form import Form
from podium.data.targets import Target
from podium.ensemble.submission import check_submission, read_form
from podium.io import files, paths
from podium.io.csv_files import few, read_csv
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.runtime.tracking import warn_if_not_logged
from podium.stages.common import read_schema, target_of, true_columns
from podium.submissions.ledger import ERROR, Entry
from podium.submissions.runs import Origin, made
from podium.submissions.same_data import locked_stage, stop_if_other_data

# It has the parameters of all others.
FIRST_STAGE = "resolve"
# A run has to be in MLflow before it is looked for there.
LOGGED_SECONDS = 30.0


@dataclass(frozen=True)
class Prepared:
    """A checked file: its values as text, its hash, and what they are values of.

    ``origin`` is the run that made it.
    """

    path: Path
    values: pd.DataFrame
    sha256: str
    form: Form
    target: Target
    origin: Origin = Origin()


def prepare(competition: Competition) -> Prepared:
    """Read and check the competition's submission.

    Raises:
        PodiumError: there is none, it was made from a sample or from other data than those on
            disk, or Kaggle would reject it.
    """
    path = paths.submission(competition.name)
    if not path.is_file():
        raise PodiumError(f"{path}: no submission yet; run 'dvc repro'")
    sha256, schema = files.sha256(path), read_schema(competition.name)
    warn_if_not_logged(LOGGED_SECONDS)
    origin = made(competition.name, sha256, schema.data_sha256)
    stop_if_other_data(competition, schema, path, origin)
    try:
        table = read_csv(path, na_values=[])
    except PodiumError as error:
        # The message starts with the bare file name, and its advice is for downloaded files.
        what = str(error).rpartition("; ")[0] or str(error)
        raise PodiumError(f"{path.parent}/{what}; 'dvc repro' makes a new one") from None
    values = only_one_id(str(path), table, competition.id_columns)
    target = target_of(competition, schema)
    sample, form = read_form(competition, target)
    check_submission(values, sample, form, target, competition.scoring, str(path))
    return Prepared(path, values, sha256, form, target, origin)


def notes(competition: Competition, prepared: Prepared) -> list[str]:
    """What may be wrong with a file that Kaggle would accept."""
    found = [
        note(prepared.target.classes, competition),
        _cut_off(prepared),
        *_out_of_range(competition, prepared),
        _edited_since(competition),
    ]
    return [one for one in found if one]


def _cut_off(prepared: Prepared) -> str:
    if prepared.path.read_bytes().endswith((b"\n", b"\r")):
        return ""
    return "no line break at the end: check whether the file is cut off in its last number"


def _out_of_range(competition: Competition, prepared: Prepared) -> Iterator[str]:
    """Notes on predictions outside the range of the training rows, by column."""
    oof = paths.blend(competition.name) / "oof.parquet"
    if competition.task != "regression" or not oof.is_file():
        return
    known = pd.read_parquet(oof, columns=true_columns(competition))
    held = [(name, out) for name, out in prepared.form.columns.items() if out is not None]
    for name, output in held:
        column = f" of '{printable(name)}'" if len(held) > 1 else ""
        numbers = pd.to_numeric(prepared.values[name])
        yield _beyond(numbers, known.iloc[:, output], column)


def _beyond(numbers: "pd.Series[float]", known: "pd.Series[float]", column: str) -> str:
    beyond = int(((numbers < known.min()) | (numbers > known.max())).sum())
    if not beyond:
        return ""
    scale = ": are they on another scale?" if beyond > len(numbers) / 2 else ""
    return (
        f"{beyond} of {len(numbers)} predictions{column} are outside the training range "
        f"{known.min():g} to {known.max():g} (they range from {numbers.min():g} to "
        f"{numbers.max():g}){scale}"
    )


def _edited_since(competition: Competition) -> str:
    """A note on keys of params.yaml that changed since the pipeline ran; empty if none did."""
    try:
        ran = dict(locked_stage(FIRST_STAGE, competition.name)["params"][PARAMS][competition.name])
    except (KeyError, TypeError, ValueError):
        return ""
    now = read_document(Path(PARAMS)).get(competition.name, {})
    keys = dict.fromkeys([*ran, *now])
    edited = [f"{competition.name}.{key}" for key in keys if ran.get(key) != now.get(key)]
    if not edited:
        return ""
    return f"{few(edited)} changed since this file was made; run 'dvc repro' for a new one"


def last_identical(prepared: Prepared, ledger: Iterable[Entry]) -> Entry | None:
    """The last submission of an identical file that Kaggle accepted."""
    found = [one for one in ledger if one.sha256 == prepared.sha256 and one.status != ERROR]
    return found[-1] if found else None


def rows_that_differ(competition: str, prepared: Prepared, last: Entry) -> int | None:
    """How many rows differ from an earlier submission; None if there is no copy of its file."""
    kept = paths.sent(competition) / f"{last.sha256}.csv"
    if not last.sha256 or not kept.is_file():
        return None
    earlier, now = (read_csv(path, na_values=[]) for path in (kept, prepared.path))
    if earlier.shape != now.shape:
        return len(now)
    return int((earlier.to_numpy() != now.to_numpy()).any(axis=1).sum())


def keep(competition: str, prepared: Prepared) -> None:
    """Keep a copy of the sent file, to compare the next one with.

    Raises:
        PodiumError: the file changed after it was checked.
    """
    kept = paths.sent(competition) / f"{prepared.sha256}.csv"
    if kept.is_file():
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    scratch = kept.with_suffix(f".{os.getpid()}")
    shutil.copyfile(prepared.path, scratch)
    if files.sha256(scratch) != prepared.sha256:
        scratch.unlink()
        raise PodiumError(f"{prepared.path}: changed while it was being checked; run again")
    scratch.replace(kept)
