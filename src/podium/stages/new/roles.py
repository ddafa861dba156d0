"""Which file is which: train, test, labels and sample submission, by their names."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.stages.new.listing import Listing

SAMPLE_WORDS = ("sample", "submission")


def tables_of(listing: Listing) -> dict[str, str | None]:
    """The names of train, test and sample submission (None: there is none), by keys of ``files``.

    Raises:
        PodiumError: there is no training or no test table.
    """
    found = {"train": named(listing, "train"), "test": named(listing, "test")}
    for role, name in found.items():
        if name is None:
            raise PodiumError(
                f"{printable(str(listing.where))}: no csv file whose name has '{role}' in it; "
                f"{listing.described()}"
            )
    return {**found, "sample_submission": sample_of(listing)}


def named(listing: Listing, role: str) -> str | None:
    """The table of a role: ``train.csv`` itself, or the shortest name with that word in it."""
    names = [name for name in listing.tables if not _is_sample(name)]
    return _best(names, role)


def sample_of(listing: Listing) -> str | None:
    """The sample submission."""
    names = [name for name in listing.tables if _is_sample(name)]
    exact = [name for name in names if _words(name) == list(SAMPLE_WORDS)]
    return next(iter([*exact, *names]), None)


def picture_places(listing: Listing) -> dict[str, str] | None:
    """The folders or zips of training and test images; None if one is missing."""
    found = {role: _best(listing.pictures, role) for role in ("train", "test")}
    return {role: name for role, name in found.items() if name} if all(found.values()) else None


def _best(names: Iterable[str], role: str) -> str | None:
    fitting = [name for name in names if any(word.startswith(role) for word in _words(name))]
    exact = [name for name in fitting if PurePosixPath(name).name.split(".")[0].lower() == role]
    return next(iter([*exact, *fitting]), None)


def _is_sample(name: str) -> bool:
    return any(word.startswith(SAMPLE_WORDS) for word in _words(name))


def _words(name: str) -> list[str]:
    """The words of a name without folders and suffix: ``sampleSubmission`` has two."""
    stem = PurePosixPath(name).name.split(".")[0]
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", stem)]
