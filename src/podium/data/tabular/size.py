"""The size of dense matrices, known before they are made."""

from podium.data.tabular.transform import TableTransform
from podium.io.errors import PodiumError
from podium.runtime.resources import memory

# Under ``min_count: auto`` the matrices of training and test rows together take no more (1 GiB):
# the same on every machine, since it decides which levels are kept.
AUTO_BYTES = 2**30
# But so many columns are kept of any number of rows: ridge and networks make a large table's matrix
# a part at a time.
LEAST_FEATURES = 1000
# Matrices may take this share of the memory: a model needs about two more of their size.
SHARE = 0.25
FLOAT = 8


def affordable_features(rows: int) -> int:
    """The columns that ``AUTO_BYTES`` has room for, with ``rows`` rows in all; no fewer than
    ``LEAST_FEATURES``.
    """
    return max(AUTO_BYTES // (FLOAT * max(rows, 1)), LEAST_FEATURES)


def check_fits(transform: TableTransform, rows: int, bytes_per_number: int = FLOAT) -> None:
    """Check that matrices of ``rows`` rows in all take no more than a share of the memory.

    Raises:
        PodiumError: they take more; names the columns that take most.
    """
    size = rows * len(transform.feature_names) * bytes_per_number
    if size <= SHARE * memory():
        return
    fits = sorted(transform.categorical.items(), key=lambda item: -item[1].width)
    widest = ", ".join(f"'{name}' ({fit.width})" for name, fit in fits[:3])
    advice = (
        f"most are levels of {widest}: set preprocess.min_count to auto or higher, or drop them; "
        "ridge, lightgbm and mlp make no such matrix of many rows"
    )
    raise PodiumError(
        f"preprocess: {len(transform.feature_names)} features of {rows} rows take "
        f"{size / 2**30:.1f} GiB, more than {SHARE:.0%} of this machine's memory; "
        + (advice if fits else "drop columns")
    )
