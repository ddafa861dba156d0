"""Stage download: raw files from their source into ``data/raw/<competition>/``."""

from podium.config import load_config
from podium.config.providers import PROVIDERS, is_sample
from podium.data import kinds
from podium.data.sample_submission import make_sample
from podium.data.sources import fetch
from podium.io import files, paths
from podium.io.errors import PodiumError, SettingError
from podium.runtime.console import console


def download(name: str) -> None:
    """Fetch, check, and only then replace the raw files.

    Raises:
        PodiumError: the files can't be had or are not what they should be; the earlier ones stay.
    """
    competition = load_config(only=name)[name]
    provider = competition.source.provider
    with files.publish(paths.raw(name)) as folder:
        facts = fetch(competition, folder)
        try:
            make_sample(folder, competition)
            found = kinds.of(competition).check_raw(folder, competition)
        except SettingError:
            raise
        except PodiumError as error:
            by_path = PROVIDERS[provider].needs == "path"
            where = competition.source.path if by_path else provider
            raise PodiumError(f"{name}: {where}: {error}") from None
        manifest = files.manifest_of(
            folder, provider=provider, slug=competition.source.slug, **facts
        )
        files.write_json(folder / files.MANIFEST, manifest)
    console().print(f"{name}  {found} from {provider}{_warning(provider, facts['synthetic'])}")


def _warning(provider: str, synthetic: bool) -> str:
    if not is_sample(provider):
        return ""
    return f"  {'SYNTHETIC sample' if synthetic else 'sample'} data, not Kaggle's"
