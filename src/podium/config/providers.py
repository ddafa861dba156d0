"""Where raw files may come from: one row a provider, with all that the rest asks about it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    """A row of the table of providers.

    ``fetch`` is the function that brings the files, as ``module:function``: it is imported when it
    is called. ``needs`` is the key of ``source`` that it can't do without: ``slug`` or ``path``.
    ``kinds`` are the kinds of competition that it has. ``image_files`` says whether it may hold
    images as files (with ``source.files.labels``), and not only as pixels in a csv. ``is_sample``:
    its files come with Podium and are not the competition's, so no score says anything there.
    ``has_extra``: it brings files beside the usual ones (``source.files.extra``).
    """

    fetch: str
    needs: str = "slug"
    kinds: tuple[str, ...] = ("tabular", "image")
    image_files: bool = True
    is_sample: bool = False
    has_extra: bool = False


PROVIDERS: dict[str, Provider] = {
    "sample": Provider("podium.data.sources.sample:fetch", image_files=False, is_sample=True),
    "mirror": Provider("podium.data.sources.mirror:fetch", kinds=("tabular",)),
    "kaggle": Provider("podium.data.sources.kaggle:fetch", has_extra=True),
    "local": Provider("podium.data.sources.local:fetch", needs="path", has_extra=True),
}


def providers_of(kind: str) -> dict[str, Provider]:
    """The providers that have competitions of a kind, in the order of the table."""
    return {name: one for name, one in PROVIDERS.items() if kind in one.kinds}


def real_providers(kind: str) -> list[str]:
    """The names of those of a kind whose files are the competition's own."""
    return [name for name, one in providers_of(kind).items() if not one.is_sample]


def is_sample(provider: str | None) -> bool:
    """Whether files of this provider (as a manifest or a run names it) are a sample."""
    return provider in PROVIDERS and PROVIDERS[provider].is_sample
