"""Pixels of many images lie in a file, and little of it in memory."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from podium.data.images import spool


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.setattr(spool, "BLOCK", 3)
    made = spool.spooled((10, 4, 5, 3), tmp_path)
    made[:] = np.random.default_rng(0).integers(0, 256, made.shape, dtype=np.uint8)
    return made


def test_a_mapped_file_is_saved_as_numpy_saves_an_array(images: np.ndarray, tmp_path: Path) -> None:
    spool.save(tmp_path / "images.npy", images)
    expected = io.BytesIO()
    np.save(expected, np.array(images))
    assert (tmp_path / "images.npy").read_bytes() == expected.getvalue()
    assert [path.name for path in tmp_path.iterdir()] == ["images.npy"]


def test_pixels_stay_when_their_pages_are_dropped(images: np.ndarray, tmp_path: Path) -> None:
    before = np.array(images)
    assert (np.concatenate(list(spool.blocks(images))) == before).all()
    spool.forget(images)
    assert (images == before).all()
    kept = spool.chosen(images, [9, 0, 4, 5], tmp_path)
    assert (kept == before[[9, 0, 4, 5]]).all()


def test_no_images_need_no_file(tmp_path: Path) -> None:
    assert spool.spooled((0, 4, 4, 3), tmp_path).shape == (0, 4, 4, 3)


PEAK = """
import sys
from pathlib import Path
import numpy as np
from podium.data.images import spool
images = spool.spooled((int(sys.argv[1]), 64, 64, 3), Path(sys.argv[2]))
for start in range(0, len(images), 1024):
    images[start : start + 1024] = 7
    spool.forget(images)
spool.save(Path(sys.argv[2]) / "images.npy", images)
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.deep
def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        command = [sys.executable, "-c", PEAK, str(count), str(tmp_path)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    # 20,000 of these images are 240 MB.
    assert peak(20_000) < peak(3_000) + 60_000
