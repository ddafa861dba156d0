"""Links of documents and notebooks lead somewhere; every page is linked, every picture shown."""

import pytest

from documents import NOTEBOOKS, PAGES, anchors, links, name, text_of
from projects import ROOT

DOCUMENTS = [*PAGES, *NOTEBOOKS]
# Where pictures of documents are.
PICTURES = ("docs/img",)


def broken(path):
    """What is wrong with each link of a document that leads nowhere."""
    for target in links(text_of(path)):
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path
        if not there.exists():
            yield f"{target}: no such file"
        elif anchor and anchor not in anchors(text_of(there)):
            yield f"{target}: no such heading"
        elif not there.is_relative_to(ROOT):
            yield f"{target}: outside the project"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_links_lead_somewhere(path):
    assert list(broken(path)) == []


def test_a_broken_link_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One\n[a](#one) [b](#two) [c](gone.md) ![d](page.md) [e](page.md#one)\n")
    assert [line for line in broken(page) if "no such" in line] == [
        "#two: no such heading",
        "gone.md: no such file",
    ]


def test_every_page_is_linked_from_another():
    linked = {
        (path.parent / target.partition("#")[0]).resolve()
        for path in DOCUMENTS
        for target in links(text_of(path))
        if not target.startswith("#")
    }
    pages = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs")}
    pages.remove(ROOT / "docs/index.md")  # the first page of the site
    assert sorted(map(name, pages - linked)) == []


def test_every_picture_is_shown_and_has_an_alternative_text():
    text = "\n".join(map(text_of, DOCUMENTS))
    for folder in PICTURES:
        for picture in (ROOT / folder).glob("*[gf]"):
            assert picture.name in text, f"no page shows {name(picture)}"
            assert picture.stat().st_size <= 150_000, f"{name(picture)} is too large"
    assert "![](" not in text
