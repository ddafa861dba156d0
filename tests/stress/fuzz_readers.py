"""What the fuzz run reads, and how: each reader makes inputs and hands them to the real code.

Files come in as a ``download`` does: fetched from a folder or a zip, checked, and only then
published over those of an earlier run.
"""

import io
import random
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import help_path  # noqa: F401
from mutations import (
    CSV_TOKENS,
    IMAGE_TOKENS,
    YAML_TOKENS,
    ZIP_TOKENS,
    bomb,
    hostile_zip,
    lying_zip,
    mutated,
    of_tokens,
    png_of,
)
from podium.config import Competition, load_config
from podium.data import kinds
from podium.data.images.decode import bombs_are_errors, decode, read_header
from podium.data.sources import local
from podium.data.sources.ames import make_ames
from podium.io import files
from projects import DIGITS, HOUSES, ROOT

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Reader:
    """Makes an input from random numbers, and reads it; raises what the real command would."""

    make: Callable[[random.Random], bytes]
    read: Callable[[bytes], None]
    # What must be the same after an input that was refused, and what after any.
    earlier: Path
    beside: Path


def params_reader(folder: Path, _: np.random.Generator) -> Reader:
    """``podium check``."""
    shipped = (ROOT / "params.yaml").read_bytes()
    path = folder / "params.yaml"

    def make(draw: random.Random) -> bytes:
        if draw.random() < 0.1:
            return of_tokens(YAML_TOKENS, draw)
        return mutated(shipped, [], YAML_TOKENS, draw)

    def read(content: bytes) -> None:
        path.write_bytes(content)
        load_config(path)

    return Reader(make, read, *earlier_results(folder, {"a": b"1"}))


def images_reader(folder: Path, generator: np.random.Generator) -> Reader:
    """Image files, as the ``preprocess`` stage decodes them."""
    seeds = pictures(generator)

    def make(draw: random.Random) -> bytes:
        if draw.random() < 0.1:
            return of_tokens(IMAGE_TOKENS, draw)
        return mutated(draw.choice(seeds), seeds, IMAGE_TOKENS, draw)

    def read(content: bytes) -> None:
        with bombs_are_errors():
            read_header(content)
            decode(content, 3, (8, 8))

    return Reader(make, read, *earlier_results(folder, {"a": b"1"}))


def tables_reader(folder: Path, _: np.random.Generator) -> Reader:
    """The three csv files of a table, one of them spoilt."""
    return csv_reader(folder, house_files(), competition(folder, HOUSES))


def pixels_reader(folder: Path, generator: np.random.Generator) -> Reader:
    """The three csv files of images, one of them spoilt."""
    return csv_reader(folder, pixel_files(generator), competition(folder, DIGITS))


def csv_reader(folder: Path, valid: Files, given: Competition) -> Reader:
    names, seeds = sorted(valid), list(valid.values())

    def make(draw: random.Random) -> bytes:
        name = draw.choice(names)
        if draw.random() < 0.1:
            return f"{name}\n".encode() + of_tokens(CSV_TOKENS, draw)
        return f"{name}\n".encode() + mutated(valid[name], seeds, CSV_TOKENS, draw)

    def read(content: bytes) -> None:
        name, _, spoilt = content.partition(b"\n")
        write_given(folder, {**valid, name.decode(): spoilt})
        download(folder, given)

    return Reader(make, read, *earlier_results(folder, valid))


def archives_reader(folder: Path, _: np.random.Generator) -> Reader:
    """A zip of a table's files, which may be packed once more inside."""
    valid = house_files()
    twice = {f"{name}.zip": zip_of({name: content}) for name, content in valid.items()}
    given = competition(folder, HOUSES)
    return zip_reader(folder, [(valid, given), (twice, given)], valid)


def image_archives_reader(folder: Path, generator: np.random.Generator) -> Reader:
    """A zip of images in folders or zips, with their labels."""
    parts: dict[str, dict[str, bytes]] = {"train": {}, "test": {}}
    for index, content in enumerate(pictures(generator)[:8]):
        parts["test" if index % 2 else "train"][f"{index // 2}.png"] = content
    tables = {
        "labels.csv": b"id,label\n0,a\n1,b\n2,a\n3,b\n",
        "sample_submission.csv": b"id,label\n0,a\n1,b\n2,a\n3,b\n",
    }
    flat = {f"{part}/{name}": c for part, images in parts.items() for name, c in images.items()}
    inside = {f"{part}.zip": zip_of(images) for part, images in parts.items()}
    layouts = [
        (tables | flat, image_competition(folder, "train", "test")),
        (tables | inside, image_competition(folder, "train.zip", "test.zip")),
    ]
    return zip_reader(folder, layouts, tables | inside)


