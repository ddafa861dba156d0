"""The mirror: pinned by SHA-1, cached, patient with a bad network, keeping nothing wrong."""

import hashlib
import socket

import pytest

from loopback import serve
from podium.data.sources import mirror
from podium.data.sources.sample import HOUSE_PRICES
from podium.io.errors import PodiumError

pytestmark = pytest.mark.deep

CONTENT = b"Id,SalePrice\n1,2\n"
PINNED = mirror.Pinned("file.csv", hashlib.sha1(CONTENT).hexdigest())


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PODIUM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("http_proxy", raising=False)
    return tmp_path / "cache"


def no_pause(seconds: float) -> None: ...


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_downloaded_once_then_cached():
    with serve(lambda path: (200, {}, CONTENT)) as (base, asked):
        assert mirror.cached(base, PINNED).read_bytes() == CONTENT
        assert mirror.cached(base, PINNED).read_bytes() == CONTENT
    assert asked == ["/file.csv"]


def test_a_spoilt_cache_is_downloaded_again():
    with serve(lambda path: (200, {}, CONTENT)) as (base, asked):
        mirror.cached(base, PINNED).write_bytes(b"spoilt")
        assert mirror.cached(base, PINNED).read_bytes() == CONTENT
    assert len(asked) == 2


def test_a_wrong_hash_is_an_error_and_nothing_is_kept(cache):
    with (
        serve(lambda path: (200, {}, CONTENT + b"3,4\n")) as (base, asked),
        pytest.raises(PodiumError, match="SHA-1 is .*, expected .*nothing was kept"),
    ):
        mirror.cached(base, PINNED)
    assert files_in(cache) == []


def test_server_errors_are_retried_with_back_off():
    answers = iter([(503, {}, b""), (500, {}, b""), (200, {}, CONTENT)])
    pauses: list[float] = []
    with serve(lambda path: next(answers)) as (base, asked):
        assert mirror.cached(base, PINNED, pauses.append).read_bytes() == CONTENT
    assert len(asked) == 3
    assert pauses == [1.0, 2.0]


def test_a_transfer_that_breaks_off_is_retried():
    answers = iter([(200, {"Content-Length": "999"}, CONTENT), (200, {}, CONTENT)])
    with serve(lambda path: next(answers)) as (base, asked):
        assert mirror.cached(base, PINNED, no_pause).read_bytes() == CONTENT
    assert len(asked) == 2


def test_a_missing_file_is_not_retried(cache):
    with (
        serve(lambda path: (404, {}, b"")) as (base, asked),
        pytest.raises(PodiumError, match="HTTP 404"),
    ):
        mirror.cached(base, PINNED, no_pause)
    assert len(asked) == 1
    assert files_in(cache) == []


def test_no_server_at_all():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    pauses: list[float] = []
    with pytest.raises(PodiumError, match="download failed"):
        mirror.cached(f"http://127.0.0.1:{port}/", PINNED, pauses.append)
    assert len(pauses) == mirror.ATTEMPTS - 1


def test_the_stage_with_the_mirror(project, podium, house_files, monkeypatch):
    contents = {name: (house_files / f"{name}.csv").read_bytes() for name in ("train", "test")}
    pinned = {
        name: mirror.Pinned(f"{name}.csv", hashlib.sha1(content).hexdigest())
        for name, content in contents.items()
    }
    project.edit(lambda params: params["house-prices"]["source"].update(provider="mirror"))
    with serve(lambda path: (200, {}, contents[path[1:-4]])) as (base, _):
        monkeypatch.setitem(mirror.MIRRORS, HOUSE_PRICES, mirror.Mirror(base, **pinned))
        outcome = podium("download", "house-prices")
    assert outcome.code == 0, outcome.err
    raw = project.root / "data/raw/house-prices"
    assert (raw / "train.csv").read_bytes() == contents["train"]
    header, first = (raw / "sample_submission.csv").read_text().splitlines()[:2]
    assert (header, first) == ("Id,SalePrice", "81,0")
