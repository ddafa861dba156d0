"""Work on the Dask cluster that the user has, through ``Client.get_executor()``.

The data of a job travel once to each worker. They are the result of a task of their own, which the
scheduler can do again: a worker that is killed loses neither them nor its task, which another one
does. (What Dask *scatters* is lost with the last worker that has it.)
"""

import logging
import queue
import sys
import time
import uuid
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from podium.io.errors import PodiumError, warn
from podium.io.usercode.load import PACKAGE as USER_CODE
from podium.runtime.compute import task
from podium.runtime.compute.machines import INSTALL, Machines, check_versions, facts_of_process
from podium.runtime.compute.pool import OnEvent, Pool

T = TypeVar("T")
R = TypeVar("R")

# Until the scheduler answers; until there is a worker, or one again after all have gone.
CONNECT_SECONDS, WORKERS_SECONDS = 8.0, 20.0
# Between two looks whether the cluster is still there.
WATCH_SECONDS = 2.0


@contextmanager
def connected(address: str, limit: int | None = None) -> Iterator["Cluster"]:
    """The cluster at an address, its versions checked, until the end of the block.

    Raises:
        PodiumError: Dask is not installed; no cluster answers; it has no workers; or their
            versions are others.
    """
    client = _client(address)
    logger = logging.getLogger("distributed")
    level, before = logging.CRITICAL, logger.level
    logger.setLevel(level)
    try:
        machines = _checked_machines(client, address)
        for line in machines.crowded():
            warn(f"{address}: {line}")
        yield Cluster(client, address, machines, limit)
    finally:
        with suppress(Exception):
            client.close(timeout=CONNECT_SECONDS)
        logger.setLevel(before)


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise PodiumError(f"compute.backend: dask is not installed: {INSTALL}") from None
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False, name="podium")
    except Exception as error:
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PodiumError(
            f"compute.address: no Dask scheduler answers at {address} ({what}); start one "
            "('dask scheduler', docs/compute.md), or write backend: local"
        ) from None


def _checked_machines(client: Any, address: str) -> Machines:
    """The cluster's machines, once a worker is there and all versions are ours.

    Raises:
        PodiumError: there is no worker; or a version differs.
    """
    try:
        client.wait_for_workers(1, timeout=WORKERS_SECONDS)
    except TimeoutError:
        raise PodiumError(_no_workers(address)) from None
    facts = facts_of_process()
    there = {f"the scheduler at {address}": client.run_on_scheduler(facts)}
    workers = client.run(facts)
    there |= {f"the worker at {worker}": found for worker, found in workers.items()}
    check_versions(facts(), there)
    return Machines.of(workers, client.nthreads())


def _no_workers(address: str) -> str:
    return (
        f"the Dask cluster at {address} has no workers; start some: "
        f"dask worker {address} --nworkers 2 --nthreads 1"
    )


@dataclass(frozen=True)
class _Shared:
    """A value that workers have: Dask's future of it."""

    future: Any


class Cluster(Pool):
    """A Dask cluster. Its threads are bounded by its machines' cores, not by this one's."""

    is_remote = True

    def __init__(self, client: Any, address: str, machines: Machines, limit: int | None) -> None:
        self.client, self.address, self.machines, self.limit = client, address, machines, limit
        self.executor = client.get_executor(pure=False)
        self.slots = min(limit or machines.slots, machines.slots)

    def submit(self, function: Callable[..., R], *arguments: Any) -> Future[R]:
        """See ``Pool``. A failure of the cluster itself is a ``PodiumError`` of the future."""
        inner = self._start(function, arguments, 1, {}, "", 0)
        name = getattr(function, "__name__", "a task")
        outer: Future[R] = Future()
        outer.set_running_or_notify_cancel()
        inner.add_done_callback(partial(self._hand_over, outer, name))
        return outer

    def share(self, value: T) -> T:
        """See ``Pool``."""
        future = self.client.submit(
            task.restored, _pickled(value), key=f"podium-data-{uuid.uuid4().hex}"
        )
        return _Shared(future)  # type: ignore[return-value]

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
        """See ``Pool``."""
        with warnings.catch_warnings():
            # Of large data in a task, which is what is wanted here.
            warnings.filterwarnings("ignore", "Sending large graph")
            job = _Job(self, function, items, threads, names, on_event)
            try:
                yield from job.results()
            finally:
                job.end()

    def _start(
        self,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        threads: int,
        where: dict[str, Any],
        topic: str,
        number: int,
    ) -> Future[Any]:
        given = [own.future if isinstance(own, _Shared) else own for own in arguments]
        start = function.future if isinstance(function, _Shared) else function
        return self.executor.submit(task.run, start, given, threads, topic, number, **where)

    def _hand_over(self, outer: Future[Any], name: str, inner: Future[Any]) -> None:
        try:
            outer.set_result(self.result(inner, name))
        except Exception as error:
            outer.set_exception(error)

    def result(self, future: Future[Any], name: str) -> Any:
        """What a finished task returned.

        Raises:
            PodiumError: it ended every worker that tried it, or the cluster is gone.
            Exception: what the task raised.
        """
        from distributed.scheduler import KilledWorker

        try:
            found = future.result()
        except KilledWorker as error:
            raise PodiumError(
                f"{name}: {error.allowed_failures + 1} workers ended one after the other while "
                "they did it; the workers' logs say why (memory: fewer workers a machine, or more "
                "of it)"
            ) from None
        except CancelledError:
            raise PodiumError(f"{name}: lost with the Dask scheduler at {self.address}") from None
        if isinstance(found, task.Failure):
            raise found.error()
        return found

    def workers(self) -> int:
        """How many workers there are now.

        Raises:
            PodiumError: the scheduler is gone.
        """
        try:
            return len(self.client.sync(self.client.scheduler.ncores, callback_timeout=10))
        except Exception:
            raise PodiumError(
                f"the Dask scheduler at {self.address} is gone; start it again, and run again"
            ) from None


