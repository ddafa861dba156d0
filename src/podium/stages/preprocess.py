"""Stage preprocess: raw files become a dataset with folds that never change."""

from podium.config import load_config
from podium.config.features import FeatureError
from podium.config.load import ConfigError
from podium.data import kinds
from podium.io import files, paths
from podium.io.errors import KeyedError, PodiumError, SettingError
from podium.io.usercode.errors import UserCodeError
from podium.runtime.console import console
from podium.stages.named_columns import feature_failures, placed, raw_table, unknown_columns


def preprocess(name: str) -> None:
    """Write what models read, and a summary of what was done.

    Raises:
        PodiumError: the raw files don't fit params.yaml; an earlier dataset stays.
    """
    competition = load_config(only=name)[name]
    raw = paths.raw(name)
    if not (raw / files.MANIFEST).is_file():
        raise PodiumError(f"{name}: its files are not there; run 'podium download {name}' first")
    unknown = unknown_columns(competition, raw_table(competition))
    if unknown:
        raise ConfigError(unknown)
    manifest = files.read_json(raw / files.MANIFEST)
    with files.publish(paths.processed(name)) as folder:
        try:
            done = kinds.of(competition).prepare(raw, competition, manifest, folder)
        except (SettingError, ConfigError, UserCodeError):
            raise
        except FeatureError as error:
            others = feature_failures(competition, raw_table(competition))
            raise ConfigError(others or [placed(competition, error)]) from None
        except KeyedError as error:
            raise SettingError((name, *error.keys), error.message) from None
        except PodiumError as error:
            raise PodiumError(f"{name}: {error}") from None
    console().print(f"{name}  {done}; what was done: {paths.processed(name) / 'summary.csv'}")
