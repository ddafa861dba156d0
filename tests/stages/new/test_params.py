"""The list of competitions is extended in whatever style it is written."""

from pathlib import Path

import pytest

from podium.config import load_config
from podium.io.errors import PodiumError
from podium.stages.new import params
from projects import HOUSES, ROOT

PARAMS = Path("params.yaml")
LISTED = f"competitions: [{HOUSES}]"
STYLES = [
    LISTED,
    f"competitions: [ {HOUSES} ]   # which",
    f"competitions: ['{HOUSES}',\n  digit-recognizer,  # images\n]",
    f"competitions:\n- {HOUSES}",
    f"competitions:\n  - {HOUSES}   # first\n  - digit-recognizer  # second\n  # end",
]


@pytest.fixture
def block(project):
    """The text of another valid block, and params.yaml with its list in some style."""
    text = (ROOT / "params.yaml").read_text()
    start = text.index(f"\n{HOUSES}:\n") + 1
    own = text[start : text.index("\ndigit-recognizer:")].replace(HOUSES, "second", 1)
    (listed,) = [line for line in text.splitlines() if line.startswith("competitions:")]
    return own, lambda style: text.replace(listed, style, 1)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_style_of_the_list(style, end, block):
    own, styled = block
    before = styled(style).replace("\n", end)
    PARAMS.write_bytes(before.encode())
    listed = load_config().competitions
    params.add("second", own)
    after = PARAMS.read_bytes().decode()
    assert load_config().competitions == [*listed, "second"]
    # What was there is there, apart from one insertion and what follows.
    insertions = (", second", f"{end}- second", f"{end}  - second")
    assert any(after.replace(one, "", 1).startswith(before) for one in insertions)
    assert after.count("\r\n") == (after.count("\n") if end == "\r\n" else 0)


def test_no_line_break_at_the_end(block):
    own, styled = block
    PARAMS.write_text(styled(LISTED).rstrip("\n"))
    params.add("second", own)
    assert "second" in load_config().blocks


def test_a_block_that_would_not_be_valid_is_not_written(block):
    own, styled = block
    PARAMS.write_text(styled(LISTED))
    with pytest.raises(PodiumError, match="would not be valid"):
        params.add("second", own.replace("task: regression", "task: guessing"))
    assert PARAMS.read_text() == styled(LISTED)
