"""What the official client, unmodified, does against the server on loopback, flaws included."""

import http.client
import io
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kaggle_protocol.competition import Submission
from kaggle_protocol.downloads import byte_range
from kaggle_protocol.scores import scorer
from kaggle_server import KaggleServer
from projects import ROOT

SLUG = "titanic"
CSV = b"id,y\n1,0.5\n2,0.25\n"
MIB = 1024 * 1024  # The client writes whole blocks of this size only.


@dataclass
class Done:
    code: int
    out: str
    err: str


class Client:
    """The command with a home of its own, no other credentials, and this server only."""

    program = (sys.executable, "-P", "-m", "kaggle")

    def __init__(self, server: KaggleServer, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.folder = folder / "downloads"
        self.file = folder / "submission.csv"
        self.file.write_bytes(CSV)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            **server.environment,
        }

    def run(self, *arguments, timeout=60, **changes):
        done = subprocess.run(
            [*self.program, "competitions", *arguments],
            env={**self.environment, **changes},
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments):
        program = [*self.program, "competitions", *arguments]
        return subprocess.Popen(program, env=self.environment, stderr=subprocess.DEVNULL)

    def has_a_block(self):
        return self.archive.exists() and self.archive.stat().st_size >= MIB

    def python(self, code):
        """The same client as a library; what the code prints as JSON."""
        program = [sys.executable, "-c", f"{LIBRARY}\n{code}"]
        out = subprocess.check_output(program, env=self.environment, text=True, timeout=60)
        return json.loads(out)

    @property
    def downloading(self):
        return ("download", SLUG, "-p", str(self.folder), "-q")

    @property
    def archive(self):
        return self.folder / f"{SLUG}.zip"

    def download(self, **changes):
        return self.run(*self.downloading, **changes)

    def submit(self, **changes):
        return self.run("submit", SLUG, "-f", str(self.file), "-m", "a message", "-q", **changes)

    def submissions(self, **changes):
        done = self.run("submissions", SLUG, "--format", "json", **changes)
        assert done.code == 0, done.err
        return json.loads(done.out)


def wait_for(condition):
    patience = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.02)


LIBRARY = """
import json
from kaggle.api.kaggle_api_extended import KaggleApi
api = KaggleApi()
api.authenticate()
"""


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture
def server():
    with KaggleServer(SLUG, zipped({"train.csv": CSV, "images/a picture.png": b"x"})) as running:
        yield running
        assert running.problems == []


@pytest.fixture
def client(server, tmp_path):
    return Client(server, tmp_path)


@pytest.fixture
def large(server):
    """An archive of more blocks than one."""
    server.archive = zipped({"large.bin": random.Random(0).randbytes(3 * MIB)})
    return server.archive


def names(server):
    return [request.path for request in server.requests]


# Files and downloads.


@pytest.mark.deep
def test_files_are_listed_in_pages(server, client):
    server.archive = zipped({f"{number:02}.csv": CSV for number in range(23)})
    first = client.run("files", SLUG, "-v")
    # Said on stdout whatever the format: it has to be taken off before the output is read.
    assert first.out.startswith("Next Page Token = 20\nname,size,creationDate\n00.csv,")
    second = client.run("files", SLUG, "-v", "--page-token", "20")
    assert [row.split(",")[0] for row in second.out.splitlines()[1:]] == [
        "20.csv",
        "21.csv",
        "22.csv",
    ]
    sent = server.sent("ListDataFiles")[0]
    assert sent.method == "POST"
    assert sent.json == {"competitionName": SLUG, "pageSize": 20, "pageToken": ""}


def test_download(server, client):
    done = client.download()
    assert (done.code, done.out, done.err) == (0, "", "")
    assert client.archive.read_bytes() == server.archive
    asked, blob = server.requests
    assert (asked.path, asked.json) == ("DownloadDataFiles", {"competitionName": SLUG})
    assert asked.headers["Authorization"].startswith("Basic ")
    assert asked.headers["User-Agent"] == ""
    assert (blob.method, blob.path) == ("GET", "blob")
    assert "Authorization" not in blob.headers


