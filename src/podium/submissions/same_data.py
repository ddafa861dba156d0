"""Whether the submission was made from the data that are on disk now, and not from a sample.

What made the file decides, not what lies on disk: the file's MLflow run names its data. A file
without a run is taken for one of the last blend, whose data DVC's lock file names.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from podium.config import Competition
from podium.config.providers import is_sample, real_providers
from podium.data.dataset import Schema
from podium.io import files, paths
from podium.io.errors import PodiumError
from podium.io.text import either
from podium.submissions.runs import Origin

DVC_LOCK = Path("dvc.lock")


def stop_if_other_data(
    competition: Competition, schema: Schema, path: Path, origin: Origin
) -> None:
    """Refuse a file of a sample, or of other data than the processed ones.

    Args:
        competition: whose submission it is.
        schema: of the processed data.
        path: the submission.
        origin: the run that made it, empty if there is none.

    Raises:
        PodiumError: it is one of these.
    """
    if origin.data_sha256:
        provider, other = origin.provider, origin.data_sha256 != schema.data_sha256
    else:
        other = _blend_is_of_other_data(competition.name)
        provider = "" if other else schema.provider
    if is_sample(provider):
        raise PodiumError(
            f"{path}: made from Podium's embedded sample, not from the competition's data; "
            f"{_advice(competition)}"
        )
    if other:
        raise PodiumError(
            f"{path}: made from other data than {paths.processed(competition.name)} has now; "
            f"{_advice(competition)}"
        )


def _advice(competition: Competition) -> str:
    if not is_sample(competition.source.provider):
        return "run 'dvc repro'"
    others = either(real_providers(competition.kind))
    return f"set {competition.name}.source.provider to {others}, and run 'dvc repro'"


def _blend_is_of_other_data(name: str) -> bool:
    """Whether DVC knows that the blend on disk was made of other preprocessed data."""
    stage = locked_stage("ensemble", name)
    oof, schema = paths.blend(name) / "oof.parquet", paths.processed(name) / "schema.json"
    if not oof.is_file() or _md5(stage, "outs", oof) != files.md5(oof):
        return False  # DVC's lock file is not about this blend.
    return _md5(stage, "deps", schema) not in ("", files.md5(schema))


def _md5(stage: Mapping[str, Any], part: str, path: Path) -> str:
    """What DVC's lock file has for a file; empty if it has nothing."""
    entries = stage.get(part) or ()
    return next((str(one.get("md5")) for one in entries if one["path"] == path.as_posix()), "")


def locked_stage(stage: str, name: str) -> Mapping[str, Any]:
    """What DVC's lock file has about a competition's stage; empty if it has nothing."""
    if not DVC_LOCK.is_file():
        return {}
    try:
        return dict(YAML(typ="safe", pure=True).load(DVC_LOCK)["stages"][f"{stage}@{name}"])
    except (YAMLError, KeyError, TypeError, ValueError):
        return {}  # DVC has not run the stage yet, or its lock file was cut off by a kill.
