"""A server on loopback that speaks Kaggle's protocol to the unmodified official client.

For tests, and for trying things by hand:

    python tests/kaggle_server.py --slug titanic --archive files.zip --score-with solution.csv

prints the environment to export; then `kaggle competitions ...` and `podium ...` in that
environment talk to it and to nothing else. The client is told that Kaggle is at
http://localhost and that 127.0.0.1:PORT is its proxy, so every request arrives here, whatever
its host. What production answers was not seen: shapes are the ones the client parses, messages
and error bodies are as its users report them.
"""

import argparse
import base64
import csv
import hashlib
import io
import json
import math
import re
import sys
import threading
import time
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit

API = "/api/v1/"
COMPETITIONS = "competitions.CompetitionApiService"
# Files live on another host than the API, as they do at Kaggle: the client must not send its
# credentials there. Names under localhost are loopback even without the proxy.
STORAGE = "http://storage.localhost"
DOWNLOADS = "/kaggle-competitions-data"
UPLOADS = "/upload/storage/v1/b/kaggle-competitions-submissions/o"
FIRST_REF = 50_000_001
CHUNK = 64 * 1024

NOT_JOINED = "You must accept this competition's rules before you'll be able to download files."
NOT_JOINED_SUBMIT = "You cannot submit until you accept the competition rules"
DENIED = "Permission 'competitions.{}' was denied"
ALLOWANCE = (
    "Submission not allowed: Your team has used its daily Submission allowance ({}) today, "
    "please try again tomorrow UTC ({:.1f} hours from now)."
)
Score = tuple[str | None, str | None]


@dataclass
class Submission:
    """One submission as Kaggle knows it; scores are hidden while it is pending."""

    ref: int
    description: str = ""
    file_name: str = "submission.csv"
    content: bytes = b""
    date: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "pending"
    public_score: str | None = None
    private_score: str | None = None
    error: str | None = None
    looks: int = 0

    def as_json(self, user: str) -> dict[str, Any]:
        """What ListSubmissions says about it."""
        scored = self.status == "complete"
        return {
            "ref": self.ref,
            "totalBytes": len(self.content),
            "date": json_date(self.date),
            "description": self.description,
            "errorDescription": self.error,
            "fileName": self.file_name,
            "publicScore": self.public_score if scored else None,
            "privateScore": self.private_score if scored else None,
            # Kaggle leaves out what has its default value, and pending is the default.
            "status": self.status.upper() if self.status != "pending" else None,
            "submittedBy": user,
            "submittedByRef": user,
            "teamName": user,
            "url": f"/submissions/{self.ref}/{self.ref}.raw",
        }


@dataclass
class Request:
    """What a client sent, and the status it got (0: no answer)."""

    method: str
    path: str  # The name of the RPC, or "blob", "upload", "CONNECT", or the path itself.
    target: str  # The request line's target as it came.
    headers: dict[str, str]
    body: bytes = b""
    status: int = 0

    @property
    def json(self) -> dict[str, Any]:
        """The body of an RPC."""
        return json.loads(self.body or b"{}")

    @property
    def location(self) -> str:
        """The target's path, without host and query."""
        return unquote(urlsplit(self.target).path)


@dataclass
class Blob:
    """Bytes to give out, in memory or in a file."""

    source: bytes | Path
    size: int
    name: str
    kind: str = "application/zip"

    @property
    def etag(self) -> str:
        """Changes with the content."""
        if isinstance(self.source, Path):
            stat = self.source.stat()
            identity = f"{stat.st_size}-{stat.st_mtime_ns}-{self.size}".encode()
        else:
            identity = self.source[: self.size]
        return f'"{hashlib.md5(identity, usedforsecurity=False).hexdigest()}"'

    def pieces(self, start: int, stop: int, step: int) -> Iterator[bytes]:
        """The bytes from start to stop, a few at a time."""
        if isinstance(self.source, bytes):
            for at in range(start, stop, step):
                yield self.source[at : min(at + step, stop)]
            return
        with self.source.open("rb") as file:
            file.seek(start)
            for at in range(start, stop, step):
                yield file.read(min(step, stop - at))


