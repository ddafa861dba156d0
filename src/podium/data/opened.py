"""A competition's data for notebooks: what the stages wrote, or the same made for the moment."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from podium.config import Competition
from podium.data import kinds
from podium.data.dataset import SCHEMA, Dataset
from podium.data.sample_submission import make_sample
from podium.data.sources import fetch
from podium.io import files, paths


@contextmanager
def raw_files(competition: Competition) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder of a competition's raw files, and their manifest.

    They are those of the download stage, if it has run; else they are fetched into a temporary
    folder.

    Raises:
        PodiumError: the files can't be had, or are not what they should be.
    """
    downloaded = paths.raw(competition.name)
    if (downloaded / files.MANIFEST).is_file():
        yield downloaded, files.read_json(downloaded / files.MANIFEST)
        return
    with TemporaryDirectory() as name:
        folder, source = Path(name), competition.source
        facts = fetch(competition, folder)
        make_sample(folder, competition)
        known = {"provider": source.provider, "slug": source.slug, **facts}
        yield folder, files.manifest_of(folder, **known)


def open_dataset(competition: Competition) -> Dataset:
    """What models read: that of the preprocess stage, if it has run; else made of the raw files.

    Raises:
        PodiumError: the files can't be had, or don't fit params.yaml.
    """
    kind = kinds.of(competition)
    processed = paths.processed(competition.name)
    if (processed / SCHEMA).is_file():
        return kind.read(processed)
    made = TemporaryDirectory()
    # The dataset reads some of its files when they are used.
    atexit.register(made.cleanup)
    with raw_files(competition) as (raw, manifest):
        kind.prepare(raw, competition, manifest, Path(made.name))
    return kind.read(Path(made.name))
