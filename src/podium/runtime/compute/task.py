"""One task on a worker of the cluster: its threads, what it tells, how it ends and fails."""

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from traceback import format_exc
from typing import Any

from podium.io.errors import PodiumError
from podium.runtime.resources import share_cores

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


class Cancelled(BaseException):  # noqa: N818
    """The parent no longer wants the task's result."""


@dataclass(frozen=True)
class Place:
    """A task on its worker: where it reports to, and how to ask whether it is still wanted."""

    send: Callable[[Any], None]
    is_cancelled: Callable[[], bool]


@dataclass(frozen=True)
class Failure:
    """An exception as its parts: those with arguments of their own can't be pickled whole."""

    kind: type[Exception]
    arguments: tuple[Any, ...]
    state: dict[str, Any]
    trace: str

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """What a task raised."""
        return cls(type(error), error.args, vars(error), format_exc())

    def error(self) -> Exception:
        """The exception, with the worker's traceback as a note."""
        error = self.kind.__new__(self.kind)
        error.args = self.arguments
        vars(error).update(self.state)
        if not isinstance(error, PodiumError):
            error.add_note(f"on a worker:\n{self.trace}")
        return error


_place: ContextVar[Place | None] = ContextVar("place", default=None)


def in_task() -> bool:
    """Whether this is a task on a worker of a cluster."""
    return _place.get() is not None


def tell(event: Any) -> None:
    """In a task, pass something on to ``on_event`` of the parent; elsewhere do nothing."""
    place = _place.get()
    if place is not None:
        place.send(event)


def stop_if_cancelled() -> None:
    """End the task if nobody waits for it any more; elsewhere do nothing.

    Raises:
        Cancelled: the parent was stopped, or has ended.
    """
    place = _place.get()
    if place is not None and place.is_cancelled():
        raise Cancelled


def run(function: Callable[..., Any], arguments: tuple[Any, ...], threads: int, topic: str,
        number: int) -> Any:  # fmt: skip
    """Do one task with so many threads; returns its result, or a ``Failure``."""
    from cloudpickle import dumps
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def send(event: Any) -> None:
        if topic:
            worker.log_event(topic, dumps((number, event)))

    def is_cancelled() -> bool:
        state = worker.state.tasks.get(key)
        return state is None or state.state == "cancelled"

    _keep_memory()
    token = _place.set(Place(send, is_cancelled))
    share_cores(threads)
    try:
        with _limited(threads):
            return function(*arguments)
    except Exception as error:
        return Failure.of(error)
    finally:
        share_cores(None)
        _place.reset(token)


@cache
def _keep_memory() -> None:
    """Let malloc keep freed memory, as it does in other processes (glibc's largest own values).

    Dask's nanny sets MALLOC_TRIM_THRESHOLD_ to 64 KiB, and with it every array above 128 KiB is
    fetched from the system anew: tensors of 1.5 MB take 2.6 times as long.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * 2**20)
        libc.mallopt(M_TRIM_THRESHOLD, 64 * 2**20)


class _BlasLimit:
    """The threads of BLAS, which are the whole process's: set by the first of its tasks."""

    def __init__(self) -> None:
        self.lock, self.tasks = threading.Lock(), 0
        self.limit: AbstractContextManager[Any] = nullcontext()

    def enter(self, threads: int) -> None:
        from threadpoolctl import threadpool_limits

        with self.lock:
            if not self.tasks:
                self.limit = threadpool_limits(threads, "blas")
                self.limit.__enter__()
            self.tasks += 1

    def leave(self) -> None:
        with self.lock:
            self.tasks -= 1
            if not self.tasks:
                self.limit.__exit__(None, None, None)


_blas = _BlasLimit()


@contextmanager
def _limited(threads: int) -> Iterator[None]:
    """So many threads for BLAS, and for OpenMP, whose limit is the calling thread's."""
    from threadpoolctl import threadpool_limits

    _blas.enter(threads)
    try:
        with threadpool_limits(threads, "openmp"):
            yield
    finally:
        _blas.leave()


def restored(blob: bytes) -> Any:
    """What the parent shares, from Dask's own channel."""
    from cloudpickle import loads

    return loads(blob)


def same(value: Any) -> Any:
    """A value that a worker keeps, whatever becomes of the key that it came by."""
    return value
