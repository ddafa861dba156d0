"""The source files that can change what a stage writes: all that it imports, exempt ones apart.

They are found in the sources' syntax, without running them, wherever in a file an import is. A
competition's own code, and what it imports, is among them where the stage calls a function of it.
What is imported by a name in a table (a kind of competition, a provider, a model) is followed for
the one that the competition uses, so that code of images is no part of a stage of tables.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from podium.config import Competition, TableCompetition
from podium.config.blending import METHODS, methods_of
from podium.config.models import model_spec
from podium.config.providers import PROVIDERS
from podium.data.kinds import KINDS
from podium.data.tabular.learnt.wanted import learns
from podium.io.files import digest, sha256
from podium.io.usercode.load import OWN
from podium.io.usercode.load import PACKAGE as USER_CODE
from podium.io.usercode.sources import functions as own_functions
from podium.io.usercode.sources import tree_of

PACKAGE = "podium"
ROOTS = (PACKAGE, USER_CODE)
# Files of a package that are no Python, by their endings.
DATA = (".jinja", ".css", ".js")
# What ``from podium import`` gives lazily; no stage has a use for the lab.
LAZY = "podium.models.estimators"
OWN_METRIC = "podium.io.usercode.metric:own_metric"
# Blocks of params.yaml are exempt: their effect is the resolved values, which are written beside
# the code. Anything else that is imported from this package (a constant, a function) is code.
CONFIG = "podium.config"

# A module, or a package with all that is in it, and why it can't change a result.
EXEMPT = {
    "podium.cli": "hands over to the stage",
    "podium.config.blending": "a table; the function that is used is written out, and followed",
    "podium.config.models": "tables; the function that is used is written out, and followed",
    "podium.config.providers": "a table; the function that is used is written out, and followed",
    "podium.io.errors": "the error that ends a stage, and warnings",
    "podium.io.text": "words of errors",
    "podium.io.disk": "words of errors",
    "podium.io.usercode.sources": "whether the user's file has a function, which is written out",
    "podium.io.paths": "an output that is not where dvc.yaml says fails its stage",
    "podium.stages.named_columns": "an error that ends a stage",
    "podium.runtime": "progress, tracking, locks, cores: how a stage runs, not what it computes",
}
_NO_SCORE = {"podium.metrics": "only the metric's name is checked; nothing is scored"}
# The same for one stage.
EXEMPT_IN: dict[str, Mapping[str, str]] = {
    "download": _NO_SCORE,
    "preprocess": {
        **_NO_SCORE,
        "podium.data.sources": "finds the csv of which columns are looked up, for an error",
    },
    "train": {
        "podium.reporting.plots": "pictures for MLflow",
        "podium.reporting.class_plots": "pictures for MLflow",
        "podium.reporting.classes": "tables for MLflow",
        "podium.stages.class_report": "pictures and tables for MLflow",
    },
    "ensemble": {
        "podium.reporting": "pictures and tables for MLflow",
        "podium.stages.class_report": "pictures and tables for MLflow",
        "podium.data.kinds": "reads images for a picture for MLflow",
        "podium.data.images": "images on a picture for MLflow",
    },
    "report": {},
}
STAGES = tuple(EXEMPT_IN)
# What a module starts as a process of its own.
STARTED = {"podium.io.kaggle.client": ("podium.io.kaggle.worker",)}


def functions(stage: str, competition: Competition, model: str | None = None) -> list[str]:
    """What a stage looks up in tables and in the user's file, each as ``module:function``.

    Raises:
        PodiumError: the user's file is no Python.
    """
    return [*_in_tables(stage, competition, model), *_own(stage, competition)]


def _own(stage: str, competition: Competition) -> list[str]:
    """What a stage calls of the user's file: an edit of it runs the stage again."""
    if stage == "preprocess":
        names = ["features", "encoders", "sample_weight"]
        names += ["folds"] if competition.folds.scheme == OWN else []
        return own_functions(competition.name, names)
    if stage in ("train", "ensemble", "report") and competition.metric == OWN:
        return [OWN_METRIC, *own_functions(competition.name, ["metric"])]
    return []


def _in_tables(stage: str, competition: Competition, model: str | None) -> list[str]:
    """What a stage looks up in tables."""
    kind = KINDS[competition.kind]
    if stage == "download":
        return [PROVIDERS[competition.source.provider].fetch, kind["check_raw"]]
    if stage == "preprocess":
        return [kind["prepare"], *_learnt(competition)]
    if stage == "train":
        assert model is not None
        name = competition.models[model].model
        spec = model_spec(competition.kind, name)
        own = [":".join(name.rsplit(".", 1))] if name.startswith(f"{USER_CODE}.") else []
        return [kind["read"], spec.fit, *filter(None, [spec.rules]), *own]
    if stage == "ensemble":
        ensemble = competition.ensemble
        names = methods_of(ensemble.method, ensemble.candidates)
        return [METHODS[name].ways for name in names]
    # The report compares train with test, and shows the images that were predicted worst.
    return [kind["read"], kind["sample"]] if stage == "report" else []


