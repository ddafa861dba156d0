"""Where work is done: side by side on this machine, or on a Dask cluster.

    with executor(config.compute, cores()) as pool:
        future = pool.submit(function, *arguments)

Folds and groups of networks take the pool of the block that they are called in: ``using`` sets it,
``current`` gives it. A function on a cluster reads and writes no file and prints nothing: it
returns what it computes, and tells where it is by ``tell``.
"""

from podium.runtime.compute.pool import LOCAL, Local, Pool, Settings, current, executor, using
from podium.runtime.compute.task import Cancelled, in_task, stop_if_cancelled, tell

__all__ = [
    "LOCAL",
    "Cancelled",
    "Local",
    "Pool",
    "Settings",
    "current",
    "executor",
    "in_task",
    "stop_if_cancelled",
    "tell",
    "using",
]
