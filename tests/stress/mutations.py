"""Inputs for the fuzz run: valid bytes spoilt at random, and some made of hostile parts."""

import io
import random
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence

Content = bytes
MOST_BYTES = 200_000
NUMBERS = [b"\0", b"\x01", b"\x7f", b"\x80", b"\xff", b"\xff\xff", b"\0\0\0\0", b"\xff" * 4]

CSV_TOKENS = [
    b",", b"\n", b"\r", b"\r\n", b'"', b'""', b"\0", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b";",
    b"NA", b"nan", b"inf", b"-inf", b"1e999", b"-1e-999", b"0x1F", b"9" * 400, b"9" * 5000,
    "\u0661\u0662".encode(), "\u2028".encode(), b"=cmd|' /C calc'!A0", b"@SUM(A1)", b"\x1b[2J",
    b"<script>", b"," * 3000, b"\n" * 3000, b'"' * 3001, b"x" * 70_000, b" ", b"\t", b"-1", b"256",
    b"Id", b"SalePrice", b"label", b"\x1a", b"#", b"'", b"\\", b"\x85", b"Infinity", b"1_000",
]  # fmt: skip
YAML_TOKENS = [
    b"!!python/object/apply:os.system [ls]", b"!foo ", b"&a ", b"*a", b"<<: *a", b"<<: ", b"? ",
    b": ", b"- ", b"{", b"}", b"[", b"]", b"[" * 5000, b"{" * 5000, b"- " * 3000, b"? " * 3000,
    b"\t", b"\0", b"\xff", b"\xef\xbb\xbf", b"---\n", b"...\n", b"%YAML 9.9\n", b"%TAG ! x:\n",
    b"| ", b">\n", b"'", b'"', b"#", b"`", b"@", b"9" * 5000, b"0x" + b"F" * 5000, b"0o7", b"0b1",
    b".nan", b".inf", b"1e999", b"2024-02-30", b"2024-01-01", b"12:30:45", b"~", b"null", b"true",
    b"\n", b"\r", b"\n  ", b"\n      ", b"competitions", b"house-prices", b"models", b"\x85",
    "\u2028".encode(), b"\x1b", b"5", b"k" * 70_000, b"=", b"1_0", b"+.inf", b"-0", b"_",
    b"\na0: &a0 [x,x,x,x,x,x,x,x]" + b"".join(
        b"\na%d: &a%d [%s]" % (level, level, b",".join([b"*a%d" % (level - 1)] * 8))
        for level in range(1, 12)
    ),
]  # fmt: skip
ZIP_TOKENS = [
    b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x07\x08",
    b"\x01\x00\x18\x00", b"\0" * 20, b"\xff" * 8, b"../", b"/", b"\\", b"train.csv", b"7z\xbc\xaf",
]  # fmt: skip
IMAGE_TOKENS = [
    b"\x89PNG\r\n\x1a\n", b"IHDR", b"IDAT", b"IEND", b"PLTE", b"tRNS", b"zTXt", b"iCCP", b"acTL",
    b"fdAT", b"eXIf", b"\xff\xd8", b"\xff\xda", b"\xff\xd9", b"\xff\xc2", b"\xff\xc4", b"\xff\xe1",
    b"\x7f\xff\xff\xff", b"\0\x01\x86\xa0", b"GIF89a", b"<svg>", b"\xff\xda" * 2000,
]  # fmt: skip
NAMES = [
    "train.csv", "test.csv", "sample_submission.csv", "Train.csv", "../train.csv", "/train.csv",
    "a/train.csv", "a\\train.csv", "train.csv/", "train.csv.zip", "train.zip", "test.zip",
    "train.csv.7z", "labels.csv", "train/1.png", "train/2.PNG", "train/1.PNG", "test/3.jpg",
    "test/3.png", "__MACOSX/train.csv", ".", "..", "", "\x1b[2J.png", "train/\u2028.png", "C:\\x",
    "train/" + "x" * 300 + ".png", "train/1.bmp", "a/../train/4.png", "CON", "train//5.png",
]  # fmt: skip
# Where the list of entries says something of one, and how: flags, method, sizes, lengths, place.
LISTED = [(6, "H"), (8, "H"), (10, "H"), (16, "L"), (20, "L"), (24, "L"), (28, "H"), (30, "H"),
          (32, "H"), (38, "L"), (42, "L")]  # fmt: skip
