"""The pinned public copy of the house-price files, for users without a Kaggle account.

It is the copy used in Dive into Deep Learning 5.7. Its SHA-1 sums are pinned here, so a download is
byte-identical to the tested files or fails.
"""

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pandas as pd

from podium.config import Competition
from podium.data.sources.sample import HOUSE_PRICES, placeholder_submission, write_csv
from podium.io import files
from podium.io.errors import PodiumError, SettingError

ATTEMPTS = 5
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Pinned:
    """A file of a mirror: its remote name and expected SHA-1."""

    remote: str
    sha1: str


@dataclass(frozen=True)
class Mirror:
    """A public copy of a competition's files."""

    base: str
    train: Pinned
    test: Pinned


MIRRORS = {
    HOUSE_PRICES: Mirror(
        base="http://d2l-data.s3-accelerate.amazonaws.com/",
        train=Pinned("kaggle_house_pred_train.csv", "585e9cc93e70b39160e7921475f9bcd7d31219ce"),
        test=Pinned("kaggle_house_pred_test.csv", "fa19780a7b011d9b009e8bff8e99922a8ee2eb90"),
    )
}


def fetch(competition: Competition, folder: Path) -> dict[str, Any]:
    """Get the pinned files from the mirror or the cache; make a sample submission from the ids.

    Raises:
        PodiumError: no mirror for the slug, no network, or a file with the wrong SHA-1.
    """
    mirror = MIRRORS.get(str(competition.source.slug))
    if mirror is None:
        raise SettingError(
            (competition.name, "source", "slug"),
            f"no mirror for '{competition.source.slug}'; set provider to kaggle or local",
        )
    for name, pinned in (("train.csv", mirror.train), ("test.csv", mirror.test)):
        shutil.copyfile(cached(mirror.base, pinned), folder / name)
    ids = pd.read_csv(folder / "test.csv", usecols=[competition.id])[competition.id]
    submission = placeholder_submission(ids, competition.id, competition.target)
    write_csv(submission, folder / "sample_submission.csv")
    return {"synthetic": False}


def cache_folder() -> Path:
    """``$PODIUM_CACHE``, or ``podium`` in the user's cache folder."""
    if own := os.environ.get("PODIUM_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podium"


def cached(base: str, pinned: Pinned, pause: Callable[[float], None] = time.sleep) -> Path:
    """The file from the cache if its SHA-1 is right, else downloaded and checked first.

    Raises:
        PodiumError: the download fails, or the SHA-1 is wrong (the file is not kept).
    """
    path = cache_folder() / pinned.sha1 / pinned.remote
    if path.is_file() and files.sha1(path) == pinned.sha1:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        _download(base + pinned.remote, partial, pause)
        found = files.sha1(partial)
        if found != pinned.sha1:
            raise PodiumError(
                f"{base}{pinned.remote}: SHA-1 is {found}, expected {pinned.sha1}: the copy has "
                "changed or the transfer was altered; nothing was kept; use provider kaggle"
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _download(url: str, path: Path, pause: Callable[[float], None]) -> None:
    """Fetch ``url``; retry after 1, 2, 4 and 8 seconds if the network or server fails."""
    for attempt in range(ATTEMPTS):
        try:
            _transfer(url, path)
            return
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            final = isinstance(error, urllib.error.HTTPError) and error.code < 500
            if final or attempt == ATTEMPTS - 1:
                raise PodiumError(
                    f"{url}: download failed ({_reason(error)}); check the network, or set "
                    "source.provider to local or sample"
                ) from None
            pause(2.0**attempt)


def _transfer(url: str, path: Path) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)
        expected = answer.headers.get("Content-Length")
    # urllib treats a connection that closes early as the end of the file.
    if expected is not None and path.stat().st_size < int(expected):
        raise ConnectionError("the transfer was interrupted")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code}"
    return str(getattr(error, "reason", error)) or type(error).__name__
