"""Stage download: raw files from their source into ``data/raw/<competition>/``."""

from podium import files, paths
from podium.config import load_config
from podium.errors import PodiumError
from podium.pipeline import require_stages
from podium.sources import fetch
from podium.stages.common import console
from podium.tabular.read import read_raw


def download(name: str) -> None:
    """Fetch, check, and only then replace the raw files.

    Raises:
        PodiumError: the files can't be had or are not what they should be; the earlier ones stay.
    """
    competition = load_config(only=name)[name]
    require_stages(name)
    provider = competition.source.provider
    with files.publish(paths.raw(name)) as folder:
        facts = fetch(competition, folder)
        try:
            tables = read_raw(folder, competition)
        except PodiumError as error:
            where = competition.source.path if provider == "local" else provider
            raise PodiumError(f"{name}: {where}: {error}") from None
        manifest = files.manifest_of(
            folder, provider=provider, slug=competition.source.slug, **facts
        )
        files.write_json(folder / files.MANIFEST, manifest)
    synthetic = "  SYNTHETIC sample data, not Kaggle's" if facts["synthetic"] else ""
    console().print(
        f"{name}  {len(tables.train)} training rows, {len(tables.test)} test rows "
        f"from {provider}{synthetic}"
    )