@dataclass
class Answer:
    """A status, headers, and a body: bytes, or a range of a blob."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    blob: Blob | None = None
    start: int = 0
    stop: int = 0

    @property
    def length(self) -> int:
        """Of the body."""
        return self.stop - self.start if self.blob else len(self.body)

    def pieces(self, step: int) -> Iterable[bytes]:
        """The body, a few bytes at a time."""
        blob = self.blob or Blob(self.body, len(self.body), "")
        return blob.pieces(self.start, self.start + self.length, step)


@dataclass
class Fault:
    """What goes wrong with the next calls of one name."""

    times: int
    answer: Answer | None = None  # Said instead of the right answer ...
    work: bool = False  # ... but after the work was done.
    silent: bool = False  # Nothing is said.
    hang: bool = False  # The connection stays open.
    after: int | None = None  # Bytes of the body that still go through.


def hash_score(content: bytes) -> Score:
    """A public score that depends on the file alone."""
    return f"{int(hashlib.sha256(content).hexdigest()[:8], 16) / 2**32:.5f}", None


def json_date(moment: datetime) -> str:
    """A date as the client reads it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def without_defaults(fields: dict[str, Any]) -> dict[str, Any]:
    """Kaggle leaves out fields that have their default value."""
    return {name: value for name, value in fields.items() if value or isinstance(value, float)}


def json_answer(fields: dict[str, Any], status: int = 200) -> Answer:
    """An answer of an RPC."""
    body = json.dumps(fields).replace("'", "\\u0027").encode()
    return Answer(status, {"Content-Type": "application/json"}, body)


