"""Files that go out: their list, signed addresses, and the bytes behind those."""

import io
import re
import zipfile
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kaggle_protocol.competition import Competition
from kaggle_protocol.messages import (
    DOWNLOADS,
    STORAGE,
    Answer,
    Blob,
    Request,
    json_answer,
    json_date,
    without_defaults,
)

NOT_JOINED = "You must accept this competition's rules before you'll be able to download files."


def opened(archive: bytes | Path) -> zipfile.ZipFile:
    """The competition's zip, to read."""
    return zipfile.ZipFile(archive if isinstance(archive, Path) else io.BytesIO(archive))


def members(competition: Competition) -> list[zipfile.ZipInfo]:
    """The files in the zip; none if it is no zip."""
    try:
        with opened(competition.archive) as zipped:
            return [info for info in zipped.infolist() if not info.is_dir()]
    except zipfile.BadZipFile:
        return []


def list_data_files(competition: Competition, asked: dict[str, Any]) -> Answer:
    """A page of the files' names and sizes."""
    start = int(asked.get("pageToken") or 0)
    size = int(asked.get("pageSize") or 20)
    known = members(competition)
    date = json_date(competition.modified)
    files = [
        {"ref": info.filename, "name": info.filename, "totalBytes": info.file_size}
        for info in known[start : start + size]
    ]
    more = str(start + size) if start + size < len(known) else None
    given = [without_defaults({**file, "creationDate": date}) for file in files]
    return json_answer(without_defaults({"files": given, "nextPageToken": more}))


def download_data_files(competition: Competition, asked: dict[str, Any]) -> Answer:
    """Where the whole archive lies."""
    return redirect(competition, f"{DOWNLOADS}/bundle/archive.zip")


def download_data_file(competition: Competition, asked: dict[str, Any]) -> Answer:
    """Where one file lies."""
    name = asked.get("fileName", "")
    if name not in {info.filename for info in members(competition)}:
        return competition.error(404, "File not found")
    return redirect(competition, f"{DOWNLOADS}/files/{quote(name)}")


def redirect(competition: Competition, path: str) -> Answer:
    """To a signed address, if the rules are accepted."""
    if not competition.joined:
        return competition.error(403, NOT_JOINED)
    query = f"GoogleAccessId=loopback&Expires=1900000000&Signature={competition.signature}"
    return Answer(302, {"Location": f"{STORAGE}{path}?{query}"})


def give_out(competition: Competition, request: Request) -> Answer:
    """What lies behind a signed address, or the part of it that is wanted."""
    if competition.signature not in request.target:
        return competition.error(403, "SignatureDoesNotMatch", storage=True)
    blob = find(competition, request.location)
    if blob is None:
        return competition.error(404, "NoSuchKey", storage=True)
    headers = {
        "Content-Type": blob.kind,
        "ETag": blob.etag,
        "Last-Modified": format_datetime(competition.modified, usegmt=True),
        "Accept-Ranges": "bytes",
    }
    wanted = request.headers.get("Range")
    if request.headers.get("If-Range", blob.etag) not in (blob.etag, headers["Last-Modified"]):
        wanted = None  # It changed: the whole file instead.
    return part(blob, headers, wanted)


def part(blob: Blob, headers: dict[str, str], wanted: str | None) -> Answer:
    """The bytes of a Range header; all of them without one."""
    start, stop = byte_range(wanted, blob.size)
    if start >= stop and blob.size:
        return Answer(416, {**headers, "Content-Range": f"bytes */{blob.size}"})
    if wanted:
        headers = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{blob.size}"}
    return Answer(206 if wanted else 200, headers, b"", blob, start, stop)


def find(competition: Competition, location: str) -> Blob | None:
    """The archive, or one file of it."""
    if location == f"{DOWNLOADS}/bundle/archive.zip":
        return competition.served
    name = location.removeprefix(f"{DOWNLOADS}/files/")
    try:
        with opened(competition.archive) as zipped:
            content = zipped.read(name)
    except (KeyError, zipfile.BadZipFile):
        return None
    return Blob(content, len(content), "text/csv")


def byte_range(wanted: str | None, size: int) -> tuple[int, int]:
    """First and behind the last byte of `bytes=5-`, `bytes=5-9` or `bytes=-5`."""
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", wanted or "")
    if not found or not (found[1] or found[2]):
        return 0, size
    if not found[1]:
        return max(size - int(found[2]), 0), size
    return int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
