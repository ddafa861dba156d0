"""Downloads by the official client, unmodified, from a server on loopback."""

import io
import json
import os
import random
import shutil
import subprocess
import sys
import time
import zipfile

import pytest

from kaggle_help import SLUG, archive_of, connect, own_home, use_kaggle
from kaggle_server import KaggleServer
from podium.io.kaggle import client

MIB = 1024 * 1024


@pytest.fixture
def kaggle_project(project, tmp_path, monkeypatch, pauses):
    own_home(monkeypatch, tmp_path)
    use_kaggle(project)
    return project


@pytest.fixture
def server(kaggle_project, house_files, monkeypatch):
    with KaggleServer(SLUG, archive_of(house_files)) as running:
        yield connect(monkeypatch, running)


def raw(project):
    return project.root / "data/raw/house-prices"


def downloads(project):
    return list((project.root / ".podium/downloads").glob("*"))


def test_download(server, kaggle_project, podium, house_files):
    outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    assert (raw(kaggle_project) / "train.csv").read_bytes() == (
        house_files / "train.csv"
    ).read_bytes()
    assert not downloads(kaggle_project), "the archive is not kept beside its files"


def test_what_is_there_is_not_asked_for_again(server, kaggle_project, podium):
    assert podium("download", "house-prices").code == 0
    manifest = (raw(kaggle_project) / "manifest.json").read_bytes()
    asked = len(server.requests)
    assert podium("download", "house-prices").code == 0
    assert len(server.requests) == asked
    assert (raw(kaggle_project) / "manifest.json").read_bytes() == manifest
    assert len(list(raw(kaggle_project).iterdir())) == 4


@pytest.mark.deep
def test_a_file_that_changed_is_downloaded_again(server, kaggle_project, podium, house_files):
    assert podium("download", "house-prices").code == 0
    train = raw(kaggle_project) / "train.csv"
    train.write_bytes(train.read_bytes()[:-100])
    assert podium("download", "house-prices").code == 0
    assert train.read_bytes() == (house_files / "train.csv").read_bytes()
    assert len(server.sent("DownloadDataFiles")) == 2


@pytest.mark.deep
def test_other_names_for_the_files_ask_again(server, kaggle_project, podium, house_files):
    assert podium("download", "house-prices").code == 0
    kaggle_project.edit(
        lambda params: params["house-prices"]["source"].update(files={"train": "other.csv"})
    )
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "other.csv" in outcome.err
    # The archive is whole: with the right name it needn't come again.
    blobs = len([one for one in server.sent("blob") if one.method == "GET"])
    (kept,) = downloads(kaggle_project)
    assert (kept / f"{SLUG}.zip").is_file()
    kaggle_project.edit(lambda params: params["house-prices"]["source"].pop("files"))
    train = raw(kaggle_project) / "train.csv"
    train.unlink()
    before = sum(one.status == 200 for one in server.sent("blob"))
    assert podium("download", "house-prices").code == 0
    assert train.is_file()
    assert blobs == before


@pytest.mark.deep
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
    with KaggleServer("digit-recognizer", archive_of(folder)) as running:
        connect(monkeypatch, running)
        outcome = podium("download", "digit-recognizer")
    assert outcome.code == 0, outcome.err
    assert "2 training images, 1 test images from kaggle" in outcome.out
    with zipfile.ZipFile(kaggle_project.root / "data/raw/digit-recognizer/train.zip") as zipped:
        assert zipped.namelist() == ["1.png", "2.png"]


@pytest.fixture
def long_server(server):
    """The client writes whole MiB: a shorter archive has nothing to resume."""
    buffer = io.BytesIO(server.archive)
    with zipfile.ZipFile(buffer, "a") as zipped:
        zipped.writestr("extra.bin", random.Random(0).randbytes(4 * MIB))
    server.archive = buffer.getvalue()
    return server


@pytest.mark.deep
def test_a_broken_transfer_is_resumed(long_server, kaggle_project, podium, house_files):
    server = long_server
    server.drop("blob", after=2 * MIB + 3000)
    outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    ranges = [one.headers.get("Range") for one in server.sent("blob")]
    assert f"bytes={2 * MIB}-" in ranges
    assert (raw(kaggle_project) / "test.csv").read_bytes() == (
        house_files / "test.csv"
    ).read_bytes()


