"""What the site has beside docs/: notebooks as pages, and the project's files that pages link to.

MkDocs calls these functions (``hooks`` of mkdocs.yml). Links in docs/ are written for the project's
folder, where they lead to ``../notebooks/...``; here they are changed to the site's paths.
"""

import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# Pages that are not in docs/, where they exist.
PAGES = ("CONTRIBUTING.md", "CHANGELOG.md")
OUTSIDE = re.compile(r"\]\(\.\./([^)#\s]+)")
# A link whose text is the name of the page's file: [models.md](models.md#ridge).
NAMED_AS_FILE = re.compile(r"\[([\w-]+\.md)\]\(\1")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """List the notebooks in the navigation."""
    sections = [
        entry for group in config.nav or [] for entries in group.values() for entry in entries
    ]
    (section,) = [entry for entry in sections if isinstance(entry, dict) and "Notebooks" in entry]
    section["Notebooks"] = [uri(path) for path in notebooks()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add notebooks, pages of the project's folder, and other files that pages link to."""
    for path in notebooks():
        files.append(File.generated(config, uri(path), content=notebook_as_markdown(path)))
    for name in PAGES:
        if (ROOT / name).is_file():
            text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
            files.append(File.generated(config, name, content=text))
    for name in linked_files():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links as they are on the site."""
    if page.file.src_uri.startswith("notebooks/"):
        return markdown.replace("](../docs/", "](../").replace(".ipynb)", ".md)")
    text = OUTSIDE.sub(lambda found: "](" + re.sub(r"\.ipynb$", ".md", found[1]), markdown)
    return NAMED_AS_FILE.sub(lambda found: f"[{title(found[1])}]({found[1]}", text)


def title(name: str) -> str:
    """What a link is called that the text calls by a page's file."""
    path = ROOT / "docs" / name
    first = path.read_text(encoding="utf-8").partition("\n")[0] if path.is_file() else ""
    return first.removeprefix("# ") or name


def notebooks() -> list[Path]:
    """All of them, in order."""
    return sorted(ROOT.glob("notebooks/*.ipynb"))


def uri(notebook: Path) -> str:
    """The site's page of a notebook."""
    return notebook.relative_to(ROOT).with_suffix(".md").as_posix()


def linked_files() -> set[str]:
    """Files outside docs/ that pages link to and that are no pages of the site."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("docs/*.md"))
    names = {name for name in OUTSIDE.findall(text) if not name.endswith((".ipynb", ".md"))}
    return {name for name in names if (ROOT / name).is_file()}


def notebook_as_markdown(path: Path) -> str:
    """The cells of a notebook, code in blocks; it is stored without output."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    parts = [_cell(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    run = f"Run it with `.venv` as its Python: `{path.relative_to(ROOT).as_posix()}`."
    return "\n\n".join([*parts[:1], run, *parts[1:]]) + "\n"


def _cell(kind: str, source: str) -> str:
    return f"```python\n{source}\n```" if kind == "code" else source
