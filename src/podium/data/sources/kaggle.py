"""Raw files from Kaggle, through the official client.

The archive is kept in a separate folder until its files are extracted, so that an interrupted
download can be resumed. Files that exist and match their manifest are not downloaded again.
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

# A damaged archive is downloaded once more.
TRIES = 2


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Put the competition's files into ``folder``, downloading them if necessary.

    Raises:
        PodiumError: no credentials, rules not accepted, no such competition, no network, or a
            damaged archive.
    """
    given = competition.source.files
    # As in manifests of before there were extra files, where there are none.
    names = given.model_dump(exclude=None if given.extra else {"extra"})
    facts = {"synthetic": False, "given": names}
    if not _take_earlier(paths.raw(competition.name), folder, competition, facts):
        _take_from_archive(competition, folder)
    return facts


def _take_earlier(
    earlier: Path, folder: Path, competition: Competition, facts: dict[str, Any]
) -> bool:
    """Reuse an earlier download of the same files if it is complete; returns whether it was."""
    if not (earlier / files.MANIFEST).is_file():
        return False
    manifest = files.read_json(earlier / files.MANIFEST)
    slug = competition.source.slug
    if manifest != files.manifest_of(earlier, provider="kaggle", slug=slug, **facts):
        return False
    for entry in manifest["files"]:
        (folder / entry["name"]).parent.mkdir(exist_ok=True)
        _link(earlier / entry["name"], folder / entry["name"])
    return True


def _link(existing: Path, new: Path) -> None:
    """Make a hard link, or a copy if the file system has no hard links."""
    try:
        os.link(existing, new)
    except OSError:
        shutil.copyfile(existing, new)


def _take_from_archive(competition: Competition, folder: Path) -> None:
    slug = str(competition.source.slug)
    where = paths.downloads(slug)
    for attempt in range(TRIES):
        try:
            archive = archive_of(slug, competition.name)
            from_zip(archive, folder, competition.source.files)
        except DamagedZipError:
            # Any other error keeps the archive: it may only need other names in source.files.
            files.remove(where)
            if attempt == TRIES - 1:
                raise
        else:
            files.remove(where)
            return


def archive_of(slug: str, name: str) -> Path:
    """A competition's zip, downloaded if it isn't there; ``name`` is that of the progress.

    Raises:
        DamagedZipError: what came is no archive.
        PodiumError: the download failed, or it is an archive that Podium doesn't read.
    """
    archive = kaggle.download(slug, paths.downloads(slug), _progress(name))
    if archive.suffix in OTHER_ARCHIVES:
        raise PodiumError(f"{archive}: is not a zip, the only format Podium unpacks; {BY_HAND}")
    if archive.suffix != ".zip":
        raise DamagedZipError(
            f"kaggle: the download for '{slug}' is not an archive; something "
            "else than Kaggle seems to answer (a proxy, a sign-in page?)"
        )
    return archive


def _progress(name: str) -> Callable[[int, int], None]:
    def report(done: int, total: int) -> None:
        print(f"{name}  downloading: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB", flush=True)

    return report
