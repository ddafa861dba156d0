"""A params.yaml that nobody would write: valid or one line an error, and never a long wait."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bad_input import assert_one_line
from podium.config import load_config
from podium.config.document import MAX_VALUES
from podium.config.load import ConfigError
from podium.io.errors import PodiumError
from projects import ROOT

pytestmark = pytest.mark.deep

SHIPPED = (ROOT / "params.yaml").read_text()
COUNT = "count: 5"
SECONDS = 5.0


def laughs(levels: int) -> str:
    """Ten times as many values a line."""
    lines = ["a0: &a0 [" + ", ".join(["x"] * 10) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    return "\n".join(lines)


def added(text: str) -> bytes:
    return f"{SHIPPED}\n{text}\n".encode()


def counted(text: str) -> bytes:
    return SHIPPED.replace(COUNT, f"count: {text}", 1).encode()


def key(text: str) -> bytes:
    return SHIPPED.replace("  metric: rmsle", f"  {text}: x\n  metric: rmsle", 1).encode()


# What params.yaml holds, and what the line says.
ERRORS: dict[str, tuple[bytes, str]] = {
    "a tag that names code": (
        added("x: !!python/object/apply:os.system [touch ran]"),
        "tags such as 'tag:yaml.org,2002:python/object/apply:os.system' mean nothing here",
    ),
    "a tag": (counted("!foo 5"), "tags such as '!foo' mean nothing here; remove it"),
    "a tag of YAML's": (counted("!!int 5"), "mean nothing here; remove it"),
    "anchors that explode": (added(laughs(12)), f"holds more than {MAX_VALUES:,} values, anchors"),
    "merged anchors that explode": (
        added(laughs(12).replace("[", "{k: [").replace("]", "]}")),
        f"holds more than {MAX_VALUES:,} values",
    ),
    "an anchor in itself": (added("a: &a [*a]"), "'*a' is inside '&a' itself"),
    "an anchor merged into itself": (added("a: &a {<<: *a}"), "'*a' is inside '&a' itself"),
    "an anchor that isn't there": (added("a: *b"), "found undefined alias 'b'"),
    "a merge of nothing": (added("a: {<<: 3}"), "expected a mapping or list of mappings"),
    "a YAML of the future": (
        b"%YAML 1.9\n---\n" + SHIPPED.encode(),
        "a %YAML directive names a version",
    ),
    "a key twice": (counted("5, count: 6"), "count: duplicate key; rename or remove one"),
    "a tab": (SHIPPED.replace("  metric", "\tmetric", 1).encode(), "not valid YAML: found char"),
    "a NUL": (added("\0"), "character 0x0 is no text; remove it, or save as UTF-8"),
    "not UTF-8": (added("") + b"\xff", "not UTF-8 text (invalid start byte); save it as UTF-8"),
    "UTF-16": (SHIPPED.encode("utf-16"), "params.yaml:1: not UTF-8 text"),
    "a file of 100 MB": (b"#" * 10**8, "params.yaml: is larger than 256 KiB, which no person"),
    "10,000 lists deep": (added("x: " + "[" * 10**4), "blocks are nested more than 32 deep"),
    "10,000 blocks deep": (added("x:\n  " + "- " * 10**4), "blocks are nested more than 32 deep"),
    "10,000 keys deep": (added("? " * 10**4), "blocks are nested more than 32 deep"),
    "a list": (b"- a\n- b\n", "expected competitions and their blocks, found something else"),
    "a word": (b"word", "expected competitions and their blocks, found something else"),
    "a number": (b"5", "expected competitions and their blocks, found something else"),
    "a number as a block's name": (added("5: {}"), "key 5 is not text; put quotes around it"),
    "a date as a block's name": (added("2026-01-01: {}"), "key 2026-01-01 is not text"),
    "several documents": (added("---\na: 1"), "not valid YAML: but found another document"),
    "a number as key": (key("5"), "key 5 is not text; put quotes around it"),
    "true as key": (key("true"), "key true is not text; put quotes around it"),
    "nothing as key": (key("?"), "house-prices"),
    "a list as key": (key("? [a, b]\n  "), "key that is a list or block is not text"),
    "a block in a block as key": (
        added("? {a: {b: c}}\n: x"),
        "key that is a list or block is not text",
    ),
    "an alias as key": (added("a: &a [b]\n*a : x"), "key that is a list or block is not text"),
    "a key that moves the cursor": (key('"\\e[2J"'), "unknown key '?[2J'"),
    "a date": (counted("2024-01-01"), "count: expected a whole number, found 2024-01-01"),
    "no date": (counted("2024-99-01"), "not a valid date (month must be in 1..12); put quotes"),
    "no digits": (counted("+_"), "not a valid number (string index out of range); put quotes"),
    "a huge number": (counted("9" * 5000), "a number of 5000 digits; write a shorter one"),
    "a huge number in hex": (counted("0x" + "F" * 9000), "a number of 9002 digits"),
    "not a number": (counted(".nan"), "count: expected a whole number, found nan"),
    "infinity": (counted(".inf"), "count: expected a whole number, found inf"),
    "a fraction": (counted("5.0"), "count: expected a whole number, found 5.0"),
    "another YAML": (b"%YAML 9.9\n---\n" + SHIPPED.encode(), "found incompatible YAML document"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_refused_in_one_line_and_soon(case, project, podium):
    content, says = ERRORS[case]
    (project.root / "params.yaml").write_bytes(content)
    started = time.monotonic()
    assert_one_line(podium("check"), says)
    assert time.monotonic() - started < SECONDS
    assert not (project.root / "ran").exists()


def test_where_a_value_is_wrong(project, podium):
    """The line is that of the value, not of the block."""
    for case in ("a tag", "no date", "a huge number", "a key twice"):
        (project.root / "params.yaml").write_bytes(ERRORS[case][0])
        line = next(at for at, text in enumerate(SHIPPED.splitlines(), 1) if COUNT in text)
        assert f"params.yaml:{line}: " in podium("check").err


@pytest.mark.parametrize(
    "content",
    [b"\xef\xbb\xbf" + SHIPPED.encode(), SHIPPED.replace("\n", "\r\n").encode(), added("...")],
)
def test_other_ways_to_write_it(content, tmp_path):
    (tmp_path / "params.yaml").write_bytes(content)
    assert load_config(tmp_path / "params.yaml") == load_config(ROOT / "params.yaml")


def test_anchors_as_a_person_uses_them(tmp_path):
    """One competition is another with a change: the rest is merged."""
    path = tmp_path / "params.yaml"
    text = SHIPPED.replace("\nhouse-prices:\n", "\nhouse-prices: &houses\n", 1)
    path.write_text(text + "\nmore-houses:\n  <<: *houses\n  metric: rmse\n")
    blocks = load_config(path).blocks
    shipped = blocks["house-prices"]
    assert (
        blocks["more-houses"].model_copy(update={"name": shipped.name, "metric": shipped.metric})
        == shipped
    )
    assert blocks["more-houses"].metric != shipped.metric


def test_an_error_in_what_is_merged_has_a_line(tmp_path):
    path = tmp_path / "params.yaml"
    text = SHIPPED.replace("\nhouse-prices:\n", "\nhouse-prices: &houses\n", 1)
    path.write_text(text + "\nmore-houses:\n  <<: *houses\n  metrik: rmse\n")
    last = len(path.read_text().splitlines())
    with pytest.raises(ConfigError, match=f"params.yaml:{last}: more-houses.metrik: unknown key"):
        load_config(path)


@pytest.mark.deep
def test_thousands_of_wrong_names_are_not_compared_with_thousands(project, podium):
    names = [f"competition-number-{index:05}" for index in range(3000)]
    listed = ", ".join(f"{name}x" for name in names)
    blocks = "\n".join(f"{name}: 1" for name in names)
    (project.root / "params.yaml").write_text(f"competitions: [{listed}]\n{blocks}\n")
    started = time.monotonic()
    outcome = podium("check")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) < 100
    assert time.monotonic() - started < 4 * SECONDS


TOKENS = st.sampled_from(
    ["a", "house-prices", "competitions", "kind", "tabular", ": ", "- ", "\n", "\n  ", "{", "}",
     "[", "]", ", ", "&a ", "*a", "<<: ", "!!python/name:os ", "!x ", "? ", "| ", ">\n", "---\n",
     "...", "%YAML 1.1\n", "'", '"', "#", "\t", "\0", "\ufeff", "\x85", "5", "0x1F", "1e999",
     ".nan", "2024-02-30", "~", "true", "@", "`", "\\e"]
)  # fmt: skip
BYTES = st.one_of(
    st.lists(TOKENS, max_size=30).map(lambda parts: "".join(parts).encode()),
    st.binary(max_size=100),
    st.tuples(st.integers(0, len(SHIPPED)), TOKENS).map(
        lambda pair: (SHIPPED[: pair[0]] + pair[1] + SHIPPED[pair[0] :]).encode()
    ),
)


@pytest.mark.deep
@settings(max_examples=200, deadline=None, derandomize=True)
@given(content=BYTES)
def test_any_bytes_are_a_config_or_one_line(content, tmp_path_factory):
    path: Path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_bytes(content)
    try:
        names = list(load_config(path).blocks)
    except PodiumError as error:
        lines = error.lines if isinstance(error, ConfigError) else [str(error)]
        assert all("params.yaml" in line for line in lines)
    else:
        lines = [str(names)]
        assert names == list(load_config(ROOT / "params.yaml").blocks)
    assert all(line.isprintable() for line in lines)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(count=st.integers(2, 10**9), seed=st.integers(0, 2**31))
def test_what_is_written_is_read(count, seed, tmp_path_factory):
    path: Path = tmp_path_factory.getbasetemp() / "round.yaml"
    text = SHIPPED.replace(
        f"{COUNT}, repeats: 1, seed: 0", f"count: {count}, repeats: 1, seed: {seed}", 1
    )
    assert text != SHIPPED or (count, seed) == (5, 0)
    path.write_text(text)
    folds = load_config(path)["house-prices"].folds
    assert (folds.count, folds.seed) == (count, seed)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (
            "source",
            {"slug": "../../home"},
            "source.slug: expected the last part of the competition",
        ),
        ("source", {"slug": "a b"}, "source.slug: expected the last part of the competition"),
        ("folds", {"seed": 2**32}, "folds.seed: expected at most 2147483647"),
    ],
)
def test_values_that_would_hurt_later(key, value, says, project, podium):
    project.edit(lambda params: params["house-prices"][key].update(value))
    outcome = podium("check")
    assert outcome.code == 2
    assert says in outcome.err
