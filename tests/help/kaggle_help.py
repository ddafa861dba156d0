"""A project that talks to Kaggle's stand-in on loopback, and to nothing else."""

import io
import zipfile
from pathlib import Path

import pytest

from kaggle_server import KaggleServer
from projects import HOUSES, Project

SLUG = "house-prices-advanced-regression-techniques"
CREDENTIALS = ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR")


def archive_of(folder: Path) -> bytes:
    """A folder's files as Kaggle packs them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(folder.iterdir()):
            zipped.write(path, path.name)
    return buffer.getvalue()


def own_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A home without credentials, whoever runs the tests."""
    home = folder / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    return home


def use_kaggle(project: Project) -> None:
    """Raw files from Kaggle; so few rows hold no pool at all."""

    def change(params):
        params[HOUSES]["source"].update(provider="kaggle")
        params[HOUSES]["preprocess"].update(drop=["PoolQC"])

    project.edit(change)
    project.keep({HOUSES: ["ridge"]})


def connect(monkeypatch: pytest.MonkeyPatch, server: KaggleServer) -> KaggleServer:
    """Send the client to the server."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server
