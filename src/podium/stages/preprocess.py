"""Stage preprocess: raw files become a dataset with folds that never change."""

from pathlib import Path

from podium.config import Competition, load_config
from podium.config.features import FeatureError
from podium.config.load import ConfigError
from podium.data import kinds
from podium.io import files, paths
from podium.io.errors import KeyedError, PodiumError, SettingError
from podium.io.usercode.errors import UserCodeError
from podium.runtime.console import console
from podium.stages.named_columns import feature_failures, placed, raw_table, unknown_columns

NO_REFIT = "No model of a table asks for what is fitted on all rows (test: refit or both).\n"


def preprocess(name: str) -> None:
    """Write what models read, and a summary of what was done.

    Raises:
        PodiumError: the raw files don't fit params.yaml; an earlier dataset stays.
    """
    competition = load_config(only=name)[name]
    require_raw(name)
    unknown = unknown_columns(competition, raw_table(competition))
    if unknown:
        raise ConfigError(unknown)
    with files.publish(paths.processed(name)) as folder, files.publish(paths.refit(name)) as whole:
        done = prepare(competition, folder, whole)
        if not any(whole.iterdir()):
            files.write_text(whole / "about.txt", NO_REFIT)
    console().print(f"{name}  {done}; what was done: {paths.processed(name) / 'summary.csv'}")


def require_raw(name: str) -> None:
    """Check that a competition's raw files are there.

    Raises:
        PodiumError: the download stage has not run.
    """
    if not (paths.raw(name) / files.MANIFEST).is_file():
        raise PodiumError(f"{name}: its files are not there; run 'podium download {name}' first")


def prepare(competition: Competition, folder: Path, whole: Path | None = None) -> str:
    """Write what models read into a folder; returns what was done in short.

    What is fitted on all rows, if a model asks for it, goes into the folder ``whole``.

    Raises:
        PodiumError: the raw files don't fit params.yaml.
    """
    name, raw = competition.name, paths.raw(competition.name)
    manifest = files.read_json(raw / files.MANIFEST)
    try:
        return kinds.of(competition).prepare(raw, competition, manifest, folder, whole)
    except (SettingError, ConfigError, UserCodeError):
        raise
    except FeatureError as error:
        others = feature_failures(competition, raw_table(competition))
        raise ConfigError(others or [placed(competition, error)]) from None
    except KeyedError as error:
        raise SettingError((name, *error.keys), error.message) from None
    except PodiumError as error:
        raise PodiumError(f"{name}: {error}") from None
