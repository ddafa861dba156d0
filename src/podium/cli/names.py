"""Names of competitions and models for the shell's completion, read in milliseconds.

Whatever is wrong with ``params.yaml``, a Tab says nothing about it.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

import typer


def competitions(incomplete: str) -> list[str]:
    """Blocks of competitions that begin with what was typed."""
    return [name for name in _blocks() if name.startswith(incomplete)]


def models(ctx: typer.Context, incomplete: str) -> list[str]:
    """Models of the competition that was typed before."""
    return [name for name in _models(ctx) if name.startswith(incomplete)]


def models_and_blend(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same, and the blend of them."""
    return [name for name in [*_models(ctx), "blend"] if name.startswith(incomplete)]


def _models(ctx: typer.Context) -> list[str]:
    block = _blocks().get(str(ctx.params.get("competition")), {})
    found = block.get("models")
    return [str(name) for name in found] if isinstance(found, dict) else []


def _blocks() -> dict[str, dict[str, Any]]:
    """The blocks that have models, as plain values."""
    with suppress(Exception):
        from ruamel.yaml import YAML

        document = YAML(typ="safe").load(Path("params.yaml"))
        return {
            str(name): block
            for name, block in document.items()
            if isinstance(block, dict) and "models" in block
        }
    return {}