@dataclass(eq=False)
class KaggleServer:
    """Kaggle for one competition and one user, between `with` and its end."""

    slug: str = "titanic"
    archive: bytes | Path = b""
    submissions: list[Submission] = field(default_factory=list)
    user: str = "someone"
    key: str = "loopback-key-that-opens-nothing"
    token: str = "KGAT_loopback_token_that_opens_nothing"
    check_credentials: bool = False
    joined: bool = True
    daily_limit: int = 5
    score: Callable[[bytes], Score] = hash_score
    score_after: int = 1
    unknown_slug: int = 403  # The status for any other competition; 404 is seen too.
    # "flat": {"code", "message"}, whose message the client shows; "nested": {"error": {...}} and
    # "empty", with which it shows only the status and the address (what users report of late).
    error_shape: str = "flat"
    api_version: str | None = None  # A newer one than the client's makes it print a warning.
    modified: datetime = datetime(2020, 10, 21, 7, 28, tzinfo=UTC)
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # Errors of the server's own.

    def __post_init__(self) -> None:
        self.signature = "Signature-of-loopback-that-opens-nothing"
        self.closing = threading.Event()
        self._lock = threading.Lock()
        self._faults: dict[str, deque[Fault]] = {}
        self._uploads: dict[str, tuple[str, bytes | None]] = {}
        self._cut = 0
        self._pace: float | None = None
        self._web: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    # Start and end.

    def __enter__(self) -> "KaggleServer":
        web = _Web(("127.0.0.1", self.port), _Handler)
        web.kaggle = self
        self._web = web
        self._thread = threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.closing.set()
        if self._web and self._thread:
            self._web.shutdown()
            self._web.server_close()
            self._thread.join(timeout=5)

    @property
    def address(self) -> str:
        """Where it listens."""
        if self._web is None:
            raise RuntimeError("the server is not running: use it in a with statement")
        return f"http://127.0.0.1:{self._web.server_port}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes the unmodified client talk to this server, and to no other."""
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            "http_proxy": self.address,
            "https_proxy": self.address,  # Refused here: nothing may leave the machine.
            "no_proxy": "",
            "NO_PROXY": "",
            "KAGGLE_USERNAME": self.user,
            "KAGGLE_KEY": self.key,
        }

    @property
    def secrets(self) -> list[str]:
        """What must not appear in anything that a client leaves behind."""
        basic = base64.b64encode(f"{self.user}:{self.key}".encode()).decode()
        return [self.key, self.token, basic, self.signature]

    def sent(self, path: str) -> list[Request]:
        """The requests of one name."""
        return [request for request in self.requests if request.path == path]

    # What goes wrong. Faults of one name happen in the order in which they were ordered.

    def fail(
        self,
        rpc: str,
        status: int = 500,
        times: int = 1,
        message: str = "",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """The next calls of this RPC (or "blob" or "upload") answer so.

        With the message in the error shape of now, or with a page of HTML as the whole body.
        """
        answer = self._error(status, message, storage=rpc in ("blob", "upload"))
        if body is not None:
            answer = Answer(status, {"Content-Type": "text/html"}, body)
        answer.headers.update(headers or {})
        self._order(rpc, Fault(times, answer))

    def hang(self, rpc: str, times: int = 1, after: int | None = None, work: bool = False) -> None:
        """The next calls are never answered, or not further than `after` bytes of the body.

        With `work` they are carried out all the same.
        """
        self._order(rpc, Fault(times, work=work, silent=after is None, hang=True, after=after))

    def drop(self, rpc: str = "blob", after: int = 0, times: int = 1) -> None:
        """The next calls lose their connection after so many bytes of the body.

        Of an upload it is the body that comes in, of all others the one that goes out.
        """
        self._order(rpc, Fault(times, after=after))

    def lose_answer(
        self, rpc: str = "CreateSubmission", times: int = 1, answer: int | None = None
    ) -> None:
        """The next calls are carried out, and then cut off, or answered with this status."""
        said = None if answer is None else self._error(answer, "")
        self._order(rpc, Fault(times, said, work=True, silent=said is None))

    def truncate(self, by: int) -> None:
        """From now on the archive lacks its last bytes, with headers that say so too."""
        self._cut = by

    def throttle(self, bytes_per_second: float | None) -> None:
        """Blobs that are asked for from now on come slowly."""
        self._pace = bytes_per_second

    def _order(self, name: str, fault: Fault) -> None:
        with self._lock:
            self._faults.setdefault(name, deque()).append(fault)

    def next_fault(self, name: str) -> Fault | None:
        """What goes wrong with this call."""
        with self._lock:
            waiting = self._faults.get(name)
            if not waiting:
                return None
            fault = waiting[0]
            fault.times -= 1
            if fault.times <= 0:
                waiting.popleft()
            return fault

    # Answers.

    def answer(self, request: Request) -> Answer:
        """What Kaggle says."""
        if request.path == "blob":
            return self._blob(request)
        if request.path == "CONNECT":
            return Answer(HTTPStatus.FORBIDDEN, {}, b"loopback only")
        with self._lock:
            if request.path == "upload":
                return self._upload(request)
            refused = self._refused(request)
            if refused:
                return refused
            call = getattr(self, f"_rpc_{snake(request.path)}", None)
            answer = call(request.json) if call else self._error(404, "Not found")
        if self.api_version:
            answer.headers["X-Kaggle-APIVersion"] = self.api_version
        return answer

    def _error(self, status: int, message: str, storage: bool = False) -> Answer:
        """An error, in the shape that is asked for; storage speaks XML."""
        phrase = HTTPStatus(status).phrase
        if storage:
            text = f"<?xml version='1.0'?><Error><Code>{phrase}</Code><Message>{message}</Message>"
            return Answer(status, {"Content-Type": "application/xml"}, f"{text}</Error>".encode())
        if self.error_shape == "empty":
            return Answer(status)
        fields = {"code": status, "message": message or phrase}
        if self.error_shape == "nested":
            name = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}
            fields = {"error": {**fields, "status": name.get(status, "INTERNAL")}}
        return json_answer(fields, status)

    def _refused(self, request: Request) -> Answer | None:
        """Wrong credentials, or another competition."""
        if self.check_credentials and not self._accepted(request):
            return self._error(401, "Unauthenticated")
        named = request.json.get("competitionName")
        if named is None or named == self.slug:
            return None
        if self.unknown_slug == 404:
            return self._error(404, "Competition not found")
        reading = request.path in ("ListDataFiles", "GetLeaderboard")
        return self._error(self.unknown_slug, DENIED.format("get" if reading else "participate"))

    def _accepted(self, request: Request) -> bool:
        if request.path == "IntrospectToken":
            return True
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return value == self.token
        basic = base64.b64encode(f"{self.user}:{self.key}".encode()).decode()
        return kind == "Basic" and value == basic

    def _rpc_introspect_token(self, asked: dict[str, Any]) -> Answer:
        known = asked.get("token") == self.token
        fields = {"active": known, "username": self.user if known else "", "scope": "all"}
        return json_answer(without_defaults(fields))

    # Downloads.

    @property
    def served(self) -> Blob:
        """The archive as it is given out."""
        source = self.archive
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        return Blob(source, max(size - self._cut, 0), f"{self.slug}.zip")

    def _members(self) -> list[zipfile.ZipInfo]:
        source = self.archive if isinstance(self.archive, Path) else io.BytesIO(self.archive)
        try:
            with zipfile.ZipFile(source) as zipped:
                return [info for info in zipped.infolist() if not info.is_dir()]
        except zipfile.BadZipFile:
            return []

    def _rpc_list_data_files(self, asked: dict[str, Any]) -> Answer:
        start = int(asked.get("pageToken") or 0)
        size = int(asked.get("pageSize") or 20)
        members = self._members()
        date = json_date(self.modified)
        files = [
            {"ref": info.filename, "name": info.filename, "totalBytes": info.file_size}
            for info in members[start : start + size]
        ]
        more = str(start + size) if start + size < len(members) else None
        given = [without_defaults({**file, "creationDate": date}) for file in files]
        return json_answer(without_defaults({"files": given, "nextPageToken": more}))

    def _rpc_download_data_files(self, asked: dict[str, Any]) -> Answer:
        return self._redirect(f"{DOWNLOADS}/bundle/archive.zip")

    def _rpc_download_data_file(self, asked: dict[str, Any]) -> Answer:
        name = asked.get("fileName", "")
        if name not in {info.filename for info in self._members()}:
            return self._error(404, "File not found")
        return self._redirect(f"{DOWNLOADS}/files/{quote(name)}")

    def _redirect(self, path: str) -> Answer:
        """To a signed address, if the rules are accepted."""
        if not self.joined:
            return self._error(403, NOT_JOINED)
        query = f"GoogleAccessId=loopback&Expires=1900000000&Signature={self.signature}"
        return Answer(302, {"Location": f"{STORAGE}{path}?{query}"})

    def _blob(self, request: Request) -> Answer:
        if self.signature not in request.target:
            return self._error(403, "SignatureDoesNotMatch", storage=True)
        blob = self._find(request.location)
        if blob is None:
            return self._error(404, "NoSuchKey", storage=True)
        headers = {
            "Content-Type": blob.kind,
            "ETag": blob.etag,
            "Last-Modified": format_datetime(self.modified, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        wanted = request.headers.get("Range")
        if request.headers.get("If-Range", blob.etag) not in (blob.etag, headers["Last-Modified"]):
            wanted = None  # It changed: the whole file instead.
        start, stop = byte_range(wanted, blob.size)
        if start >= stop and blob.size:
            headers["Content-Range"] = f"bytes */{blob.size}"
            return Answer(416, headers)
        if wanted:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{blob.size}"
        return Answer(206 if wanted else 200, headers, b"", blob, start, stop)

    def _find(self, location: str) -> Blob | None:
        if location == f"{DOWNLOADS}/bundle/archive.zip":
            return self.served
        name = location.removeprefix(f"{DOWNLOADS}/files/")
        source = self.archive if isinstance(self.archive, Path) else io.BytesIO(self.archive)
        try:
            with zipfile.ZipFile(source) as zipped:
                content = zipped.read(name)
        except (KeyError, zipfile.BadZipFile):
            return None
        return Blob(content, len(content), name, "text/csv")

    # Submissions.

    def _rpc_start_submission_upload(self, asked: dict[str, Any]) -> Answer:
        token = f"upload-token-{len(self._uploads) + 1}"
        self._uploads[token] = (str(asked.get("fileName", "")), None)
        query = f"uploadType=resumable&upload_id={token}&Signature={self.signature}"
        return json_answer({"token": token, "createUrl": f"{STORAGE}{UPLOADS}?{query}"})

    def _upload(self, request: Request) -> Answer:
        found = re.search(r"upload_id=([^&]+)", request.target)
        if request.method != "PUT" or not found or found[1] not in self._uploads:
            return self._error(404, "No such upload", storage=True)
        name, _ = self._uploads[found[1]]
        self._uploads[found[1]] = (name, request.body)
        return json_answer({"name": name, "size": str(len(request.body))})

    def _rpc_create_submission(self, asked: dict[str, Any]) -> Answer:
        if not self.joined:
            return self._error(403, NOT_JOINED_SUBMIT)
        now = datetime.now(UTC)
        if self._used_today(now) >= self.daily_limit:
            hours = 24 - now.hour - now.minute / 60
            return self._error(400, ALLOWANCE.format(self.daily_limit, hours))
        name, content = self._uploads.pop(str(asked.get("blobFileTokens")), ("", None))
        if content is None:
            return self._error(400, "Submission file was not uploaded")
        ref = max([FIRST_REF - 1, *(known.ref for known in self.submissions)]) + 1
        description = asked.get("submissionDescription") or ""
        self.submissions.append(Submission(ref, description, name, content, now))
        title = self.slug.replace("-", " ").title()
        return json_answer({"message": f"Successfully submitted to {title}", "ref": ref})

    def _used_today(self, now: datetime) -> int:
        """Submissions that failed don't count."""
        today = now.date()
        return sum(
            known.status != "error" and known.date.astimezone(UTC).date() == today
            for known in self.submissions
        )

    def _rpc_get_submission_limits(self, asked: dict[str, Any]) -> Answer:
        if not self.joined:
            return json_answer({})
        used = self._used_today(datetime.now(UTC))
        fields = {
            "numToday": used,
            "numTotal": len(self.submissions),
            "numAllowedNow": max(self.daily_limit - used, 0),
        }
        return json_answer(without_defaults(fields))

    def _rpc_list_submissions(self, asked: dict[str, Any]) -> Answer:
        if not self.joined:
            return self._error(403, DENIED.format("participate"))
        size = int(asked.get("pageSize") or 20)
        start = (int(asked.get("page") or 1) - 1) * size
        start = int(asked.get("pageToken") or start)
        known = sorted(self.submissions, key=lambda one: (one.date, one.ref), reverse=True)
        if asked.get("group") == "SUBMISSION_GROUP_SUCCESSFUL":
            known = [one for one in known if one.status == "complete"]
        for one in known:
            self._look_at(one)
        page = [without_defaults(one.as_json(self.user)) for one in known[start : start + size]]
        more = str(start + size) if start + size < len(known) else None
        return json_answer(without_defaults({"submissions": page, "nextPageToken": more}))

    def _rpc_get_submission(self, asked: dict[str, Any]) -> Answer:
        for one in self.submissions:
            if one.ref == asked.get("ref"):
                self._look_at(one)
                return json_answer(without_defaults(one.as_json(self.user)))
        return self._error(404, "Submission not found")

    def _look_at(self, one: Submission) -> None:
        """A pending submission is scored once it was looked at often enough."""
        if one.status != "pending":
            return
        one.looks += 1
        if one.looks <= self.score_after:
            return
        try:
            one.public_score, one.private_score = self.score(one.content)
            one.status = "complete"
        except Exception as error:
            one.status, one.error = "error", str(error)

    def _rpc_get_leaderboard(self, asked: dict[str, Any]) -> Answer:
        scored = [one for one in self.submissions if one.status == "complete"]
        rows = [
            {
                "teamId": 1,
                "teamName": self.user,
                "submissionDate": json_date(scored[-1].date),
                "score": scored[-1].public_score,
            }
        ]
        return json_answer({"submissions": rows} if scored else {})

    def body_to_come(self, answer: Answer, path: str) -> Iterator[bytes]:
        """The body, in pieces, as fast as it may go when it starts."""
        pace = self._pace if path == "blob" else None
        step = CHUNK if pace is None else max(1, min(CHUNK, int(pace / 20)))
        for piece in answer.pieces(step):
            yield piece
            if self.closing.wait(0 if pace is None else len(piece) / pace):
                return


def snake(name: str) -> str:
    """ListDataFiles: list_data_files."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def byte_range(wanted: str | None, size: int) -> tuple[int, int]:
    """First and behind the last byte of `bytes=5-`, `bytes=5-9` or `bytes=-5`."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if not found or not (found[1] or found[2]):
        return 0, size
    if not found[1]:
        return max(size - int(found[2]), 0), size
    return int(found[1]), min(int(found[2]) + 1, size) if found[2] else size


class _Web(ThreadingHTTPServer):
    """One thread a connection; clients may vanish at any time."""

    daemon_threads = True
    block_on_close = False
    kaggle: KaggleServer

    def server_bind(self) -> None:
        """Without the look-up of the machine's name that HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.kaggle.problems.append(repr(error))


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    protocol_version = "HTTP/1.1"
    server: _Web

    def handle_any(self) -> None:
        """Reads, answers, and does wrong what it was told to."""
        self.close_connection = True
        kaggle = self.server.kaggle
        name = "CONNECT" if self.command == "CONNECT" else called(self.path)
        request = Request(self.command, name, self.path, dict(self.headers.items()))
        kaggle.requests.append(request)
        fault = kaggle.next_fault(request.path)
        cut = fault.after if fault else None
        if cut is not None and request.path == "upload":
            self.rfile.read(cut)
            return
        request.body = self._body()
        answer = self._answer(request, fault)
        if fault is None or not fault.silent:
            request.status = answer.status
            self._send(answer, request.path, cut)
        if fault and fault.hang:
            kaggle.closing.wait()

    do_GET = do_POST = do_PUT = do_HEAD = do_CONNECT = handle_any  # noqa: N815

    def _answer(self, request: Request, fault: Fault | None) -> Answer:
        kaggle = self.server.kaggle
        if fault and not fault.work and (fault.answer or fault.silent):
            return fault.answer or Answer()
        try:
            answer = kaggle.answer(request)
        except Exception as error:
            kaggle.problems.append(f"{request.path}: {error!r}")
            answer = Answer(500)
        return (fault and fault.answer) or answer

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, answer: Answer, path: str, cut: int | None) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.length))
        self.send_header("Connection", "close")
        self.end_headers()
        left = answer.length if cut is None else cut
        for piece in self.server.kaggle.body_to_come(answer, path):
            self.wfile.write(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the requests are kept."""


def called(target: str) -> str:
    """The name that a request goes by."""
    path = urlsplit(target).path
    if path.startswith(DOWNLOADS):
        return "blob"
    if path.startswith(UPLOADS):
        return "upload"
    if path.startswith(API):
        return path.rsplit("/", 1)[1]
    return path


def scorer(solution: Path) -> Callable[[bytes], Score]:
    """Scores against a file of right answers: half the rows are public, half are private."""
    names, right = answers(solution.read_bytes())
    keys = sorted(right)
    regression = all(is_number(value) for value in right.values()) and len(set(right.values())) > 30

    def score(content: bytes) -> Score:
        given_names, given = answers(content)
        if given_names != names:
            raise ValueError(f"Submission must have columns {', '.join(names)}")
        if set(given) != set(right):
            raise ValueError(f"Submission must have the {len(right)} ids of the test set")
        measure = rmsle if regression else accuracy
        public, private = (
            measure([(right[key], given[key]) for key in half])
            for half in (keys[::2], keys[1::2] or keys)
        )
        return f"{public:.5f}", f"{private:.5f}"

    return score


def answers(content: bytes) -> tuple[list[str], dict[str, str]]:
    """The columns' names, and the second column by the first."""
    rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    return rows[0], {row[0]: row[1] for row in rows[1:]}


def is_number(text: str) -> bool:
    """Whether the metric can take it for a number that is not below zero."""
    try:
        return float(text) >= 0
    except ValueError:
        return False


def rmsle(pairs: list[tuple[str, str]]) -> float:
    """Root mean squared error of logarithms."""
    logs = [math.log1p(float(right)) - math.log1p(float(given)) for right, given in pairs]
    return math.sqrt(sum(log * log for log in logs) / len(logs))


def accuracy(pairs: list[tuple[str, str]]) -> float:
    """The share of equal labels."""
    return sum(right == given for right, given in pairs) / len(pairs)


def main() -> None:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(description="Kaggle on loopback, for one competition.")
    parser.add_argument("--slug", required=True)
    parser.add_argument("--archive", type=Path, required=True, help="the competition's zip")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--score-with", type=Path, help="a csv with the right answers")
    parser.add_argument(
        "--score-after", type=int, default=1, help="how many looks it stays pending"
    )
    parser.add_argument("--daily-limit", type=int, default=5)
    chosen = parser.parse_args()
    with KaggleServer(
        chosen.slug,
        chosen.archive,
        port=chosen.port,
        daily_limit=chosen.daily_limit,
        score_after=chosen.score_after,
        check_credentials=True,
        score=scorer(chosen.score_with) if chosen.score_with else hash_score,
    ) as server:
        for name, value in server.environment.items():
            print(f"export {name}={value}", flush=True)
        watch(server)


def watch(server: KaggleServer) -> None:
    """Shows the requests as they come."""
    shown = 0
    try:
        while True:
            time.sleep(0.2)
            for request in server.requests[shown:]:
                print(f"# {request.method} {request.path} {request.status}", flush=True)
                shown += 1
    except KeyboardInterrupt:
        print("# closed", flush=True)


if __name__ == "__main__":
    main()
