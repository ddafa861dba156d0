"""The one interface of whatever does work: futures, and a function over many items."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

from podium.runtime.resources import cores, share_cores

T = TypeVar("T")
R = TypeVar("R")
# What a task tells while it runs: the item's number, and anything that can be pickled.
OnEvent = Callable[[int, Any], None]


class Settings(Protocol):
    """The block ``compute`` of params.yaml."""

    @property
    def backend(self) -> str:
        """``local`` or ``dask``."""

    @property
    def address(self) -> str | None:
        """The scheduler's."""

    @property
    def workers(self) -> int | None:
        """How many tasks run at a time, at most."""


class Pool(ABC):
    """Does work, ``slots`` tasks at a time. On a cluster (``is_remote``) no task reads a file.

    ``limit`` is the number of tasks at a time that the user set.
    """

    is_remote = False
    slots: int
    limit: int | None = None

    @abstractmethod
    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """Do one piece of work with an equal share of the cores; the future has what it returns."""

    @abstractmethod
    def share(self, value: T) -> T:
        """A stand-in for a value, for arguments of ``submit``: it travels once to each worker."""

    @abstractmethod
    def each(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        *,
        threads: int = 1,
        at_once: int | None = None,
        names: Sequence[str] = (),
        on_event: OnEvent | None = None,
    ) -> Iterator[tuple[int, R]]:
        """Apply a function to each item; yields the item's number and the result, when it is there.

        Args:
            function: may be a closure; what it holds travels once to each worker.
            items: what to apply it to.
            threads: that a task may use. Numerical results may depend on it.
            at_once: how many tasks run at a time on this machine; as many as fit by default.
            names: of the items, for errors.
            on_event: called here with what a task passes to ``tell``.

        Raises:
            PodiumError: the cluster is gone, or a task ends every worker that tries it.
        """


class Local(Pool):
    """Threads of this process: what is slow (LightGBM, linear algebra) releases the GIL.

    Made for as many cores as there are when it is used, unless ``cores`` says how many.
    """

    def __init__(self, limit: int | None = None, threads: Executor | None = None) -> None:
        self.limit, self.threads = limit, threads

    @property
    def slots(self) -> int:  # type: ignore[override]
        """As many as cores, or fewer where the user wants fewer."""
        return min(self.limit or cores(), cores())

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """See ``Pool``."""
        assert self.threads is not None, "a pool of 'executor' only has threads to submit to"
        return self.threads.submit(function, *arguments)

    def share(self, value: T) -> T:
        """The value itself."""
        return value

    def each(
        self,
        function: Callable[[T], R],
        items: Sequence[T],
        *,
        threads: int = 1,
        at_once: int | None = None,
        names: Sequence[str] = (),
        on_event: OnEvent | None = None,
    ) -> Iterator[tuple[int, R]]:
        """See ``Pool``. Results come in the order of the items; each task has all ``cores()``."""
        workers = min(at_once or self.slots, self.slots)
        with ThreadPoolExecutor(workers) as pool:
            yield from enumerate(pool.map(function, items))


LOCAL = Local()
_pool: ContextVar[Pool] = ContextVar("pool", default=LOCAL)


def current() -> Pool:
    """What does the work of the block; in a task, this machine."""
    return _pool.get()


@contextmanager
def using(pool: Pool) -> Iterator[Pool]:
    """Folds and groups of networks in the block are done by a pool."""
    token = _pool.set(pool)
    try:
        yield pool
    finally:
        _pool.reset(token)


@contextmanager
def executor(compute: Settings, count: int | None = None) -> Iterator[Pool]:
    """A pool as the block ``compute`` of params.yaml wants it, until the end of the block.

    Args:
        compute: the block.
        count: the cores of this machine to use; all that there are by default.

    Raises:
        PodiumError: no cluster answers, it has no workers, or they run other versions.
    """
    if compute.backend == "dask":
        # Imports Dask, which takes a second.
        from podium.runtime.compute.cluster import connected

        assert compute.address is not None
        with connected(compute.address, compute.workers) as pool:
            yield pool
        return
    count = count or cores()
    workers = min(compute.workers or count, count)
    each = max(1, count // workers)
    with ThreadPoolExecutor(workers, "", share_cores, (each,)) as threads:
        yield Local(compute.workers, threads)
