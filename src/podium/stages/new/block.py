"""The text of a block: keys in the usual order, each with its reason as a comment."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from podium.stages.new.draft import Draft

WIDTH = 100
# YAML that needs no quotes, as long as it isn't read as something else than text.
PLAIN = re.compile(r"[A-Za-z0-9_/][A-Za-z0-9_./+-]*( [A-Za-z0-9_./+-]+)*")
# Booleans of YAML 1.1.
OLD_WORDS = ("y", "n", "yes", "no", "on", "off")
DEFAULT_FILES = {
    "train": "train.csv",
    "test": "test.csv",
    "sample_submission": "sample_submission.csv",
}


def block_text(name: str, draft: Draft) -> str:
    """The block of a competition, to be appended to params.yaml."""
    lines = [
        f"{name}:",
        "  # Guessed from the files by 'podium new'; edit what is wrong.",
        *_line(draft, 1, "kind"),
        "  source:",
        *_line(draft, 2, "source.provider"),
        *_line(draft, 2, "source.slug"),
        *_line(draft, 2, "source.path"),
    ]
    files = {key: file for key, file in draft["files"].items() if DEFAULT_FILES.get(key) != file}
    if files:
        lines.append(f"    files: {yaml(files)}")
    for key in ("task", "id", "target", "target_transform", "metric", "folds"):
        lines += _line(draft, 1, key)
    lines += _group(draft, "submission")
    lines += _group(draft, "preprocess") or ["  preprocess: {}"]
    lines += ["  models:", *(f"    {model}: {{}}" for model in draft["models"])]
    lines.append("  ensemble: {method: auto}")
    return "\n".join(lines) + "\n"


def yaml(value: Any) -> str:
    """A value in YAML's flow style, text in quotes where it needs them."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml(key)}: {yaml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(yaml, value)) + "]"
    return str(value) if is_plain(value) else json.dumps(value, ensure_ascii=False)


def is_plain(text: str) -> bool:
    """Whether YAML, old or new, reads this as text without quotes."""
    if not PLAIN.fullmatch(text) or text.lower() in OLD_WORDS:
        return False
    try:
        return bool(YAML(typ="safe", pure=True).load(text) == text)
    except (YAMLError, ValueError):
        return False


def _group(draft: Draft, group: str) -> list[str]:
    """The lines of a block inside the block; none if it has no keys."""
    keys = [key for key in draft.values if key.startswith(f"{group}.")]
    lines = [line for key in keys for line in _line(draft, 2, key)]
    return [f"  {group}:", *lines] if lines else []


def _line(draft: Draft, depth: int, key: str) -> list[str]:
    """A key, its value, and the reason: behind it, or above it where the line gets too long."""
    indent = "  " * depth
    line = f"{indent}{key.rpartition('.')[2]}: {yaml(draft[key])}"
    why = draft.why.get(key)
    if not why:
        return _wrapped(line, depth)
    beside = f"{line:<30}  # {why}"
    if len(beside) <= WIDTH:
        return [beside]
    above = textwrap.wrap(why, WIDTH - len(indent) - 2, break_on_hyphens=False)
    return [*(f"{indent}# {part}" for part in above), *_wrapped(line, depth)]


def _wrapped(line: str, depth: int) -> list[str]:
    """A long list over several lines: breaks are where no quotes are open."""
    if len(line) <= WIDTH or '"' in line:
        return [line]
    return textwrap.wrap(
        line,
        WIDTH,
        subsequent_indent="  " * (depth + 1),
        break_long_words=False,
        break_on_hyphens=False,
    )