@pytest.mark.deep
def test_a_file_of_the_same_size_is_never_downloaded_again(server, client):
    client.folder.mkdir()
    client.archive.write_bytes(b"?" * len(server.archive))
    assert client.download().code == 0
    assert client.archive.read_bytes() != server.archive


@pytest.mark.deep
def test_one_file_loses_its_folder_and_keeps_its_percent_signs(server, client):
    done = client.run(*client.downloading, "-f", "images/a picture.png")
    assert done.code == 0, done.err
    assert [path.name for path in client.folder.iterdir()] == ["a%20picture.png"]


@pytest.mark.deep
def test_a_dropped_download_is_resumed(server, client, large):
    server.drop("blob", after=MIB + MIB // 2)
    assert client.download().code == 0
    assert client.archive.read_bytes() == large
    first, second = server.sent("blob")
    assert (first.status, second.status) == (200, 206)
    assert "Range" not in first.headers
    assert second.headers["Range"] == f"bytes={MIB}-"
    assert second.headers["If-Range"] == server.served.etag


def killed_midway(server, client):
    server.throttle(2 * MIB)
    with client.start(*client.downloading) as running:
        wait_for(client.has_a_block)
        running.kill()
    server.throttle(None)


@pytest.mark.deep
def test_a_killed_download_is_resumed_by_the_next(server, client, large):
    killed_midway(server, client)
    marker = client.archive.with_name(f"{SLUG}.zip.kaggle-partial")
    assert json.loads(marker.read_text()) == {
        "validator": server.served.etag,
        "size": len(large),
    }
    assert client.download().code == 0
    assert client.archive.read_bytes() == large
    assert not marker.exists()
    assert server.sent("blob")[-1].headers["Range"] == f"bytes={MIB}-"


@pytest.mark.deep
def test_another_archive_is_not_appended_to_a_partial_one(server, client, large):
    killed_midway(server, client)
    server.archive = zipped({"other.bin": random.Random(1).randbytes(3 * MIB)})
    assert client.download().code == 0
    assert client.archive.read_bytes() == server.archive


@pytest.mark.deep
def test_an_error_page_is_taken_for_the_start_of_the_archive(server, client, large):
    """A flaw: what an error says is written to the file, and the next run goes on from there."""
    server.drop("blob", after=MIB + 1)
    server.fail("blob", 500, times=2)
    done = client.download()
    assert done.code == 1
    assert "does not match expected size" in done.err
    assert client.download().code == 0
    assert client.archive.stat().st_size == len(large)
    assert client.archive.read_bytes().startswith(b"<?xml")


@pytest.mark.deep
def test_a_truncated_archive_is_taken_for_a_good_one(server, client):
    server.truncate(10)
    assert client.download().code == 0
    assert client.archive.read_bytes() == server.archive[:-10]


@pytest.mark.deep
def test_a_page_instead_of_an_archive_is_taken_for_one(server, client):
    server.fail("DownloadDataFiles", 200, body=b"<html>sign in to the network</html>")
    assert client.download().code == 0
    assert [path.name for path in client.folder.iterdir()] == [f"{SLUG}.CompetitionApiService"]


# Errors.


@pytest.mark.deep
@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_an_error_shows_the_message_and_is_not_retried(server, client, status):
    server.fail("DownloadDataFiles", status, message="why", headers={"Retry-After": "1"})
    done = client.download()
    assert (done.code, done.out, done.err) == (1, "", "why\n")
    assert names(server) == ["DownloadDataFiles"]


@pytest.mark.deep
@pytest.mark.parametrize("shape", ["nested", "empty"])
def test_an_error_of_another_shape_hides_the_message(server, client, shape):
    server.error_shape = shape
    server.joined = False
    done = client.download()
    assert done.code == 1
    assert done.err.startswith("403 Client Error: Forbidden for url: http://localhost/api/v1/")
    assert "rules" not in done.err


@pytest.mark.deep
def test_wrong_credentials_print_help_to_stdout(server, client):
    server.check_credentials = True
    done = client.download(KAGGLE_KEY="another")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith("Authentication required to call the Kaggle API.")


@pytest.mark.deep
def test_an_access_token_is_looked_up_first(server, client):
    server.check_credentials = True
    done = client.download(KAGGLE_API_TOKEN=server.token)
    assert done.code == 0, done.err
    assert names(server) == ["IntrospectToken", "DownloadDataFiles", "blob"]
    assert server.requests[1].headers["Authorization"] == f"Bearer {server.token}"


@pytest.mark.deep
def test_a_stale_token_is_sent_although_the_key_is_good(server, client):
    server.check_credentials = True
    done = client.download(KAGGLE_API_TOKEN="stale")
    assert (done.code, done.err) == (1, "")
    assert server.sent("DownloadDataFiles")[0].headers["Authorization"] == "Bearer stale"


@pytest.mark.deep
def test_a_token_that_cannot_be_looked_up_ends_in_a_traceback(server, client):
    server.fail("IntrospectToken", 401, times=2)
    done = client.download(KAGGLE_API_TOKEN=server.token)
    assert done.code == 1
    assert "Traceback" in done.err
    assert server.token not in done.err


@pytest.mark.deep
@pytest.mark.parametrize(("status", "word"), [(403, "denied"), (404, "not found")])
def test_another_competition_is_unknown(server, client, status, word):
    server.unknown_slug = status
    done = client.run("files", "titanik")
    assert done.code == 1
    assert word in done.err


@pytest.mark.deep
def test_rules_that_are_not_accepted(server, client):
    server.joined = False
    assert "must accept this competition's rules" in client.download().err
    assert "until you accept the competition rules" in client.submit().err
    assert client.run("submissions", SLUG).code == 1
    assert client.run("files", SLUG).code == 0


@pytest.mark.deep
def test_a_silent_server_is_waited_for(server, client):
    server.hang("ListSubmissions")
    with client.start("submissions", SLUG) as running:
        wait_for(lambda: server.requests)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1)
        running.kill()
    assert names(server) == ["ListSubmissions"]


