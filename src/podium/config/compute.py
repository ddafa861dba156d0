"""The block ``compute`` of params.yaml: where folds, groups of networks and trials are computed."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from podium.config.block import Block, Count
from podium.io.text import shown

# Dask's own schemes of addresses.
ADDRESS = re.compile(r"(tcp|tls|ws|wss|ucx|ucxx)://[^\s/:]+(:\d+)?")


def _address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise ValueError(
            "a Dask scheduler's address, such as tcp://10.0.0.5:8786 (tls:// with certificates); "
            f"found {shown(text)}"
        )
    return text


class Compute(Block):
    """Where work is done: on this machine, or on the Dask cluster at ``address``.

    ``workers``: how many tasks run at a time, at most; as many as there are cores (local) or slots
    (the cluster's) by default. No stage depends on this block.
    """

    backend: Literal["local", "dask"] = "local"
    address: Annotated[str, AfterValidator(_address)] | None = None
    workers: Count | None = None

    def problems(self) -> list[tuple[str, str]]:
        """Keys that contradict each other, with what to do."""
        if self.backend == "dask" and self.address is None:
            hint = "needs the scheduler's address: address: tcp://HOST:8786 (docs/compute.md)"
            return [("backend", f"dask {hint}")]
        if self.backend == "local" and self.address is not None:
            return [("address", "does nothing with backend: local; write backend: dask")]
        return []