def zip_reader(folder: Path, layouts: Sequence[tuple[Files, Competition]], valid: Files) -> Reader:
    """Archives of several layouts, each with the competition that is laid out so."""
    seeds = [zip_of(layout) for layout, _ in layouts]
    contents = [*seeds, *layouts[0][0].values(), bomb("train.csv", 10**6), b""]

    def make(draw: random.Random) -> bytes:
        index, kind = draw.randrange(len(layouts)), draw.random()
        if kind < 0.15:
            content = hostile_zip(contents, draw)
        elif kind < 0.4:
            content = lying_zip(seeds[index], draw)
        elif kind < 0.6:
            content = spoilt_inside(layouts[index][0], draw)
        else:
            content = mutated(seeds[index], seeds, ZIP_TOKENS, draw)
        return bytes([index]) + content

    def read(content: bytes) -> None:
        (folder / "given").write_bytes(content[1:])
        download(folder, layouts[content[0]][1])

    return Reader(make, read, *earlier_results(folder, valid))


def spoilt_inside(layout: Files, draw: random.Random) -> bytes:
    """A whole zip in which one file is spoilt."""
    name = draw.choice(sorted(layout))
    return zip_of({**layout, name: mutated(layout[name], [], ZIP_TOKENS + CSV_TOKENS, draw)})


def download(folder: Path, given: Competition) -> None:
    """What the stage does: fetch, check, and only then replace."""
    with files.publish(folder / "data/raw" / given.name) as scratch:
        local.fetch(given, scratch)
        kinds.of(given).check_raw(scratch, given)


def write_given(folder: Path, content: Files) -> None:
    given = folder / "given"
    given.mkdir(exist_ok=True)
    for name, body in content.items():
        (given / name).write_bytes(body)


def earlier_results(folder: Path, valid: Files) -> tuple[Path, Path]:
    """What lies there before any input: raw files of this competition, and results beside."""
    for name in (HOUSES, DIGITS):
        raw = folder / "data/raw" / name
        raw.mkdir(parents=True)
        for file, content in valid.items():
            (raw / file).write_bytes(content)
    beside = folder / "submissions"
    beside.mkdir()
    (beside / "submission.csv").write_bytes(b"Id,SalePrice\n1,2\n")
    return folder / "data/raw", beside


def competition(folder: Path, name: str) -> Competition:
    """A shipped competition whose files are given in ``folder``."""
    given = load_config(ROOT / "params.yaml", only=name)[name]
    source = {"provider": "local", "path": str(folder / "given")}
    return given.model_copy(update={"source": given.source.model_copy(update=source)})


def image_competition(folder: Path, train: str, test: str) -> Competition:
    """The shipped competition of images, with image files there and their labels apart."""
    given = competition(folder, DIGITS)
    names = {"train": train, "test": test, "labels": "labels.csv"}
    source = given.source.model_copy(update={"files": given.source.files.model_copy(update=names)})
    update = {"source": source, "id": "id", "target": "label", "task": "binary"}
    return given.model_copy(update=update)


def house_files() -> dict[str, bytes]:
    train, test = make_ames(seed=0, train_rows=12, test_rows=6)
    tables = {
        "train.csv": train,
        "test.csv": test,
        "sample_submission.csv": test[["Id"]].assign(SalePrice=1),
    }
    return {
        name: table.to_csv(index=False, na_rep="NA", lineterminator="\n").encode()
        for name, table in tables.items()
    }


def pixel_files(generator: np.random.Generator) -> dict[str, bytes]:
    header = ",".join(f"pixel{index}" for index in range(16))
    rows = [",".join(map(str, row)) for row in generator.integers(0, 256, (14, 16))]
    train = [f"label,{header}", *(f"{index % 2},{row}" for index, row in enumerate(rows[:10]))]
    return {
        "train.csv": "\n".join([*train, ""]).encode(),
        "test.csv": "\n".join([header, *rows[10:], ""]).encode(),
        "sample_submission.csv": b"ImageId,Label\n1,0\n2,0\n3,0\n4,0\n",
    }


def pictures(generator: np.random.Generator) -> list[bytes]:
    """Whole images of several kinds, and some that only say so."""
    shapes = {"L": (9, 7), "RGB": (9, 7, 3), "RGBA": (9, 7, 4), "LA": (9, 7, 2)}
    images = [
        Image.fromarray(generator.integers(0, 256, shape, dtype=np.uint8))
        for shape in shapes.values()
    ]
    saved = [encoded(image, "PNG") for image in images]
    saved += [encoded(image, "JPEG") for image in images[:2]]
    saved += [encoded(image, "JPEG", progressive=True) for image in images[:2]]
    saved += [encoded(images[0].convert("P"), "PNG"), encoded(images[0].convert("1"), "PNG")]
    saved += [encoded(images[1], "GIF"), encoded(images[1].convert("CMYK"), "JPEG")]
    moving = encoded(images[1], "PNG", save_all=True, append_images=[images[1].rotate(90)])
    return [*saved, moving, png_of(100_000, 100_000), png_of(9000, 9000), png_of(2**31 - 1, 1)]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def zip_of(content: Files) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, body in content.items():
            zipped.writestr(name, body)
    return buffer.getvalue()


READERS: dict[str, Callable[[Path, np.random.Generator], Reader]] = {
    "tables": tables_reader,
    "pixels": pixels_reader,
    "params.yaml": params_reader,
    "archives": archives_reader,
    "image archives": image_archives_reader,
    "images": images_reader,
}
