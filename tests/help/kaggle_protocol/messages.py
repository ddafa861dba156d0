"""What goes to and fro: a request, its answer, and the addresses they are about."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

API = "/api/v1/"
# Files live on another host than the API, as they do at Kaggle: the client must not send its
# credentials there. Names under localhost are loopback even without the proxy.
STORAGE = "http://storage.localhost"
DOWNLOADS = "/kaggle-competitions-data"
UPLOADS = "/upload/storage/v1/b/kaggle-competitions-submissions/o"


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
        blob = self.blob or Blob(self.body, len(self.body))
        return blob.pieces(self.start, self.start + self.length, step)


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
