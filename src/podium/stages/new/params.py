"""Adding a block to params.yaml: all that is there stays as it is, byte for byte."""

import re
import tempfile
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import SequenceNode

from podium.config import Config, load_config
from podium.config.document import read_document
from podium.config.load import NAME, NO_COMPETITION, PARAMS, located
from podium.io import files
from podium.io.errors import PodiumError
from podium.io.text import printable
from podium.stages.new.block import is_plain


def check_name(name: str) -> None:
    """Stop unless params.yaml is valid and can take a block of that name.

    Raises:
        PodiumError: it isn't, it has one already, or the name is no name of a competition.
    """
    if not NAME.fullmatch(name):
        raise PodiumError(
            f"'{printable(name)}': a competition's name may hold letters, digits, '-' and '_' only"
        )
    if name in NO_COMPETITION or not is_plain(name):
        raise PodiumError(f"'{name}': means something else in params.yaml; take another name")
    if name in load_config().blocks:
        raise PodiumError(
            located((name,), "there is such a block already; remove it, or take another name")
        )


def add(name: str, block: str) -> Config:
    """Append a block to params.yaml, and list it under ``competitions``; returns all blocks.

    Raises:
        PodiumError: the result would not be valid; the file is as it was.
    """
    path = Path(PARAMS)
    text = path.read_bytes().decode("utf-8")
    end = "\r\n" if "\r\n" in text else "\n"
    body = block.replace("\n", end)
    gap = end if text.endswith("\n") else end * 2
    changed = _listed(text, name, end) + gap + body
    config = _checked(path, changed, name)
    files.write_text(path, changed)
    return config


def _listed(text: str, name: str, end: str) -> str:
    """The text with a name at the end of the list ``competitions``."""
    at = len(text) - len(text.lstrip("\ufeff"))
    root = YAML(typ="rt", pure=True).compose(StringIO(text[at:]))
    node = next(value for key, value in root.value if key.value == "competitions")
    assert isinstance(node, SequenceNode)
    last = node.value[-1]
    place = at + last.end_mark.index
    if node.flow_style:
        return f"{text[:place]}, {name}{text[place:]}"
    place += len(re.match(r"[^\r\n]*", text[place:])[0])  # type: ignore[index]
    indent = " " * node.start_mark.column
    return f"{text[:place]}{end}{indent}- {name}{text[place:]}"


def _checked(path: Path, changed: str, name: str) -> Config:
    """Read the new text as params.yaml, before it replaces the old one."""
    before = read_document(path)
    with tempfile.TemporaryDirectory() as folder:
        new = Path(folder) / path.name
        files.write_text(new, changed)
        try:
            config, after = load_config(new), read_document(new)
        except PodiumError as error:
            what = str(error).removeprefix(f"{new}:")
            raise PodiumError(f"{path}: the new block would not be valid there: {what}") from None
    kept: Any = {key: value for key, value in after.items() if key != name}
    kept["competitions"] = kept["competitions"][:-1]
    if kept != dict(before) or config.competitions != [*before["competitions"], name]:
        raise PodiumError(
            f"{path}: can't be extended without a change elsewhere; write the list 'competitions' "
            "in plain YAML, and nothing after the last block"
        )
    return config
