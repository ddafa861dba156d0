"""The text of ``params.yaml`` as YAML that is safe to walk through: small, shallow, and plain.

YAML can say far more than a person writes here: a few lines of anchors that stand for more values
than a machine holds, anchors inside themselves, tags that name code. All of it is refused while the
text is read as a stream of events, before anything is built of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from podium.io.errors import PodiumError
from podium.io.text import printable

# 50 times the file that ships with Podium, and a second's reading.
MAX_BYTES = 256 * 1024
# Counted with anchors written out.
MAX_VALUES = 10_000
MAX_DEPTH = 32
# Python refuses to turn longer numbers into text.
MAX_DIGITS = 300
NUMBER = re.compile(r"[-+]?[0-9.][0-9a-fA-FxXoOeE_.:+-]*")
DATE = re.compile(r"\d{4}-\d")


def read_document(path: Path) -> CommentedMap:
    """Read ``params.yaml`` as a mapping whose keys are text, with the lines they stand in.

    Raises:
        PodiumError: the file is missing, no UTF-8 text, not YAML, or more than a person writes.
    """
    text = _read_text(path)
    try:
        _check_events(path, text)
        document = _yaml().load(StringIO(text))
    except YAMLError as error:
        raise _not_yaml(path, text, error) from None
    except ValueError as error:
        line = _line_of_bad_date(text)
        raise _refused(path, line, f"no such date ({error}); put quotes around it") from None
    if not isinstance(document, CommentedMap):
        raise PodiumError(f"{path}: expected competitions and their blocks, found something else")
    for name in document:
        if not isinstance(name, str):
            line = document.lc.key(name)[0] + 1
            raise _refused(path, line, f"key {name} is not text; put quotes around it")
    return document


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise PodiumError(
            f"{path} is missing: run podium in the project's folder, where {path.name} is"
        ) from None
    if len(content) > MAX_BYTES:
        raise PodiumError(
            f"{path}: is larger than {MAX_BYTES // 1024} KiB, which no person writes; put the "
            "project's own back ('git checkout params.yaml')"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(path, line, f"not UTF-8 text ({error.reason}); save it as UTF-8") from None


def _check_events(path: Path, text: str) -> None:
    check = _Events(path)
    for event in _yaml().parse(StringIO(text)):
        check.take(event)


@dataclass
class _Open:
    """A block or list that isn't closed yet."""

    anchor: str | None
    # Values of the document before it.
    before: int
    is_block: bool
    # Keys and values of its own so far.
    parts: int = 0


class _Events:
    """Counts what a document's events stand for, and stops at what doesn't belong here."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values = 0
        self.open: list[_Open] = []
        self.sizes: dict[str, int] = {}

    def take(self, event: Event) -> None:
        """Go on by an event."""
        if isinstance(event, MappingEndEvent | SequenceEndEvent):
            closed = self.open.pop()
            self.sizes[str(closed.anchor)] = self.values - closed.before
        elif isinstance(event, NodeEvent):
            self._check_key(event)
            take = self._take_alias if isinstance(event, AliasEvent) else self._take_node
            take(event)
        if self.values > MAX_VALUES:
            self._refuse(
                event, f"holds more than {MAX_VALUES:,} values, anchors written out; remove some"
            )

    def _check_key(self, event: NodeEvent) -> None:
        if not self.open:
            return
        block = self.open[-1]
        if block.is_block and block.parts % 2 == 0 and not isinstance(event, ScalarEvent):
            self._refuse(event, "a list, block or alias stands where a key should; a key is text")
        block.parts += 1

    def _take_alias(self, event: NodeEvent) -> None:
        if event.anchor in [block.anchor for block in self.open]:
            self._refuse(event, f"'*{event.anchor}' stands inside '&{event.anchor}' itself")
        self.values += self.sizes.get(str(event.anchor), 1)

    def _take_node(self, event: Any) -> None:
        if event.tag is not None:
            self._refuse(
                event, f"tags such as '{printable(event.tag)}' mean nothing here; remove it"
            )
        if isinstance(event, ScalarEvent):
            self._check_number(event)
            self.sizes[str(event.anchor)] = 1
        else:
            is_block = isinstance(event, MappingStartEvent)
            self.open.append(_Open(event.anchor, self.values, is_block))
            if len(self.open) > MAX_DEPTH:
                self._refuse(event, f"blocks lie more than {MAX_DEPTH} deep in one another")
        self.values += 1

    def _check_number(self, event: ScalarEvent) -> None:
        plain = event.style is None
        if plain and len(event.value) > MAX_DIGITS and NUMBER.fullmatch(event.value):
            self._refuse(event, f"a number of {len(event.value)} digits; write a shorter one")

    def _refuse(self, event: Event, what: str) -> None:
        raise _refused(self.path, event.start_mark.line + 1, what)


def _not_yaml(path: Path, text: str, error: YAMLError) -> PodiumError:
    if isinstance(error, DuplicateKeyError):
        key = str(error.problem).split('"')[1]
        what = "the name stands twice in one block; rename or remove one"
        return _refused(path, error.problem_mark.line + 1, f"{printable(key)}: {what}")
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return _refused(
            path, line, f"character {error.character:#x} is no text; remove it, or save as UTF-8"
        )
    if not isinstance(error, MarkedYAMLError):
        return PodiumError(f"{path}: not valid YAML: {printable(str(error))}; mend it")
    mark = error.problem_mark or error.context_mark
    reason = printable(str(error.problem or error.context))
    return _refused(path, mark.line + 1 if mark else 1, f"not valid YAML: {reason}")


def _line_of_bad_date(text: str) -> int:
    """The line of the value that YAML takes for a date, and the calendar doesn't."""
    for event in _scalars(text):
        if event.style is None and DATE.match(event.value):
            try:
                _yaml().load(StringIO(event.value))
            except ValueError:
                return int(event.start_mark.line) + 1
    return 1


def _scalars(text: str) -> Iterator[ScalarEvent]:
    return (event for event in _yaml().parse(StringIO(text)) if isinstance(event, ScalarEvent))


def _yaml() -> YAML:
    return YAML(typ="rt", pure=True)


def _refused(path: Path, line: int, what: str) -> PodiumError:
    return PodiumError(f"{path}:{line}: {what}")