@pytest.mark.deep
def test_a_silent_transfer_is_waited_for(server, client, large):
    server.hang("blob", after=MIB + 1)
    with client.start(*client.downloading) as running:
        wait_for(client.has_a_block)
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(timeout=1)
        running.kill()
    assert client.archive.stat().st_size == MIB


@pytest.mark.deep
def test_no_server(server, client):
    server.__exit__()
    done = client.run("submissions", SLUG)
    assert done.code == 1
    assert "Unable to connect to proxy" in done.err


# Submissions.


def test_submit_and_score(server, client):
    server.score = lambda content: ("0.75", None) if content == CSV else ("0", None)
    done = client.submit()
    assert (done.code, done.out, done.err) == (0, "Successfully submitted to Titanic", "")
    start, upload, create = server.requests
    assert start.json == {
        "competitionName": SLUG,
        "contentLength": len(CSV),
        "lastModifiedEpochSeconds": int(client.file.stat().st_mtime),
        "fileName": "submission.csv",
    }
    assert (upload.method, upload.body) == ("PUT", CSV)
    assert "Authorization" not in upload.headers
    assert create.json == {
        "competitionName": SLUG,
        "blobFileTokens": "upload-token-1",
        "submissionDescription": "a message",
    }
    (pending,) = client.submissions()
    assert (pending["status"], pending["publicScore"]) == ("SubmissionStatus.PENDING", "")
    (scored,) = client.submissions()
    assert scored == {
        "ref": server.submissions[0].ref,
        "fileName": "submission.csv",
        "date": scored["date"],
        "description": "a message",
        "status": "SubmissionStatus.COMPLETE",
        "publicScore": "0.75",
        "privateScore": "",
    }
    date = datetime.fromisoformat(scored["date"]).replace(tzinfo=UTC)
    assert abs(date - server.submissions[0].date) < timedelta(milliseconds=1)