@pytest.mark.deep
def test_a_killed_download_goes_on_where_it_was(long_server, kaggle_project, podium, house_files):
    server = long_server
    server.throttle(2 * MIB)
    process = subprocess.Popen([sys.executable, "-P", "-m", "podium", "download", "house-prices"])
    partial = kaggle_project.root / f".podium/downloads/{SLUG}/{SLUG}.zip"
    for _ in range(600):
        if partial.is_file() and partial.stat().st_size > 0:
            break
        time.sleep(0.05)
    process.kill()
    process.wait()
    time.sleep(0.5)  # The client's process ends with its parent.
    size = partial.stat().st_size
    assert 0 < size < len(server.archive)
    time.sleep(0.5)
    assert partial.stat().st_size == size, "the client outlived its parent"
    server.throttle(None)
    assert podium("download", "house-prices").code == 0
    assert [one.headers["Range"] for one in server.sent("blob") if "Range" in one.headers] == [
        f"bytes={size}-"
    ]
    assert (raw(kaggle_project) / "train.csv").read_bytes() == (
        house_files / "train.csv"
    ).read_bytes()


@pytest.mark.deep
def test_a_truncated_archive_is_fetched_once_more_and_then_refused(server, kaggle_project, podium):
    server.truncate(300)
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert f"{SLUG}.zip: not a whole zip" in outcome.err
    assert len(server.sent("DownloadDataFiles")) == 2
    assert not raw(kaggle_project).exists()
    server.truncate(0)
    assert podium("download", "house-prices").code == 0, "the damaged archive was kept"


@pytest.mark.deep
def test_bytes_that_changed_on_the_way_are_noticed(server, kaggle_project, podium):
    good = server.archive
    at = len(good) // 3
    server.archive = good[:at] + bytes([good[at] ^ 0xFF]) + good[at + 1 :]
    assert podium("download", "house-prices").code == 2
    assert not raw(kaggle_project).exists()
    server.archive = good
    assert podium("download", "house-prices").code == 0


@pytest.mark.deep
def test_an_error_page_inside_the_archive_is_thrown_away(
    long_server, kaggle_project, podium, house_files
):
    """A storage error that meets the client's retry ends up in the archive, and is resumed."""
    server = long_server
    server.drop("blob", after=2 * MIB + 3000)
    server.fail("blob", 500, times=2)
    outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    assert (raw(kaggle_project) / "train.csv").read_bytes() == (
        house_files / "train.csv"
    ).read_bytes()


@pytest.mark.deep
def test_no_room_is_said_at_once(long_server, podium, monkeypatch):
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    long_server.throttle(MIB // 2)
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "no space left" in outcome.err


def test_a_failed_download_leaves_the_earlier_files(server, kaggle_project, podium):
    assert podium("download", "house-prices").code == 0
    earlier = {path.name: path.read_bytes() for path in raw(kaggle_project).iterdir()}
    manifest = raw(kaggle_project) / "manifest.json"
    facts = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**facts, "slug": "another"}))
    server.truncate(300)
    assert podium("download", "house-prices").code == 2
    for name, content in earlier.items():
        if name != "manifest.json":
            assert (raw(kaggle_project) / name).read_bytes() == content


@pytest.mark.deep
def test_a_file_larger_than_the_memory_it_takes(kaggle_project, monkeypatch, tmp_path):
    """200 MB of one table pass through less memory than that."""
    buffer = tmp_path / "big.zip"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as zipped:
        for name, rows in (("train.csv", 200), ("test.csv", 1), ("sample_submission.csv", 1)):
            with zipped.open(name, "w", force_zip64=True) as file:
                for _ in range(rows):
                    file.write(os.urandom(1_000_000))
    program = (
        "import resource, sys; from pathlib import Path; import podium.data.sources as s;"
        "from podium.config import load_config as l;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "out = Path('out'); out.mkdir();"
        "s.fetch(l(only='house-prices')['house-prices'], out);"
        "own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before;"
        "print(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    with KaggleServer(SLUG, buffer) as running:
        connect(monkeypatch, running)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=120
        )
    assert done.returncode == 0, done.stderr
    own, client_kb = map(int, done.stdout.split()[-2:])
    assert own < 100_000
    assert client_kb < 300_000
    assert (kaggle_project.root / "out/train.csv").stat().st_size == 200_000_000


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, f"https://www.kaggle.com/competitions/{SLUG}/rules"),
        (404, f"no competition '{SLUG}'"),
        (401, "KAGGLE_USERNAME and KAGGLE_KEY"),
        pytest.param(500, "server error (500)", marks=pytest.mark.deep),
        pytest.param(429, "too many requests", marks=pytest.mark.deep),
    ],
)
@pytest.mark.parametrize(
    "shape", ["flat", *(pytest.param(name, marks=pytest.mark.deep) for name in ("nested", "empty"))]
)
def test_errors_say_what_to_do(status, says, shape, server, podium):
    server.error_shape = shape
    server.fail("DownloadDataFiles", status, times=9, message="Kaggle's own words")
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert says in outcome.err
    assert (shape != "empty" and status != 401) == ("Kaggle's own words" in outcome.err)
    assert "Traceback" not in outcome.err
    assert len([line for line in outcome.err.splitlines() if "error:" in line]) == 1
    tries = 4 if status in (429, 500) else 1
    assert len(server.sent("DownloadDataFiles")) == tries


