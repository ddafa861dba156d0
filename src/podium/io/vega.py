"""The plotting code of Vega (JavaScript, about 1 MB), to be put into pages that use no network."""

import os
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from podium.io import files

# What a page calls: ``vegaEmbed(element, spec, options)``.
_GLOBAL = "window.vegaEmbed = vegaEmbed;"


@cache
def bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script for a ``<script>`` element.

    To put it together takes seconds, so it is kept in the user's cache folder, by the version of
    the package that has it.
    """
    path = _cache() / f"vega-{version('vl-convert-python')}.js"
    with suppress(OSError):
        return path.read_text(encoding="utf-8")
    import vl_convert

    # A script element ends at the first of these, also inside of a string.
    text = vl_convert.javascript_bundle(_GLOBAL).replace("</script", "<\\/script")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_text(path, text)
    return text


def _cache() -> Path:
    """The user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podium"