@pytest.mark.deep
def test_a_submission_that_cannot_be_scored(server, client):
    def refuse(content):
        raise ValueError("Submission must have 3 rows")

    server.score, server.score_after = refuse, 0
    client.submit()
    assert client.submissions()[0]["status"] == "SubmissionStatus.ERROR"
    assert server.submissions[0].error == "Submission must have 3 rows"


@pytest.mark.deep
def test_without_quiet_the_allowance_comes_first(server, client):
    done = client.run("submit", SLUG, "-f", str(client.file), "-m", "a message")
    assert done.out == "4 submissions remaining today.\nSuccessfully submitted to Titanic"
    assert names(server)[-1] == "GetSubmissionLimits"


@pytest.mark.deep
def test_the_daily_limit(server, client):
    server.daily_limit = 1
    assert client.submit().code == 0
    done = client.submit()
    assert done.code == 1
    assert "used its daily Submission allowance (1) today" in done.err
    limits = client.run("submission-limits", SLUG)
    assert limits.out.split("\n")[::2] == ["Submissions today: 1", "Remaining today: 0"]
    assert len(server.submissions) == 1


@pytest.mark.deep
@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_failed_upload_exits_0(server, client, status):
    server.fail("upload", status)
    done = client.submit()
    assert (done.code, done.out) == (0, "Could not submit to competition")
    assert names(server) == ["StartSubmissionUpload", "upload"]
    assert server.submissions == []


@pytest.mark.deep
def test_a_dropped_upload_is_sent_again(server, client):
    server.drop("upload", after=5)
    assert client.submit().code == 0
    assert server.submissions[0].content == CSV
    assert len(server.sent("upload")) == 2


@pytest.mark.deep
def test_a_lost_answer_says_nothing_of_the_submission(server, client):
    server.lose_answer("CreateSubmission")
    server.lose_answer("CreateSubmission", answer=500)
    assert client.submit().code == 1
    assert client.submit().code == 1
    assert len(server.submissions) == 2


@pytest.mark.deep
def test_an_empty_file_is_sent_in_chunks(server, client):
    client.file.write_bytes(b"")
    assert client.submit().code == 0
    assert server.sent("upload")[0].headers["Transfer-Encoding"] == "chunked"
    assert server.submissions[0].content == b""


@pytest.mark.deep
def test_the_library(server, client):
    server.submissions += [
        Submission(ref, date=datetime(2026, 1, 1, ref, tzinfo=UTC), status="complete")
        for ref in (1, 3, 2)
    ]
    server.fail("upload", 500)
    answer = client.python(
        f"""
pages = [api.competition_submissions("{SLUG}", page_number=n, page_size=2) for n in (1, 2, 3)]
failed = api.competition_submit({str(client.file)!r}, "text", "{SLUG}", quiet=True)
good = api.competition_submit({str(client.file)!r}, "text", "{SLUG}", quiet=True)
limits = api.competition_get_submission_limits("{SLUG}")
print(json.dumps({{
    "pages": [[one.ref for one in page] for page in pages],
    "failed": [failed.ref, failed.message],
    "good": good.ref,
    "limits": [limits.num_today, limits.num_allowed_now],
    "files": [file.name for file in api.competition_list_files("{SLUG}").files],
    "board": api.competition_leaderboard_view("{SLUG}")[0].team_name,
}}))"""
    )
    assert answer == {
        "pages": [[3, 2], [1], []],
        "failed": [0, "Could not submit to competition"],
        "good": server.submissions[-1].ref,
        "limits": [1, 4],
        "files": ["train.csv", "images/a picture.png"],
        "board": server.user,
    }