def _learnt(competition: Competition) -> list[str]:
    """What preprocessing calls for features that are learnt."""
    if not isinstance(competition, TableCompetition) or not learns(competition):
        return []
    features = competition.features
    makers = {feature.maker for feature in features.learnt().values()}
    chooser = [features.chooser] if features.auto else []
    return [features.maker, features.teller, *chooser, *sorted(makers)]


def is_exempt(module: str, stage: str) -> bool:
    """Whether a module can't change what the stage writes."""
    return any(
        module == name or module.startswith(f"{name}.")
        for name in (*EXEMPT, *EXEMPT_IN[stage])
    )  # fmt: skip


@dataclass(frozen=True)
class Sources:
    """The project's sources; each is looked for and read once.

    ``folder`` has the user's own code, ``package`` the folder ``podium``: the same in a clone.
    """

    folder: Path
    package: Path
    paths: dict[str, Path | None] = field(default_factory=dict)
    imported: dict[str, list[str]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)

    def path_of(self, module: str) -> Path | None:
        """A module's file, a package's being its ``__init__.py``; None if there is no such."""
        if module not in self.paths:
            root = self.folder if module.partition(".")[0] == USER_CODE else self.package
            base = root.joinpath(*module.split("."))
            files = base.with_name(f"{base.name}.py"), base / "__init__.py"
            self.paths[module] = next((path for path in files if path.is_file()), None)
        return self.paths[module]

    def hash_of(self, module: str) -> str:
        """The SHA-256 of a module's file; a package's covers what it has beside Python, too."""
        if module not in self.hashes:
            hashes = [sha256(path) for path in (self._file(module), *self._data(module))]
            self.hashes[module] = (
                hashes[0] if len(hashes) == 1 else digest("".join(hashes).encode())
            )
        return self.hashes[module]

    def closure(self, stage: str, called: Iterable[str]) -> list[str]:
        """The modules that can change what a stage writes, in order.

        Args:
            stage: its name.
            called: the functions that it looks up in tables.
        """
        found: set[str] = set()
        waiting = [f"{PACKAGE}.stages.{stage}", *(name.partition(":")[0] for name in called)]
        while waiting:
            module = waiting.pop()
            if module not in found and not is_exempt(module, stage):
                found.add(module)
                waiting += [*_packages_of(module), *self._imports(module)]
        return sorted(found)

    def _data(self, module: str) -> list[Path]:
        """A package's templates, styles and scripts, in order."""
        path = self._file(module)
        if path.name != "__init__.py":
            return []
        return sorted(found for found in path.parent.iterdir() if found.suffix in DATA)

    def _file(self, module: str) -> Path:
        path = self.path_of(module)
        assert path is not None, module
        return path

    def _imports(self, module: str) -> list[str]:
        if module not in self.imported:
            path = self._file(module)
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            names = _imported_names(path, path.read_bytes(), package)
            modules = {owner for name in names if (owner := self._module_of(*name))}
            self.imported[module] = sorted(modules) + list(STARTED.get(module, ()))
        return self.imported[module]

    def _module_of(self, module: str, name: str) -> str | None:
        """The module of ours that is imported, if any: ``name`` may be one, or stand in one."""
        if module.partition(".")[0] not in ROOTS:
            return None
        if name and self.path_of(f"{module}.{name}"):
            return f"{module}.{name}"
        if module == PACKAGE:
            return LAZY if name else None
        if _is_block(module, name) or not self.path_of(module):
            return None
        return module


@cache
def _imported_names(path: Path, source: bytes, package: str) -> list[tuple[str, str]]:
    """What a file's imports name: a function of its text, which ``dvc repro`` asks for again."""
    tree = tree_of(path, source)
    return [name for node in _statements(tree) for name in _names(node, package)]


def _is_block(module: str, name: str) -> bool:
    """Whether a class of params.yaml's is imported, or what reads it."""
    is_class = name[:1].isupper() and not name.isupper()
    return f"{module}.".startswith(f"{CONFIG}.") and (is_class or name == "load_config")


def _packages_of(module: str) -> list[str]:
    """The packages that a module lies in; the outermost has nothing but lazy names."""
    parts = module.split(".")
    packages = [".".join(parts[:length]) for length in range(2, len(parts))]
    return [name for name in packages if name != CONFIG]


# The parts of a statement that hold statements.
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    """All statements below a node, but for what only type checkers see."""
    blocks = ("orelse",) if _is_for_types(node) else _BLOCKS
    for block in blocks:
        for child in getattr(node, block, ()):
            if isinstance(child, ast.stmt):
                yield child
            yield from _statements(child)


def _is_for_types(node: ast.AST) -> bool:
    """Whether this is ``if TYPE_CHECKING:``."""
    test = getattr(node, "test", None)
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _names(node: ast.stmt, package: str) -> Iterator[tuple[str, str]]:
    """What an import names: modules, and the names out of each."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = resolve_name("." * node.level + (node.module or ""), package)
        yield from ((module, alias.name) for alias in node.names)
