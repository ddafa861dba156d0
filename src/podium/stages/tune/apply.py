"""``--apply``: the best values go to params.yaml; every other byte of it stays as it is."""

import difflib
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node

from podium.config import load_config
from podium.config.document import read_document
from podium.config.load import PARAMS, located
from podium.io import files
from podium.io.errors import PodiumError

BACKUPS = Path(".podium/params")


def apply(block: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Write knobs into a block of params.yaml; returns the diff, and how to undo it, as lines.

    Args:
        block: the keys of the block: competition, ``models``, model.
        values: the knobs that change.

    Raises:
        PodiumError: the file can't take them without a change elsewhere; it is as it was.
    """
    path = Path(PARAMS)
    before = path.read_bytes().decode("utf-8")
    after = before
    for knob, value in values.items():
        after = _with_value(after, block, knob, _as_yaml(value))
    _check(path, before, after, block, values)
    undo = _undo(path, before)
    files.write_text(path, after)
    diff = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"{path} before", str(path), lineterm="", n=1
    )
    return [*diff, f"undo: {undo}"]


def _as_yaml(value: Any) -> str:
    """A value on one line; numbers as YAML reads them."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", value) and value.lower() not in _WORDS
        return value if plain else json.dumps(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_as_yaml, value))}]"
    if isinstance(value, float):
        text = repr(value)
        # YAML 1.2 reads 1e-05 as text: a number needs a point there.
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    return json.dumps(value)


# What YAML reads as something else than text.
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def _with_value(text: str, block: Sequence[str], knob: str, value: str) -> str:
    """The text with a knob of a block set, or added at the end of the block."""
    at = len(text) - len(text.lstrip("\ufeff"))
    node: Node = YAML(typ="rt", pure=True).compose(StringIO(text[at:]))
    name = node
    for key in block:
        name, node = _child(node, key)
    found = {key.value: inner for key, inner in node.value} if isinstance(node, MappingNode) else {}
    if knob in found:
        start, end = _span(found[knob])
        return text[: at + start] + value + text[at + end :]
    return _added(text, at, name, node, f"{knob}: {value}")


def _child(node: Node, key: str) -> tuple[Node, Node]:
    """A key's node, and its value's."""
    assert isinstance(node, MappingNode)
    return next((name, inner) for name, inner in node.value if name.value == key)


def _span(node: Node) -> tuple[int, int]:
    """Where a value's text begins and ends, without the comments that follow it."""
    start = node.start_mark.index
    if not isinstance(node, CollectionNode) or node.flow_style or not node.value:
        return start, node.end_mark.index
    last = node.value[-1]
    return start, _span(last[1] if isinstance(last, tuple) else last)[1]


def _added(text: str, at: int, name: Node, node: Node, entry: str) -> str:
    """The text with one more key in a block, written as the block is."""
    start, end = (at + place for place in _span(node))
    if not isinstance(node, MappingNode):
        # ``ridge:`` with nothing behind it, or ``null``.
        colon = text.index(":", at + name.end_mark.index) + 1
        rest = text[end:] if node.value else text[colon:]
        return f"{text[:colon]} {{{entry}}}{rest}"
    if node.flow_style:
        inside = text[start + 1 : end - 1].rstrip()
        comma = ", " if inside.strip() else ""
        place = start + 1 + len(inside)
        return f"{text[:place]}{comma}{entry}{text[place:]}"
    # A line of its own, behind the last value's line and its comment.
    line_end = text.find("\n", end)
    place = len(text) if line_end < 0 else line_end
    new_line = "\r\n" if "\r\n" in text else "\n"
    if new_line == "\r\n" and text[place - 1 : place] == "\r":
        place -= 1
    return f"{text[:place]}{new_line}{' ' * node.start_mark.column}{entry}{text[place:]}"


def _check(
    path: Path, before: str, after: str, block: Sequence[str], values: Mapping[str, Any]
) -> None:
    """Read the new text before it replaces the old one: these values changed, and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / path.name
        files.write_text(new, after)
        try:
            load_config(new)
            changed = _plain(read_document(new))
        except PodiumError:
            changed = None
    expected = _plain(read_document(path))
    inner = expected
    for key in block[:-1]:
        inner = inner[key]
    inner[block[-1]] = {**(inner[block[-1]] or {}), **values}
    if changed != expected:
        by_hand = ", ".join(f"{knob}: {_as_yaml(value)}" for knob, value in values.items())
        raise PodiumError(
            located(tuple(block), f"can't be edited without a change elsewhere; write {by_hand}")
        )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _undo(path: Path, before: str) -> str:
    """The command that puts the old text back: git has it, or a copy is made."""
    command = ["git", "--no-optional-locks", "diff", "--quiet", "HEAD", "--", str(path)]
    tracked = ["git", "ls-files", "--error-unmatch", str(path)]
    try:
        codes = [
            subprocess.run(own, capture_output=True, timeout=30).returncode
            for own in (tracked, command)
        ]
    except (OSError, subprocess.TimeoutExpired):
        codes = [1]
    if not any(codes):
        return f"git checkout {path}"
    copy = BACKUPS / f"{path.name}.{time.strftime('%Y%m%d-%H%M%S')}"
    files.write_text(copy, before)
    return f"cp {copy} {path}"
