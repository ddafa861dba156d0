"""Which credentials the client will find, and who can read them; never reads their values."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path


def found() -> list[str]:
    """The places with credentials, in the order in which the client checks them."""
    places = _named_token() + [str(path) for path in _token_files() if path.is_file()]
    if os.environ.get("KAGGLE_USERNAME") and os.environ.get("KAGGLE_KEY"):
        places.append("KAGGLE_USERNAME and KAGGLE_KEY")
    places += [str(path) for path in (_key_file(), _oauth_file()) if path.is_file()]
    return places


def tokens() -> list[str]:
    """The places with an access token; the client validates a token before it uses it."""
    filled = [path for path in _token_files() if path.is_file() and path.stat().st_size]
    return _named_token() + [str(path) for path in filled]


def readable_by_others() -> Iterator[Path]:
    """The credential files that other users can read."""
    named = Path(os.environ.get("KAGGLE_API_TOKEN") or os.devnull)
    for path in (named, *_token_files(), _key_file(), _oauth_file()):
        if _is_file(path) and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            yield path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # The variable may be a token, which can be too long for a file name.
        return False


def _named_token() -> list[str]:
    return ["KAGGLE_API_TOKEN"] if os.environ.get("KAGGLE_API_TOKEN") else []


def _token_files() -> list[Path]:
    return [Path.home() / ".kaggle" / name for name in ("access_token", "access_token.txt")]


def _key_file() -> Path:
    if own := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(own) / "kaggle.json"
    home = Path.home() / ".kaggle"
    if home.is_dir():
        return home / "kaggle.json"
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(config) / "kaggle" / "kaggle.json"


def _oauth_file() -> Path:
    return Path.home() / ".kaggle" / "credentials.json"
