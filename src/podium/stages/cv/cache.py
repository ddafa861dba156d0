"""Where results on other folds are, and when they are still right.

A result's folder is named by a hash of all that can change it, as DVC decides it: the values that
the stage reads, defaults filled in, the source files that it runs, and its data. So a second call
computes what is missing, and an edit of params.yaml that is taken back finds the earlier results.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from podium.config import Competition
from podium.config.names import BLEND
from podium.data.dataset import FOLDS, SCHEMA
from podium.io import files, paths
from podium.stages.closure import Sources
from podium.stages.resolve import SOURCES, dependencies, package_folder

# To be raised when the files of a result change.
FORMAT = 1
KEY_LENGTH = 16
CONTENT = "content.json"
OF_DATA = (SCHEMA, FOLDS, CONTENT)
METRICS = "metrics.json"
OF_MODEL = ("oof.parquet", "test.parquet", METRICS)
OF_BLEND = ("oof.parquet", METRICS)


def project_sources() -> Sources:
    """The sources that results depend on; each is read once."""
    return Sources(SOURCES, package_folder())


@dataclass(frozen=True)
class SeedCache:
    """Results on the folds of one seed: ``competition`` has that seed."""

    competition: Competition
    sources: Sources

    @property
    def folder(self) -> Path:
        """Where all of the seed is."""
        return paths.fold_seeds(self.competition.name) / f"seed{self.seed}"

    @property
    def seed(self) -> int:
        """The seed."""
        return self.competition.folds.seed

    @property
    def data(self) -> Path:
        """Facts of the preprocessed data: schema, folds, a hash of all their files."""
        raw = files.read_json(paths.raw(self.competition.name) / files.MANIFEST)
        return self._folder("data", "preprocess", raw["files"])

    @property
    def has_data(self) -> bool:
        """Whether the data have been preprocessed, so that the keys of models are known."""
        return _has(self.data, OF_DATA)

    def keep_data(self, processed: Path) -> None:
        """Keep the facts of preprocessed data; they themselves are made again when needed."""
        with files.publish(self.data) as folder:
            for name in (SCHEMA, FOLDS):
                shutil.copyfile(processed / name, folder / name)
            files.write_json(folder / CONTENT, files.manifest_of(processed))

    def model(self, name: str) -> Path:
        """The folder of a model's results."""
        return self._folder(name, "train", files.read_json(self.data / CONTENT), name)

    def has_model(self, name: str) -> bool:
        """Whether a model has results."""
        return _has(self.model(name), OF_MODEL)

    @property
    def blend(self) -> Path:
        """The folder of the blend's results."""
        models = [self.model(name).name for name in self.competition.blended]
        return self._folder(BLEND, "ensemble", models)

    @property
    def has_blend(self) -> bool:
        """Whether the blend has results."""
        return _has(self.blend, OF_BLEND)

    def _folder(self, name: str, stage: str, data: Any, model: str | None = None) -> Path:
        wanted = dependencies(self.sources, self.competition, stage, model)
        return self.folder / f"{name}-{_key(wanted, data)}"


def _has(folder: Path, names: tuple[str, ...]) -> bool:
    """Whether all files are there: one by one is how they come."""
    return all((folder / name).is_file() for name in names)


def _key(wanted: Mapping[str, Any], data: Any) -> str:
    text = json.dumps([FORMAT, wanted, data], sort_keys=True)
    return files.digest(text.encode())[:KEY_LENGTH]
