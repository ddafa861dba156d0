"""What a test can let go wrong."""

from collections import deque
from dataclasses import dataclass

from kaggle_protocol.competition import Competition
from kaggle_protocol.messages import Answer


@dataclass
class Fault:
    """What goes wrong with the next calls of one name."""

    times: int
    answer: Answer | None = None  # Said instead of the right answer ...
    work: bool = False  # ... but after the work was done.
    silent: bool = False  # Nothing is said.
    hang: bool = False  # The connection stays open.
    after: int | None = None  # Bytes of the body that still go through.


@dataclass(eq=False)
class FaultyCompetition(Competition):
    """A competition whose calls go wrong as they are told to.

    Faults of one name happen in the order in which they were ordered.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        self.pace: float | None = None  # Bytes of a blob in a second.
        self._faults: dict[str, deque[Fault]] = {}

    def fail(
        self,
        rpc: str,
        status: int = 500,
        times: int = 1,
        message: str = "",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> None:
        """The next calls of this RPC (or "blob" or "upload") answer so.

        With the message in the error shape of now, or with a page of HTML as the whole body.
        """
        answer = self.error(status, message, storage=rpc in ("blob", "upload"))
        if body is not None:
            answer = Answer(status, {"Content-Type": "text/html"}, body)
        answer.headers.update(headers or {})
        self._order(rpc, Fault(times, answer))

    def hang(self, rpc: str, times: int = 1, after: int | None = None, work: bool = False) -> None:
        """The next calls are never answered, or not further than `after` bytes of the body.

        With `work` they are carried out all the same.
        """
        self._order(rpc, Fault(times, work=work, silent=after is None, hang=True, after=after))

    def drop(self, rpc: str = "blob", after: int = 0, times: int = 1) -> None:
        """The next calls lose their connection after so many bytes of the body.

        Of an upload it is the body that comes in, of all others the one that goes out.
        """
        self._order(rpc, Fault(times, after=after))

    def lose_answer(
        self, rpc: str = "CreateSubmission", times: int = 1, answer: int | None = None
    ) -> None:
        """The next calls are carried out, and then cut off, or answered with this status."""
        said = None if answer is None else self.error(answer, "")
        self._order(rpc, Fault(times, said, work=True, silent=said is None))

    def truncate(self, by: int) -> None:
        """From now on the archive lacks its last bytes, with headers that say so too."""
        self.cut = by

    def throttle(self, bytes_per_second: float | None) -> None:
        """Blobs that are asked for from now on come slowly."""
        self.pace = bytes_per_second

    def _order(self, name: str, fault: Fault) -> None:
        with self.lock:
            self._faults.setdefault(name, deque()).append(fault)

    def next_fault(self, name: str) -> Fault | None:
        """What goes wrong with this call."""
        with self.lock:
            waiting = self._faults.get(name)
            if not waiting:
                return None
            fault = waiting[0]
            fault.times -= 1
            if fault.times <= 0:
                waiting.popleft()
            return fault
