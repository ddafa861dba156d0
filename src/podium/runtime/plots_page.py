"""The page of ``dvc plots``: Vega's code is in it, so that it needs no network.

DVC's own page loads three scripts from the network. Its setting ``plots.html_template`` names
another page. That has 1 MB, so it is made here rather than committed, beside the file with the
settings of this clone alone: a clone without the one has not got the other, and shows DVC's page.
"""

from pathlib import Path

from podium.io import files
from podium.io.vega import bundle

DVC = Path(".dvc")
PAGE, LOCAL = DVC / "page.html", DVC / "config.local"
SETTING = "html_template"
_SECTION = "[plots]"


def make() -> bool:
    """Write page and setting where they are missing; returns whether one was.

    A page that a person has set is left alone.
    """
    if not (DVC / "config").is_file():
        return False
    is_set = [SETTING in path.read_text(encoding="utf-8") for path in _settings()]
    if any(is_set) and not _is_ours():
        return False
    if any(is_set) and PAGE.is_file():
        return False
    files.write_text(PAGE, _HTML.replace("{bundle}", bundle()))
    if not any(is_set):
        files.write_text(LOCAL, _with_setting())
    return True


def _settings() -> list[Path]:
    return [path for path in (DVC / "config", LOCAL) if path.is_file()]


def _is_ours() -> bool:
    """Whether the page that is set is the one that is made here."""
    return LOCAL.is_file() and _line() in LOCAL.read_text(encoding="utf-8").splitlines()


def _line() -> str:
    return f"    {SETTING} = {PAGE.name}"


def _with_setting() -> str:
    """The settings of this clone, with the page."""
    text = LOCAL.read_text(encoding="utf-8") if LOCAL.is_file() else ""
    if _SECTION in text.splitlines():
        return text.replace(_SECTION, f"{_SECTION}\n{_line()}", 1)
    return f"{text.rstrip()}\n{_SECTION}\n{_line()}\n".lstrip()


_HTML = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>dvc plots</title>
{refresh_tag}
<script>{bundle}</script>
<script>
  // Specs name an older Vega-Lite, which this one reads. No menu entry opens another site.
  const embed = window.vegaEmbed;
  window.vegaEmbed = (element, spec) => {
    delete spec.$schema;
    spec.config = {
      font: "system-ui, sans-serif",
      axis: {labelFontSize: 11, titleFontSize: 12, titleFontWeight: 500, gridColor: "#e6e8ec"},
      legend: {labelFontSize: 11, titleFontSize: 11, titleFontWeight: 500, orient: "bottom"},
      title: {fontSize: 14, fontWeight: 600, anchor: "start", offset: 8},
      view: {stroke: null},
      ...spec.config,
    };
    const actions = {export: true, source: false, compiled: false, editor: false};
    const logLevel = 1;  // Errors.
    return embed(element, spec, {actions, logLevel}).catch(error => {
      document.querySelector(element).append(String(error));
    });
  };
</script>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; color: #1b2733; }
  body { margin: 1.5rem auto; max-width: 84rem; padding: 0 1rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
  p { margin: 0 0 1rem; color: #4a5663; }
  main { display: grid; grid-template-columns: repeat(auto-fill, minmax(24.5rem, 1fr)); }
  main { gap: 1.5rem 1rem; }
  main > div { overflow-x: auto; }
  main img { max-width: 100%; }
  @media (max-width: 26rem) { main { grid-template-columns: 100%; } }
</style>
</head>
<body>
<h1>dvc plots</h1>
<p>Each colour is a revision. Solid: validation; dashed: training.</p>
<main>
{plot_divs}
</main>
</body>
</html>
"""
