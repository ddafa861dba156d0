"""What Kaggle knows of one competition and one user, and how it treats them."""

import base64
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

from kaggle_protocol.messages import Answer, Blob, json_answer, json_date
from kaggle_protocol.scores import Score, hash_score

DENIED = "Permission 'competitions.{}' was denied"


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


@dataclass(eq=False)
class Competition:
    """One competition and its one user; a test changes any field at any time."""

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

    def __post_init__(self) -> None:
        self.signature = "Signature-of-loopback-that-opens-nothing"
        self.lock = threading.Lock()
        self.uploads: dict[str, tuple[str, bytes | None]] = {}
        self.cut = 0  # Bytes that the archive lacks at its end.

    @property
    def basic(self) -> str:
        """Name and key as a header carries them."""
        return base64.b64encode(f"{self.user}:{self.key}".encode()).decode()

    @property
    def secrets(self) -> list[str]:
        """What must not appear in anything that a client leaves behind."""
        return [self.key, self.token, self.basic, self.signature]

    @property
    def served(self) -> Blob:
        """The archive as it is given out."""
        source = self.archive
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        return Blob(source, max(size - self.cut, 0))

    def error(self, status: int, message: str, storage: bool = False) -> Answer:
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