@pytest.mark.deep
def test_the_likely_causes_of_403_come_in_order(server, podium):
    server.joined = False
    err = podium("download", "house-prices").err
    assert err.index("rules") < err.index("misspelt") < err.index("phone")


@pytest.mark.deep
@pytest.mark.parametrize(
    ("told", "waited"), [("7", [7.0]), ("9999", []), (None, [1.0]), ("soon", [1.0])]
)
def test_429_waits_as_told_within_bounds(told, waited, server, podium, pauses):
    server.fail("DownloadDataFiles", 429, headers={"Retry-After": told} if told else {})
    assert podium("download", "house-prices").code == (0 if waited else 2)
    assert pauses == waited


@pytest.mark.deep
def test_a_server_that_recovers_is_asked_again(server, podium, pauses):
    server.fail("DownloadDataFiles", 503, times=2)
    outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    assert pauses == [1.0, 2.0]


@pytest.mark.deep
def test_a_silent_server_is_given_up(server, podium, monkeypatch):
    monkeypatch.setattr(client, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(client, "ATTEMPTS", 1)
    server.hang("DownloadDataFiles")
    started = time.monotonic()
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "no answer in time" in outcome.err
    assert time.monotonic() - started < 20


@pytest.mark.deep
@pytest.mark.parametrize(
    ("proxy", "says"),
    [("http://127.0.0.1:9", "proxy"), ("http://user:pass-word@127.0.0.1:9", "proxy")],
)
def test_no_network(proxy, says, server, podium, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy)
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert says in outcome.err
    assert "pass-word" not in outcome.err


@pytest.mark.deep
def test_a_page_of_somebody_else_is_no_answer(server, podium):
    server.fail("DownloadDataFiles", 200, times=9, body=b"<html>Sign in to the hotel</html>")
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err


def test_not_signed_in(server, kaggle_project, podium, monkeypatch):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "not signed in: make an API token at https://www.kaggle.com/settings/api" in outcome.err
    assert len(outcome.err.strip().splitlines()) == 1
    assert not server.requests


@pytest.mark.deep
def test_a_stale_token_beside_a_good_key(server, kaggle_project, podium, monkeypatch):
    server.check_credentials = True
    monkeypatch.setenv("KAGGLE_API_TOKEN", "stale-token-of-mine")
    outcome = podium("download", "house-prices")
    assert outcome.code == 2
    assert "rejects the credentials of KAGGLE_API_TOKEN" in outcome.err
    assert "also found: KAGGLE_USERNAME and KAGGLE_KEY" in outcome.err
    assert "stale-token-of-mine" not in outcome.err


@pytest.mark.deep
def test_credentials_that_others_can_read_are_warned_of(server, tmp_path, podium, monkeypatch):
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
        monkeypatch.delenv(name)
    folder = tmp_path / "home/.kaggle"
    folder.mkdir()
    file = folder / "kaggle.json"
    file.write_text(json.dumps({"username": server.user, "key": server.key}))
    for mode, warns in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        outcome = podium("download", "house-prices")
        assert outcome.code == 0, outcome.err
        assert (f"chmod 600 {file}" in outcome.err) is warns
        # Otherwise nothing is asked for, and nobody's credentials are looked at.
        (tmp_path / "project/data/raw/house-prices/manifest.json").unlink()


def test_the_client_is_imported_only_when_it_is_used(project):
    program = (
        "import sys; sys.argv = ['podium', 'check']\n"
        "from podium.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert 'kaggle' not in sys.modules and 'requests' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.mark.deep
def test_an_archive_that_holds_a_zip_of_the_table(kaggle_project, podium, house_files, monkeypatch):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for path in house_files.iterdir():
            inner = io.BytesIO()
            with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as packed:
                packed.write(path, path.name)
            zipped.writestr(f"{path.name}.zip", inner.getvalue())
    with KaggleServer(SLUG, buffer.getvalue()) as running:
        connect(monkeypatch, running)
        outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    assert (raw(kaggle_project) / "test.csv").read_bytes() == (
        house_files / "test.csv"
    ).read_bytes()