class _Job:
    """A function over items: what waits, what runs, and what comes back."""

    def __init__(
        self,
        cluster: Cluster,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        threads: int,
        names: Sequence[str],
        on_event: OnEvent | None,
    ) -> None:
        self.cluster, self.on_event = cluster, on_event
        self.names = names or [f"task {number}" for number in range(len(items))]
        self.threads = cluster.machines.possible(threads)
        shares = cluster.machines.shares(self.threads)
        self.window = min(sum(shares.values()), cluster.slots)
        self.where = {"workers": list(shares), "allow_other_workers": True}
        self.shared = cluster.share(_Numbered(function, items))
        self.waiting = deque(range(len(items)))
        self.running: dict[int, Future[Any]] = {}
        self.arrived: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self.topic = f"podium-{uuid.uuid4().hex}"
        self.seen = self.looked = time.monotonic()
        cluster.client.subscribe_topic(self.topic, self._take_event)

    def results(self) -> Iterator[tuple[int, Any]]:
        """Each item's number and result, as they come."""
        while self.waiting or self.running:
            while self.waiting and len(self.running) < self.window:
                self._start(self.waiting.popleft())
            number, event = self._next()
            if isinstance(event, Future):
                del self.running[number]
                yield number, self.cluster.result(event, self.names[number])
            elif self.on_event and number >= 0:
                self.on_event(number, event)

    def end(self) -> None:
        """Stop what still runs."""
        with suppress(Exception):
            for future in self.running.values():
                future.cancel()
            self.cluster.client.unsubscribe_topic(self.topic)

    def _start(self, number: int) -> None:
        future = self.cluster._start(
            self.shared, (number,), self.threads, self.where, self.topic, number
        )
        self.running[number] = future
        future.add_done_callback(lambda done: self.arrived.put((number, done)))

    def _take_event(self, event: tuple[float, Any]) -> None:
        """Called by Dask's own thread."""
        from cloudpickle import loads

        self.arrived.put(loads(event[1]))

    def _next(self) -> tuple[int, Any]:
        """What comes next; -1 if nothing did for a while, and the cluster is still there.

        Raises:
            PodiumError: the scheduler is gone, or there have been no workers for long.
        """
        if time.monotonic() - self.looked > WATCH_SECONDS:
            self._look()
        with suppress(queue.Empty):
            return self.arrived.get(timeout=WATCH_SECONDS)
        return -1, None

    def _look(self) -> None:
        if self.cluster.workers():
            self.seen = time.monotonic()
        self.looked = time.monotonic()
        if self.looked - self.seen > WORKERS_SECONDS:
            raise PodiumError(f"all workers ended; {_no_workers(self.cluster.address)}")


class _Numbered:
    """A function of an item's number: both travel together, so that what they share goes once."""

    def __init__(self, function: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self.function, self.items = function, items

    def __call__(self, number: int) -> Any:
        return self.function(self.items[number])


def _pickled(value: Any) -> bytes:
    """The value for Dask's channel, with the user's own code, which workers don't have."""
    import cloudpickle

    own = [module for name, module in sys.modules.items() if name.startswith(f"{USER_CODE}.")]
    for module in own:
        cloudpickle.register_pickle_by_value(module)
    try:
        return cloudpickle.dumps(value)
    finally:
        for module in own:
            cloudpickle.unregister_pickle_by_value(module)
