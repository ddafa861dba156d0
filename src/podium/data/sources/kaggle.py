"""Raw files from Kaggle, by the official client.

The archive lies in a folder of its own until its files are taken out, so that a download that was
stopped goes on where it was. Files that are there and match their manifest are not asked for again.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.data.sources.archive import OTHER_ARCHIVES
from podium.data.sources.raw_files import from_zip
from podium.io import files, kaggle, paths
from podium.io.errors import PodiumError
from podium.io.zips import BY_HAND, DamagedZipError

# What arrived damaged is fetched once more.
TRIES = 2


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Put the competition's files into ``folder``, downloading them if they aren't there.

    Raises:
        PodiumError: no credentials, rules not accepted, no such competition, no network, or an
            archive that is not whole.
    """
    facts = {"synthetic": False, "given": competition.source.files.model_dump()}
    if not _take_earlier(paths.raw(competition.name), folder, competition, facts):
        _take_from_archive(competition, folder)
    return facts


def _take_earlier(
    earlier: Path, folder: Path, competition: Competition, facts: dict[str, Any]
) -> bool:
    """Reuse an earlier download of the same files, if it is whole; returns whether it was."""
    if not (earlier / files.MANIFEST).is_file():
        return False
    manifest = files.read_json(earlier / files.MANIFEST)
    slug = competition.source.slug
    if manifest != files.manifest_of(earlier, provider="kaggle", slug=slug, **facts):
        return False
    for entry in manifest["files"]:
        _link(earlier / entry["name"], folder / entry["name"])
    return True


def _link(there: Path, here: Path) -> None:
    """The same file under a second name, or a copy where the file system has no such thing."""
    try:
        os.link(there, here)
    except OSError:
        shutil.copyfile(there, here)


def _take_from_archive(competition: Competition, folder: Path) -> None:
    slug = str(competition.source.slug)
    where = paths.downloads(slug)
    for attempt in range(TRIES):
        archive = kaggle.download(slug, where, _progress(competition.name))
        try:
            _unpack(archive, folder, competition)
        except DamagedZipError:
            # Any other error leaves the archive: the next try needs other names for the files only.
            files.remove(where)
            if attempt == TRIES - 1:
                raise
        else:
            files.remove(where)
            return


def _unpack(archive: Path, folder: Path, competition: Competition) -> None:
    if archive.suffix in OTHER_ARCHIVES:
        raise PodiumError(f"{archive}: is no zip, and Podium unpacks nothing else; {BY_HAND}")
    if archive.suffix != ".zip":
        raise DamagedZipError(
            f"kaggle: what came for '{competition.source.slug}' is no archive; something between "
            "here and Kaggle answers in its place (a proxy, a sign-in page?)"
        )
    from_zip(archive, folder, competition.source.files)


def _progress(name: str) -> Callable[[int, int], None]:
    def tell(there: int, whole: int) -> None:
        print(f"{name}  downloading: {there / 1e6:,.0f} of {whole / 1e6:,.0f} MB", flush=True)

    return tell