# Secrets.


def left_behind(client, *done):
    texts = [text for one in done for text in (one.out, one.err)]
    files = [path for path in client.home.rglob("*") if path.is_file()]
    return "".join([*texts, *(path.read_text() for path in files)])


@pytest.mark.deep
def test_what_the_client_leaks(server, client):
    server.check_credentials = True
    server.fail("DownloadDataFiles", 500)
    server.fail("ListSubmissions", 403)
    token = {"KAGGLE_API_TOKEN": server.token}
    said = left_behind(client, client.download(), client.run("submissions", SLUG, **token))
    assert not [secret for secret in server.secrets if secret in said]
    assert (client.home / ".config/kaggle").is_dir()
    server.fail("blob", 500)
    assert server.signature in client.download().err  # The signed address.
    shown = client.run("submissions", SLUG, VERBOSE="1")
    assert server.secrets[2] in shown.out  # The header with name and key.


# The server itself.


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, (0, 10)),
        ("bytes=4-", (4, 10)),
        ("bytes=2-4", (2, 5)),
        ("bytes=2-99", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("lines=1-", (0, 10)),
    ],
)
def test_byte_ranges(wanted, expected):
    assert byte_range(wanted, 10) == expected


def get_blob(server, **headers):
    path = f"/kaggle-competitions-data/bundle/archive.zip?Signature={server.signature}"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(server.address + path, headers=named), timeout=10
        ) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, b""


@pytest.mark.deep
def test_ranges_of_the_archive(server, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    server.archive = tmp_path / "archive.zip"
    server.archive.write_bytes(b"0123456789")
    etag = server.served.etag
    assert get_blob(server) == (200, b"0123456789")
    assert get_blob(server, Range="bytes=4-", If_Range=etag) == (206, b"456789")
    assert get_blob(server, Range="bytes=4-", If_Range='"older"') == (200, b"0123456789")
    assert get_blob(server, Range="bytes=10-") == (416, b"")
    server.truncate(3)
    assert get_blob(server, Range="bytes=4-", If_Range=etag) == (200, b"0123456")


@pytest.mark.deep
def test_nothing_goes_further_than_the_server(server):
    """An https address, as production's, is asked of the proxy, which is this server."""
    assert server.environment["https_proxy"] == server.address
    connection = http.client.HTTPConnection("127.0.0.1", int(server.address.rsplit(":")[-1]))
    connection.set_tunnel("localhost", 443)
    with pytest.raises(OSError, match="403"):
        connection.request("GET", "/")
    assert names(server) == ["CONNECT"]


def test_scores_against_right_answers(tmp_path):
    rows = [f"{key},{key % 3}" for key in range(10)]
    solution = tmp_path / "solution.csv"
    solution.write_text("\n".join(["id,label", *rows]))
    score = scorer(solution)
    assert score(solution.read_bytes()) == ("1.00000", "1.00000")
    wrong = solution.read_bytes().replace(b"4,1", b"4,2")
    assert score(wrong) == ("0.80000", "1.00000")
    with pytest.raises(ValueError, match="columns id, label"):
        score(b"id,other\n1,2\n")
    solution.write_text("\n".join(["id,price", *(f"{key},{key * 10}" for key in range(99))]))
    assert scorer(solution)(solution.read_bytes()) == ("0.00000", "0.00000")


@pytest.mark.deep
def test_by_hand(tmp_path):
    archive = tmp_path / "files.zip"
    archive.write_bytes(zipped({"train.csv": CSV}))
    program = ROOT / "tests/help/kaggle_server.py"
    with subprocess.Popen(
        [sys.executable, program, "--slug", SLUG, "--archive", archive],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        lines = [running.stdout.readline().strip() for _ in range(7)]
        running.terminate()
    assert lines[0] == "export KAGGLE_API_ENVIRONMENT=LOCALHOST"
    assert lines[1].startswith("export http_proxy=http://127.0.0.1:")
