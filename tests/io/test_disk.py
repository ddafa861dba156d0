"""What is said of a disk that is full, or may not be written."""

import errno

import pytest

from podium.io import disk


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left", "a.csv"), "a.csv: No space left; free space"),
        (OSError("Error writing. Detail: [errno 28] No space"), "No space; free space"),
        (OSError(errno.EROFS, "Read-only", "a"), "a: Read-only; make it writable"),
        (OSError(errno.EIO, "Input/output error", "a"), "check permissions and free space"),
    ],
)
def test_what_is_said_of_a_disk(error, advice):
    assert advice in disk.describe(error)