MODES = [0, 0o100644, 0o120777, 0o020666, 0o010666, 0o040755]


def mutated(
    seed: Content, others: Sequence[Content], tokens: Sequence[Content], draw: random.Random
) -> Content:
    """One to four changes at random places."""
    content = seed
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        content = draw.choice(CHANGES)(content, others, tokens, draw)
    return content[:MOST_BYTES]


def of_tokens(tokens: Sequence[Content], draw: random.Random) -> Content:
    """Nothing but hostile parts, or nothing but noise."""
    if draw.random() < 0.3:
        return draw.randbytes(draw.randrange(400))
    return b"".join(draw.choice(tokens) for _ in range(draw.randrange(25)))[:MOST_BYTES]


def hostile_zip(contents: Sequence[Content], draw: random.Random) -> Content:
    """A whole zip with names, modes and contents that don't belong together."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as zipped:
        warnings.simplefilter("ignore")  # Names may stand twice.
        for _ in range(draw.randrange(1, 8)):
            entry = zipfile.ZipInfo(draw.choice(NAMES))
            entry.external_attr = draw.choice(MODES) << 16
            entry.compress_type = draw.choice([0, 8, 8, 12, 14])
            zipped.writestr(entry, draw.choice(contents))
    return buffer.getvalue()


def lying_zip(content: Content, draw: random.Random) -> Content:
    """A zip whose list of entries says something else than its entries."""
    at = content.rfind(b"PK\x01\x02", 0, draw.randrange(1, len(content) + 1))
    if at < 0:
        return content
    field, layout = draw.choice(LISTED)
    most = 2 ** (8 * struct.calcsize(f"<{layout}")) - 1
    value = draw.choice([0, 1, 8, 9, 12, 14, most, most - 1, most // 2, draw.randrange(most)])
    end = at + field + struct.calcsize(f"<{layout}")
    return content[: at + field] + struct.pack(f"<{layout}", value) + content[end:]


def bomb(name: str, size: int) -> Content:
    """A zip of zeros."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr(name, bytes(size))
    return buffer.getvalue()


def png_of(width: int, height: int, depth: int = 8, colours: int = 0) -> Content:
    """A PNG of a few bytes that says it is so wide and high."""
    header = struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


Change = Callable[[Content, Sequence[Content], Sequence[Content], random.Random], Content]


def _flip(content: Content, _: object, __: object, draw: random.Random) -> Content:
    changed = bytearray(content)
    for _ in range(draw.randrange(1, 9) if changed else 0):
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _truncate(content: Content, _: object, __: object, draw: random.Random) -> Content:
    return content[: draw.randrange(len(content) + 1)]


def _cut_out(content: Content, _: object, __: object, draw: random.Random) -> Content:
    start, end = _span(content, draw)
    return content[:start] + content[end:]


def _splice(
    content: Content, others: Sequence[Content], __: object, draw: random.Random
) -> Content:
    other = draw.choice([content, *others])
    start, end = _span(other, draw)
    at = draw.randrange(len(content) + 1)
    return content[:at] + other[start:end] + content[at + draw.choice([0, end - start]) :]


def _insert(content: Content, _: object, tokens: Sequence[Content], draw: random.Random) -> Content:
    at, token = draw.randrange(len(content) + 1), draw.choice(tokens)
    return content[:at] + token + content[at + draw.choice([0, len(token)]) :]


def _repeat(content: Content, _: object, __: object, draw: random.Random) -> Content:
    start, end = _span(content, draw)
    return content[:end] + content[start:end] * draw.randrange(1, 50) + content[end:]


def _overwrite(content: Content, _: object, __: object, draw: random.Random) -> Content:
    at, number = draw.randrange(len(content) + 1), draw.choice(NUMBERS)
    return content[:at] + number + content[at + len(number) :]


def _span(content: Content, draw: random.Random) -> tuple[int, int]:
    start, end = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return start, min(end, start + draw.choice([4, 64, 1024, len(content)]))


CHANGES: list[Change] = [_flip, _truncate, _cut_out, _splice, _insert, _insert, _repeat, _overwrite]
