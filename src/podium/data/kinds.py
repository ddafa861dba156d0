"""The kinds of competition: how the raw files of each become a dataset."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.config import Competition

if TYPE_CHECKING:
    import pandas as pd

    from podium.data.dataset import Dataset

# By kind and step ``module:function``, imported when used: a stage of tables needs no code of
# images, and so doesn't depend on it.
KINDS = {
    "tabular": {
        "check_raw": "podium.data.tabular.read:check_raw",
        "prepare": "podium.data.tabular.prepare:prepare",
        "read": "podium.data.tabular.dataset:read_dataset",
        "sample": "podium.data.tabular.samples:sample_rows",
    },
    "image": {
        "check_raw": "podium.data.images.check:check_raw",
        "prepare": "podium.data.images.prepare:prepare",
        "read": "podium.data.images.dataset:read_dataset",
        "sample": "podium.data.images.samples:sample_images",
    },
}


@dataclass(frozen=True)
class Kind:
    """The functions that differ between tables and images.

    All raise ``PodiumError`` for invalid data.
    """

    name: str

    # The functions take the competition class of their kind.
    @property
    def check_raw(self) -> Callable[[Path, Any], str]:
        """Reads and checks the raw files; returns a short description."""
        return self._step("check_raw")

    @property
    def prepare(self) -> Callable[..., str]:
        """Writes the dataset from raw folder, competition and manifest into a folder.

        A second folder gets what is fitted on all rows.
        """
        return self._step("prepare")

    @property
    def read(self) -> "Callable[[Path], Dataset]":
        """Reads back what ``prepare`` wrote."""
        return self._step("read")

    @property
    def sample(self) -> "Callable[[Any], tuple[pd.DataFrame, pd.DataFrame]]":
        """Features of some rows of train and of test, for a look at how the two differ."""
        return self._step("sample")

    def _step(self, step: str) -> Callable[..., Any]:
        module, _, function = KINDS[self.name][step].partition(":")
        return getattr(import_module(module), function)


def of(competition: Competition) -> Kind:
    """The kind of a competition."""
    return Kind(competition.kind)
