"""The page in a real browser: nothing is loaded, nothing fails, all can read it."""

import re

import pytest

from browser import fresh_browser, overflow, violations
from projects import DIGITS, HOUSES

TWO = "two"
MOST_BYTES = 3_000_000
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
# Cells of a column of the first table, as they are seen.
CELLS = "[...document.querySelector('main tbody').rows].map(row => row.cells[{}].innerText)"
OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
COUNT = "document.querySelectorAll('{}').length"
SECTIONS = ("leaderboard", "data", "folds", "predictions", "errors", "models", "preprocessing")

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module", params=[HOUSES, DIGITS, TWO])
def browser(request, pages):
    """A page of a browser, the file to open there, and what the console says."""
    path = pages[request.param]
    assert path.stat().st_size <= MOST_BYTES
    with fresh_browser(offline=True) as (page, troubles):
        said = []
        page.on("console", lambda message: said.append(message.text))
        yield page, path, said
        assert troubles == []


@pytest.fixture
def opened(browser):
    """The page, opened anew in a window like a desk's, with all that is not folded drawn."""
    page, path, said = browser
    page.emulate_media(media="screen")
    page.set_viewport_size(DESK)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    return page, said


def test_the_page_draws_all_loads_nothing_and_is_accessible(opened):
    page, said = opened
    assert said == []
    drawings = page.locator(".drawing:visible")
    assert drawings.count() == page.locator(".drawing:visible svg.marks").count() > 5
    missing = "[...document.images].filter(one => !one.complete || !one.naturalWidth).length"
    assert page.evaluate(missing) == 0
    for label in page.eval_on_selector_all(".drawing", "all => all.map(one => one.ariaLabel)"):
        assert re.search(r"\d", label), label
        assert label.endswith("."), label
    # What is folded is drawn when it is opened.
    page.evaluate(OPEN_ALL)
    page.wait_for_function(f"{COUNT.format('.drawing')} == {COUNT.format('svg.marks')}")
    assert violations(page) == []


def test_a_phone_needs_no_scrolling_sideways_and_no_glasses(opened):
    page, _ = opened
    page.set_viewport_size(PHONE)
    page.reload()
    page.wait_for_selector("html[data-drawn]", state="attached", timeout=60_000)
    page.evaluate(OPEN_ALL)
    assert overflow(page) == 0
    smallest = page.evaluate(
        "Math.min(...[...document.querySelectorAll('body *')].filter(one => one.checkVisibility()"
        " && [...one.childNodes].some(node => node.nodeType == 3 && node.data.trim()))"
        ".map(one => parseFloat(getComputedStyle(one).fontSize)))"
    )
    assert smallest >= 12


def test_every_link_leads_to_a_place_and_headings_are_in_order(opened):
    page, _ = opened
    links = page.eval_on_selector_all("a[href^='#']", "all => all.map(one => one.hash.slice(1))")
    places = set(page.eval_on_selector_all("[id]", "all => all.map(one => one.id)"))
    assert set(links) <= places
    assert any(link.startswith("model-") for link in links)
    assert page.locator("h1").count() == page.locator("main").count() == 1


def test_tables_are_sorted_by_a_click_on_a_heading(opened):
    page, _ = opened
    heading = page.locator("main table").first.locator("th button", has_text="fit")
    place = heading.evaluate("button => button.closest('th').cellIndex")
    before = page.evaluate(CELLS.format(0))
    heading.click()
    assert heading.evaluate("button => button.closest('th').ariaSort") == "ascending"
    shown = [float(text) for text in page.evaluate(CELLS.format(place)) if text]
    assert shown == sorted(shown)
    heading.click()
    assert [float(text) for text in page.evaluate(CELLS.format(place)) if text] == shown[::-1]
    assert page.evaluate(CELLS.format(place))[-1] == ""
    page.locator("main table").first.locator("th button", has_text="CV").click()
    assert page.evaluate(CELLS.format(0)) == before


def test_print_hides_navigation_alone_and_folded_parts_stay_folded(opened):
    page, _ = opened
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert page.locator("main section:visible").count() == page.locator("main section").count()
    assert page.locator(".drawing:visible svg.marks").count() > 5
    assert page.locator("details[open]").count() == 0


def test_the_page_says_what_each_kind_has(pages):
    text = {name: path.read_text() for name, path in pages.items()}
    for name in (HOUSES, DIGITS, TWO):
        for section in (
            "leaderboard",
            "submit",
            "data",
            "folds",
            "predictions",
            "errors",
            "models",
        ):
            assert f'id="{section}"' in text[name] or (name, section) == (TWO, "submit")
    assert "Scores by target" in text[TWO]
    assert "Folds in time" in text[TWO]
    assert "rows are never validated" in text[TWO]
    assert "kind &lt;b&gt;" in text[TWO]
    assert text[DIGITS].count('src="data:image/png') == 25
    assert "Residual" not in text[DIGITS]
    assert "ROC curve" not in text[HOUSES]


def test_a_chart_says_its_values_under_the_mouse(opened):
    page, said = opened
    point = page.locator("#leaderboard svg.marks .mark-symbol path").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    page.wait_for_selector("#vg-tooltip-element.visible")
    assert "model" in page.locator("#vg-tooltip-element").inner_text()
    assert violations(page) == []
    assert said == []
