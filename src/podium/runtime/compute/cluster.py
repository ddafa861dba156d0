"""Work on the Dask cluster that the user has, through ``Client.get_executor()``.

The data of a job travel once to each worker. They are the result of a task of their own, which the
scheduler can do again: a worker that is killed loses neither them nor its task, which another one
does. (What Dask *scatters* is lost with the last worker that has it.) Each worker has them under a
key of its own: of several copies under one key Dask's active memory manager drops those that no
task waits for, and they would travel again with the next one.
"""

import logging
import queue
import sys
import time
import uuid
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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
# For an answer of the scheduler; without one for so long it counts as gone.
ANSWER_SECONDS, SILENT_SECONDS = 10.0, 120.0
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
    before = logger.level
    # What ends here is told by an error of ours.
    logger.setLevel(logging.CRITICAL)
    try:
        cluster = Cluster(client, address, limit)
        cluster.check()
        yield cluster
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


def _no_workers(address: str) -> str:
    return (
        f"the Dask cluster at {address} has no workers; start some: "
        f"dask worker {address} --nworkers 2 --nthreads 1"
    )


@dataclass(frozen=True)
class _Shared:
    """A value that workers have: Dask's future of it, and those of each worker's own."""

    client: Any
    future: Any
    own: dict[str, Any] = field(default_factory=dict)

    def on(self, address: str) -> "_Shared":
        """The same for tasks of one worker."""
        if address not in self.own:
            key, where = f"{self.future.key}-{address}", placed_on(address)
            self.own[address] = self.client.submit(task.same, self.future, key=key, **where)
        return _Shared(self.client, self.own[address])


def placed_on(address: str) -> dict[str, Any]:
    """What makes Dask start a task on a worker, as long as that is there."""
    return {"workers": [address], "allow_other_workers": True}


class Cluster(Pool):
    """A Dask cluster. Its threads are bounded by its machines' cores, not by this one's."""

    is_remote = True

    def __init__(self, client: Any, address: str, limit: int | None) -> None:
        self.client, self.address, self.limit = client, address, limit
        self.executor = client.get_executor(pure=False)
        self.question = facts_of_process()
        self.here = self.question()
        # What each worker that was ever here said of itself; those with other versions than ours.
        self.facts: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.machines, self.looked, self.answered = Machines({}), 0.0, time.monotonic()

    @property
    def slots(self) -> int:  # type: ignore[override]
        """How many tasks of one thread run at a time."""
        return min(self.limit or self.machines.slots, self.machines.slots)

    def check(self) -> None:
        """Wait for a worker, and compare all versions with ours.

        Raises:
            PodiumError: there is no worker; or a version differs.
        """
        try:
            self.client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise PodiumError(_no_workers(self.address)) from None
        scheduler = {
            f"the scheduler at {self.address}": self.client.run_on_scheduler(self.question)
        }
        check_versions(self.here, scheduler)
        self.look()
        for line in self.machines.crowded():
            warn(f"{self.address}: {line}")

    def look(self) -> int:
        """See which workers are there now; returns how many.

        Raises:
            PodiumError: the scheduler is gone; or, before the first task, a worker has other
                versions. One that comes later is left out, with a warning.
        """
        try:
            slots = self.client.sync(self.client.scheduler.ncores, callback_timeout=ANSWER_SECONDS)
            new = [address for address in slots if address not in self.facts]
            found = self.client.run(self.question, workers=new, on_error="ignore") if new else {}
        except Exception:
            self._must_be_there()
            return len(self.machines.by_host)
        self.answered, first = time.monotonic(), not self.facts
        for address, facts in found.items():
            self._compare(address, facts, first)
        there = {a: f for a, f in self.facts.items() if a in slots and a not in self.refused}
        self.machines, self.looked = Machines.of(there, slots), time.monotonic()
        return len(slots)

    def _must_be_there(self) -> None:
        """After a question without an answer: a busy scheduler may be slow.

        Raises:
            PodiumError: it has closed the connection, or has not answered for long.
        """
        silent = time.monotonic() - self.answered > SILENT_SECONDS
        if self.client.status != "running" or silent or not self.facts:
            raise PodiumError(
                f"the Dask scheduler at {self.address} is gone; start it again, and run again"
            ) from None

    def _compare(self, address: str, facts: dict[str, Any], first: bool) -> None:
        try:
            check_versions(self.here, {f"the worker at {address}": facts})
        except PodiumError as error:
            if first:
                raise
            warn(f"left out: {error}")
            self.refused.add(address)
        self.facts[address] = facts

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
        return self._shared(value)  # type: ignore[return-value]

    def _shared(self, value: Any) -> _Shared:
        key = f"podium-data-{uuid.uuid4().hex}"
        with warnings.catch_warnings():
            # Of large data in a task, which is what is wanted here.
            warnings.filterwarnings("ignore", "Sending large graph")
            future = self.client.submit(task.restored, _pickled(value), key=key)
        return _Shared(self.client, future)

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
        job = _Job(self, function, items, threads, names, on_event)
        try:
            yield from job.results()
        finally:
            job.end()

    def _start(
        self,
        function: Callable[..., Any] | _Shared,
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
        except Exception as error:
            # Not what the task raised, which comes as a Failure.
            what = f"{type(error).__name__}: {error}"
            raise PodiumError(f"{name}: a worker could not start it: {what}") from error
        if isinstance(found, task.Failure):
            raise found.error()
        return found


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
        self.shared = cluster._shared(_Numbered(function, items))
        self.waiting = deque(range(len(items)))
        self.running: dict[int, Future[Any]] = {}
        # The worker that each of them was given to; where that one ends, another takes the task.
        self.places: dict[int, str] = {}
        self.arrived: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self.topic = f"podium-{uuid.uuid4().hex}"
        self.seen = time.monotonic()
        cluster.client.subscribe_topic(self.topic, self._take_event)

    def results(self) -> Iterator[tuple[int, Any]]:
        """Each item's number and result, as they come."""
        while self.waiting or self.running:
            while self.waiting and (address := self._free()):
                self._start(self.waiting.popleft(), address)
            number, event = self._next()
            if isinstance(event, Future):
                del self.running[number], self.places[number]
                yield number, self.cluster.result(event, self.names[number])
            elif self.on_event and number >= 0:
                self.on_event(number, event)

    def end(self) -> None:
        """Stop what still runs."""
        with suppress(Exception):
            for future in self.running.values():
                future.cancel()
            self.cluster.client.unsubscribe_topic(self.topic)

    def _free(self) -> str | None:
        """The worker with the most room for another task."""
        if self.cluster.limit and len(self.running) >= self.cluster.limit:
            return None
        busy = Counter(self.places.values())
        shares = self.cluster.machines.shares(self.threads)
        room = {address: count - busy[address] for address, count in shares.items()}
        address = max(room, key=lambda one: room[one], default=None)
        return address if address is not None and room[address] > 0 else None

    def _start(self, number: int, address: str) -> None:
        function, where = self.shared.on(address), placed_on(address)
        future = self.cluster._start(function, (number,), self.threads, where, self.topic, number)
        self.running[number], self.places[number] = future, address
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
        if time.monotonic() - self.cluster.looked > WATCH_SECONDS:
            self._look()
        with suppress(queue.Empty):
            return self.arrived.get(timeout=WATCH_SECONDS)
        return -1, None

    def _look(self) -> None:
        workers, now = self.cluster.look(), time.monotonic()
        self.seen = now if workers else self.seen
        if now - self.seen > WORKERS_SECONDS:
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
