"""Files that no honest program writes, for tests."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
DEFLATED = zipfile.ZIP_DEFLATED


def zip_bytes(entries: dict[str, bytes], method: int = DEFLATED) -> bytes:
    """A zip of these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def write_zip(path: Path, entries: dict[str, bytes], method: int = DEFLATED) -> Path:
    path.write_bytes(zip_bytes(entries, method))
    return path


def packed(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def special(path: Path, name: str, mode: int, content: bytes = b"x") -> Path:
    """Add an entry with the mode of a link, a device or the like."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr, entry.create_system = mode << 16, 3
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(entry, content)
    return path


def patch(content: bytes, name: str, field: int, value: bytes) -> bytes:
    """A zip whose list of entries says something else of one, at the list's field."""
    at = content.index(CENTRAL)
    while content[at + 46 : at + 46 + len(name)] != name.encode():
        at = content.index(CENTRAL, at + 1)
    return content[: at + field] + value + content[at + field + len(value) :]


def overlapping(names: list[str], size: int) -> bytes:
    """A zip bomb in which every entry unpacks the same bytes (after D. Fifield).

    Each entry starts within the one before: its data is the next one's header, quoted as a stored
    block of deflate, and then that one's data.
    """
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = squeeze.compress(b"0" * size) + squeeze.flush()
    crc, unpacked = zlib.crc32(b"0" * size), b"0" * size
    body, spots = b"", []
    for name in reversed(names):
        if body:
            data = b"\x00" + struct.pack("<HH", len(body), len(body) ^ 0xFFFF) + body + data
            unpacked = body + unpacked
            crc = zlib.crc32(unpacked)
        fields = (20, 0, 8, 0, 33, crc, len(data), len(unpacked), len(name), 0)
        body = struct.pack("<4s5H3L2H", LOCAL, *fields) + name.encode()
        spots.append((name, fields, len(body) + len(data)))
    whole = body + data
    return _with_list(whole, [(n, f, len(whole) - back) for n, f, back in reversed(spots)])


def packed_badly(name: str, size: int) -> bytes:
    """A zip of zeros that is packed to an eighth, and packs once more to next to nothing."""
    squeeze = zlib.compressobj(9, DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    data = squeeze.compress(bytes(size)) + squeeze.flush()
    fields = (20, 0, DEFLATED, 0, 33, zlib.crc32(bytes(size)), len(data), size, len(name), 0)
    body = struct.pack("<4s5H3L2H", LOCAL, *fields) + name.encode() + data
    return _with_list(body, [(name, fields, 0)])


def many_entries(count: int) -> bytes:
    """A zip that lists the same empty file over and over."""
    fields = (20, 0, 0, 0, 33, 0, 0, 0, 1, 0)
    body = struct.pack("<4s5H3L2H", LOCAL, *fields) + b"x"
    return _with_list(body, [("x", fields, 0)] * count)


def _with_list(body: bytes, entries: list[tuple[str, tuple[int, ...], int]]) -> bytes:
    listed = b"".join(
        struct.pack("<4sH", CENTRAL, 20)
        + struct.pack("<5H3L2H", *fields)
        + struct.pack("<3H2L", 0, 0, 0, 0, offset)
        + name.encode()
        for name, fields, offset in entries
    )
    count = min(len(entries), 0xFFFF)
    return (
        body + listed + struct.pack("<4s4H2LH", END, 0, 0, count, count, len(listed), len(body), 0)
    )
