"""Download and preprocessing of many image files: seconds, CPU and peak memory by their number.

    python benchmarks/many_images.py [--images 5000 20000 100000] [--size 64]

The files are PNGs of smooth colours and noise in one zip; a tenth as many are test images.
"""

import argparse
import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from common import DIGITS, edit, machine, project, timed
from scale import measure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="+", default=[5_000, 20_000, 100_000])
    parser.add_argument("--size", type=int, default=64)
    options = parser.parse_args()
    print(machine(), flush=True)
    for count in options.images:
        with project({"provider": "sample"}, DIGITS) as root:
            write(root / "files", count, options.size)
            source = {"provider": "local", "path": "files", "files": FILES}
            edit(root, lambda params: params[DIGITS]["source"].update(source))  # noqa: B023
            edit(root, lambda params: params[DIGITS].update(id="id", target="label"))
            timed(root, "podium", "sync")
            for stage in ("download", "preprocess"):
                found = measure(root, stage, name=DIGITS)
                print(f"{count:>7,} images  {found}", flush=True)


FILES = {
    "train": "train.zip",
    "test": "test.zip",
    "labels": "labels.csv",
    "sample_submission": "sample_submission.csv",
}


def write(folder: Path, count: int, size: int) -> None:
    """Two zips of PNGs, labels and a sample submission."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for name, first, rows in (("train", 0, count), ("test", count, count // 10)):
        table = "labels" if name == "train" else "sample_submission"
        with (
            zipfile.ZipFile(folder / f"{name}.zip", "w") as zipped,
            (folder / f"{table}.csv").open("w") as lines,
        ):
            lines.write("id,label\n")
            for place in range(first, first + rows):
                label = int(random.integers(10))
                zipped.writestr(f"{place}.png", picture(random, label, size))
                lines.write(f"{place},{label}\n")


def picture(random: np.random.Generator, label: int, size: int) -> bytes:
    """A PNG whose colours say a little about its label."""
    pixels = random.integers(0, 64, (size, size, 3), dtype=np.uint8)
    pixels[:, : size * (label + 1) // 10] += np.uint8(100)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


if __name__ == "__main__":
    main()
