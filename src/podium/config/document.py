"""The text of ``params.yaml`` as YAML that is safe to walk through: small, shallow, and plain.

YAML can say far more than a person writes here: a few lines of anchors that stand for more values
than a machine holds, anchors inside themselves, tags that name code. All of it is refused while
ruamel.yaml composes its nodes, before any value is made of them; lines, depth and duplicate keys
are ruamel.yaml's own.
"""

from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode
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
# YAML's types of text; ``<<`` is a merge.
KEYS = ("str", "merge")
# YAML's types whose values Python may fail to make.
KINDS = {"int": "number", "float": "number", "timestamp": "date"}


def read_document(path: Path) -> CommentedMap:
    """Read ``params.yaml`` as a mapping whose keys are text, with their lines; don't change it.

    Raises:
        PodiumError: the file is missing, no UTF-8 text, not YAML, or more than a person writes.
    """
    return _parsed(path, _read_text(path))


@lru_cache(maxsize=4)
def _parsed(path: Path, text: str) -> CommentedMap:
    """One text is parsed once: a command reads it several times, and needs lines for messages."""
    yaml = YAML(typ="rt", pure=True)
    yaml.Composer, yaml.max_depth = _Composer, MAX_DEPTH
    try:
        document = yaml.load(StringIO(text))
    except YAMLError as error:
        raise _not_yaml(path, text, error) from None
    except (AssertionError, KeyError):
        # ruamel.yaml looks up the rules of the version that a directive names.
        what = "a %YAML directive names a version that does not exist; remove it"
        raise _refused(path, 1, what) from None
    if not isinstance(document, CommentedMap):
        raise PodiumError(f"{path}: expected competitions and their blocks, found something else")
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


class _RefusedError(MarkedYAMLError):
    """Valid YAML that doesn't belong in params.yaml."""


class _Composer(Composer):
    """ruamel.yaml's composer of nodes, which stops at what doesn't belong in params.yaml."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.values = 0
        # Values that a whole node stands for, anchors written out.
        self.sizes: dict[int, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """A node, checked and counted; keys have no ``index``."""
        event, before = self.parser.peek_event(), self.values
        node = super().compose_node(parent, index)
        if isinstance(parent, MappingNode) and index is None and _kind(node) not in KEYS:
            value = node.value if isinstance(node, ScalarNode) else "that is a list or block"
            _refuse(event, f"key {printable(value)} is not text; put quotes around it")
        if not isinstance(event, AliasEvent):
            self._check_node(event, node)
            self.values += 1
            self.sizes[id(node)] = self.values - before
        elif id(node) in self.sizes:
            self.values += self.sizes[id(node)]
        else:
            _refuse(event, f"'*{event.anchor}' is inside '&{event.anchor}' itself")
        if self.values > MAX_VALUES:
            what = f"holds more than {MAX_VALUES:,} values, anchors written out; remove some"
            _refuse(event, what)
        return node

    def _check_node(self, event: Any, node: Node) -> None:
        if event.tag is not None:
            what = f"tags such as '{printable(event.tag)}' mean nothing here; remove it"
            _refuse(event, what)
        kind = _kind(node)
        if kind not in KINDS:
            return
        if len(node.value) > MAX_DIGITS:
            _refuse(event, f"a number of {len(node.value)} digits; write a shorter one")
        try:
            getattr(self.loader.constructor, f"construct_yaml_{kind}")(node)
        except (ValueError, IndexError, OverflowError) as error:
            _refuse(event, f"not a valid {KINDS[kind]} ({error}); put quotes around it")


def _kind(node: Node) -> str:
    """A node's YAML type: ``int``, ``str``, ``map``."""
    return str(node.tag).rpartition(":")[2]


def _refuse(event: Any, what: str) -> None:
    raise _RefusedError(problem=what, problem_mark=event.start_mark)


def _not_yaml(path: Path, text: str, error: YAMLError) -> PodiumError:
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return _refused(
            path, line, f"character {error.character:#x} is no text; remove it, or save as UTF-8"
        )
    if not isinstance(error, MarkedYAMLError):
        return PodiumError(f"{path}: not valid YAML: {printable(str(error))}; fix it")
    mark = error.problem_mark or error.context_mark
    reason = printable(str(error.problem or error.context))
    if isinstance(error, DuplicateKeyError):
        key = printable(str(error.problem).split('"')[1])
        reason = f"{key}: duplicate key; rename or remove one"
    elif isinstance(error, MaxDepthExceededError):
        reason = f"blocks are nested more than {MAX_DEPTH} deep"
    elif not isinstance(error, _RefusedError):
        reason = f"not valid YAML: {reason}"
    return _refused(path, mark.line + 1 if mark else 1, reason)


def _refused(path: Path, line: int, what: str) -> PodiumError:
    return PodiumError(f"{path}:{line}: {what}")
