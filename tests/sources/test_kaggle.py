"""The official client, unmodified, against a server on loopback that speaks its protocol."""

import io
import zipfile

import pytest

from sources.loopback import serve

SLUG = "house-prices-advanced-regression-techniques"


@pytest.fixture
def kaggle_project(project, tmp_path, monkeypatch):
    """A project with provider kaggle, no credentials of the user's, and no way to the network."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "")
    project.edit(lambda params: params["house-prices"]["source"].update(provider="kaggle"))
    project.edit(lambda params: params["house-prices"]["preprocess"].update(drop=["PoolQC"]))
    return project


def signed_in(monkeypatch, base: str) -> None:
    monkeypatch.setenv("http_proxy", base)
    monkeypatch.setenv("KAGGLE_USERNAME", "someone")
    monkeypatch.setenv("KAGGLE_KEY", "not-a-secret")


def archive_of(folder) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in folder.iterdir():
            zipped.write(path, path.name)
    return buffer.getvalue()


def kaggle_server(archive: bytes):
    def answer(path: str):
        if path.endswith("/DownloadDataFiles"):
            return 302, {"Location": "http://localhost/blob/all.zip"}, b""
        if "/blob/" in path:
            return 200, {"Last-Modified": "Wed, 21 Oct 2020 07:28:00 GMT"}, archive
        return 404, {}, b"{}"

    return answer


def test_download(kaggle_project, podium, house_files, monkeypatch):
    with serve(kaggle_server(archive_of(house_files))) as (base, asked):
        signed_in(monkeypatch, base)
        outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    raw = kaggle_project.root / "data/raw/house-prices"
    assert (raw / "train.csv").read_bytes() == (house_files / "train.csv").read_bytes()
    assert any(path.endswith("/DownloadDataFiles") for path in asked)


def test_download_of_image_files(kaggle_project, podium, tmp_path, monkeypatch):
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "labels.csv").write_text("ImageId,label\n1,cat\n2,dog\n")
    (folder / "sample_submission.csv").write_text("ImageId,label\n3,cat\n")
    for part, keys in (("train", (1, 2)), ("test", (3,))):
        with zipfile.ZipFile(folder / f"{part}.zip", "w") as zipped:
            for key in keys:
                zipped.writestr(f"{part}/{key}.png", b"an image")

    def change(params):
        files = {"train": "train.zip", "test": "test.zip", "labels": "labels.csv"}
        params["digit-recognizer"]["source"].update(provider="kaggle", files=files)

    kaggle_project.edit(change)
    with serve(kaggle_server(archive_of(folder))) as (base, _):
        signed_in(monkeypatch, base)
        outcome = podium("download", "digit-recognizer")
    assert outcome.code == 0, outcome.err
    assert "2 training images, 1 test images from kaggle" in outcome.out
    with zipfile.ZipFile(kaggle_project.root / "data/raw/digit-recognizer/train.zip") as zipped:
        assert zipped.namelist() == ["1.png", "2.png"]


def test_a_truncated_archive_is_refused(kaggle_project, podium, house_files, monkeypatch):
    with serve(kaggle_server(archive_of(house_files)[:-300])) as (base, _):
        signed_in(monkeypatch, base)
        outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert f"{SLUG}.zip: not a whole zip" in outcome.err
    assert not (kaggle_project.root / "data/raw/house-prices").exists()


def test_rules_not_accepted(kaggle_project, podium, monkeypatch):
    with serve(lambda path: (403, {}, b'{"message": "forbidden"}')) as (base, _):
        signed_in(monkeypatch, base)
        outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert f"https://www.kaggle.com/competitions/{SLUG}/rules" in outcome.err


def test_not_signed_in(kaggle_project, podium, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "not signed in: make an API token" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
