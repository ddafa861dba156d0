"""What a competition's own code defines, by its syntax: nothing of it is run."""

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

from podium.io import paths
from podium.io.usercode.errors import UserCodeError
from podium.io.usercode.load import PACKAGE

# What ``from ... import *`` defines.
ANY = "*"


def tree_of(path: Path, source: bytes | None = None) -> ast.Module:
    """The syntax of a file; of its ``source``, if that is read already.

    Raises:
        PodiumError: it is no Python.
    """
    try:
        return ast.parse(path.read_bytes() if source is None else source, filename=str(path))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        what = getattr(error, "msg", str(error))
        raise UserCodeError(path, line, f"{type(error).__name__}: {what}") from None


def defined(competition: str) -> set[str]:
    """The names that the competition's file defines, in any of its branches; none without it.

    Raises:
        PodiumError: it is no Python.
    """
    path = paths.user_code(competition)
    return set(_names(tree_of(path).body)) if path.is_file() else set()


def classes(competition: str) -> list[str]:
    """The names of the classes of the competition's file, in its order; none without it.

    Raises:
        PodiumError: it is no Python.
    """
    path = paths.user_code(competition)
    body = tree_of(path).body if path.is_file() else []
    return [node.name for node in body if isinstance(node, ast.ClassDef)]


def functions(competition: str, names: Sequence[str]) -> list[str]:
    """Those of ``names`` that the competition's file defines, each as ``module:function``.

    Raises:
        PodiumError: it is no Python.
    """
    found = defined(competition)
    module = f"{PACKAGE}.{paths.user_code(competition).stem}"
    return [f"{module}:{name}" for name in names if name in found or ANY in found]


def _names(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = (one for one in ast.walk(node) if isinstance(one, ast.Name))
            yield from (one.id for one in names if isinstance(one.ctx, ast.Store))
        else:
            for block in ("body", "orelse", "finalbody", "handlers"):
                yield from _names(getattr(node, block, []))
