"""Loading a competition's own code by its path, never by a name that something else may have.

The file is the module ``competitions.<its name>``. It may import others beside it, as
``from .shared import ...`` or ``from competitions.shared import ...``.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from inspect import getsourcelines, signature, unwrap
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NoReturn

from podium.io import paths
from podium.io.usercode.errors import UserCodeError, blamed

PACKAGE = "competitions"
# What params.yaml calls a metric, and folds, that the file defines.
OWN = "own"
# What the summary of columns calls those that the file's ``features`` adds.
OWN_FEATURES = "features() of your own code"
# What a file may define for Podium to call, and the words for the parameters of each.
FUNCTIONS = {
    "features": "features(table) or features(table, files)",
    "encoders": "encoders()",
    "metric": "metric(y, p)",
    "folds": "folds(train)",
    "sample_weight": "sample_weight(train)",
}


@dataclass(frozen=True)
class UserCode:
    """A competition's own code, loaded. ``path`` is relative to the project."""

    path: Path
    module: ModuleType

    def get(self, name: str) -> Any:
        """What the file calls ``name``; None if there is no such."""
        return getattr(self.module, name, None)

    def function(self, name: str, parameters: int) -> Callable[..., Any] | None:
        """A function of the file that takes this many parameters; None if there is no such.

        Raises:
            PodiumError: it is no function, or takes others.
        """
        found = self.get(name)
        if found is None:
            return None
        if not callable(found) or isinstance(found, type):
            self.fail(name, f"expected a function {FUNCTIONS[name]}")
        if not takes(found, parameters):
            self.fail(name, f"expected {FUNCTIONS[name]}, found {name}{signature(found)}")
        return found

    def fail(self, name: str, message: str) -> NoReturn:
        """Report what is wrong with something that the file defines, at its first line.

        Raises:
            PodiumError: always.
        """
        raise UserCodeError(self.path, self._line_of(name), f"{name}: {message}")

    @contextmanager
    def blamed(self, name: str, known: Any = ()) -> Iterator[None]:
        """Report what fails inside as a mistake in the file, at the line where it did.

        ``known`` are names of which a ``KeyError`` may have missed one, for the nearest.

        Raises:
            PodiumError: anything failed.
        """
        with blamed(paths.USER_CODE, name, known, (self.path, self._line_of(name))):
            yield

    def _line_of(self, name: str) -> int:
        found = self.get(name)
        if isinstance(found, type):
            with suppress(OSError, TypeError):
                return getsourcelines(found)[1]
        code = getattr(unwrap(found) if callable(found) else None, "__code__", 0)
        is_ours = isinstance(code, CodeType) and Path(code.co_filename) == self.path.absolute()
        return code.co_firstlineno if is_ours and isinstance(code, CodeType) else 1


def takes(function: Callable[..., Any], parameters: int) -> bool:
    """Whether a function can be called with so many parameters, without their names."""
    try:
        signature(function).bind(*range(parameters))
    except TypeError:
        return False
    return True


def load(competition: str) -> UserCode | None:
    """The competition's own code, run once a process; None if it has none.

    Raises:
        PodiumError: the file is no Python, or fails when it is run.
    """
    path = paths.user_code(competition)
    if not path.is_file():
        return None
    _follow_folder(path.parent)
    name = f"{PACKAGE}.{path.stem}"
    if name not in sys.modules:
        with blamed(paths.USER_CODE, "", (), (path, 1)):
            _run(name, path)
    return UserCode(path, sys.modules[name])


def _run(name: str, path: Path) -> None:
    spec = spec_from_file_location(name, path.absolute())
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Cached bytecode is compared by seconds: an edit soon after another would not be noticed.
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.dont_write_bytecode = before


def _follow_folder(folder: Path) -> None:
    """Make ``competitions`` the package of this folder as it is now; forget what was loaded else.

    A process may work in several projects, and files may change while it runs.
    """
    state = folder.absolute(), _state(folder)
    if getattr(sys.modules.get(PACKAGE), "__podium__", None) == state:
        return
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.invalidate_caches()
    package = ModuleType(PACKAGE, "The user's own code.")
    package.__path__ = [str(folder.absolute())]
    vars(package)["__podium__"] = state
    sys.modules[PACKAGE] = package


def _state(folder: Path) -> list[tuple[str, int, int]]:
    facts = ((path.name, path.stat()) for path in sorted(folder.glob("*.py")))
    return [(name, found.st_mtime_ns, found.st_size) for name, found in facts]
