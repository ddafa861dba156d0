"""A model whose predictions were made elsewhere: ``{model: file, oof: <path>, test: <path>}``."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from podium.config.block import ModelParams, Name, as_text
from podium.config.folds import FoldScheme

FILE = "file"
# The detail of a model that says whether its file has folds, which are then
# those of here: 1, else 0.
CHECKED = "folds_checked"
FORMATS = (".csv", ".parquet")


def _table(path: str) -> str:
    if PurePath(path).suffix.lower() not in FORMATS:
        raise ValueError("the path of a .csv or .parquet file")
    return path


TablePath = Annotated[Name, AfterValidator(_table)]


class ExternalParams(ModelParams):
    """Predictions of a notebook or another framework, read from two files.

    ``oof`` has an out-of-fold prediction for each training row, ``test`` one for each test row.
    Paths are relative to the project's folder. ``columns``: what a column holds where its name
    doesn't tell: a class, or a target.
    """

    oof: TablePath
    test: TablePath
    columns: Annotated[Mapping[str, Name], BeforeValidator(as_text)] = {}

    @property
    def files(self) -> dict[str, str]:
        """The files that are read, by their keys."""
        return {"oof": self.oof, "test": self.test}

    def idle(self, task: str, scheme: FoldScheme) -> Mapping[str, str]:
        """Nothing is drawn."""
        return {"seed": "for predictions from files"}
