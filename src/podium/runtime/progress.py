"""Long work, shown: a bar on a terminal, plain lines anywhere else."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from podium.io.errors import warn
from podium.runtime import compute

SECONDS_BETWEEN_LINES = 10.0
# The bar's line: its times (below an hour), and all of it.
TIMES_WIDTH = len("59:59 elapsed, 59:59 left")
MOST_WIDTH = 100
# The newest (step, value) of curves by name.
Points = Mapping[str, tuple[int, float]]


class Reporter:
    """What training code tells about where it is. This one says nothing.

    It stays in its process: what is sent to a worker of a cluster is one that sends warnings back.
    """

    on_points: Callable[[Points], None] | None = None

    def __reduce__(self) -> tuple[Callable[..., "Reporter"], tuple[()]]:
        return WarningsBack, ()

    def start(self, total: float) -> None:
        """Begin; ``total`` is the number of steps of the whole work, in any unit."""

    def update(self, done: float, what: str, loss: float | None = None) -> None:
        """So many steps are done; ``what`` says where (``fold 2/5  epoch 30/100``)."""

    def resume(self, done: float, what: str) -> None:
        """So many steps had been done by an earlier run."""

    def warn(self, text: str) -> None:
        """Something went wrong that doesn't stop the work."""

    def points(self, points: Points) -> None:
        """Curves have grown: for whoever shows them while they do."""
        if self.on_points:
            self.on_points(points)


class WarningsBack(Reporter):
    """On a worker: passes warnings on to the parent, which has a reporter that shows them."""

    def warn(self, text: str) -> None:
        """Pass it on."""
        compute.tell(text)


SILENT = Reporter()


@contextmanager
def reporting(
    title: str, console: Console, on_points: Callable[[Points], None] | None = None
) -> Iterator[Reporter]:
    """A reporter for one piece of work: a bar if ``console`` is a terminal, else lines.

    ``on_points`` gets the points of curves as they grow.
    """
    if console.quiet or not console.is_interactive:
        lines = _Lines(title, console)
        lines.on_points = on_points
        yield lines
        lines.finish()
        return
    columns = (
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=None, table_column=Column(ratio=1, min_width=10)),
        _Times(table_column=Column(no_wrap=True, min_width=TIMES_WIDTH)),
    )
    with _TwoLines(*columns, console=console) as progress:
        bar = _Bar(title, progress)
        bar.on_points = on_points
        yield bar


def _describe(what: str, loss: float | None) -> str:
    return what if loss is None else f"{what}  loss {loss:.4f}"


class _Times(ProgressColumn):
    """How long the work has taken, and how long it will."""

    def render(self, task: Task) -> Text:
        """``1:12 elapsed, 9:30 left``; a time that is not known yet is left out."""
        times = {"elapsed": task.finished_time or task.elapsed, "left": task.time_remaining}
        known = (f"{_clock(at)} {name}" for name, at in times.items() if at is not None)
        return Text(", ".join(known), no_wrap=True)


def _clock(seconds: float) -> str:
    """``9:30``, or ``1:09:30`` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class _TwoLines(Progress):
    """The bar with its times, and below it where the work is: both fit a terminal of 80 columns."""

    def get_renderables(self) -> Iterator[RenderableType]:
        """The two lines, as wide as the bar may be."""
        for task in self.tasks:
            table = self.make_tasks_table([task])
            table.expand, table.width = True, min(self.console.width, MOST_WIDTH)
            yield table
            yield Text(f"  {task.fields['what']}", no_wrap=True, overflow="ellipsis")


class _Bar(Reporter):
    def __init__(self, title: str, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task(title, total=None, what="")

    def start(self, total: float) -> None:
        self.progress.update(self.task, total=total)

    def update(self, done: float, what: str, loss: float | None = None) -> None:
        self.progress.update(self.task, completed=done, what=_describe(what, loss))

    def resume(self, done: float, what: str) -> None:
        self.progress.console.print(what)
        self.progress.update(self.task, completed=done)

    def warn(self, text: str) -> None:
        self.progress.console.print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


class _Lines(Reporter):
    """A line every few seconds and one at the end, so that a log stays readable."""

    def __init__(self, title: str, console: Console) -> None:
        self.title, self.console = title, console
        self.started = self.spoken = time.monotonic()
        self.total, self.resumed, self.last = 0.0, 0.0, ""

    def start(self, total: float) -> None:
        self.total = total
        self.started = self.spoken = time.monotonic()

    def update(self, done: float, what: str, loss: float | None = None) -> None:
        now = time.monotonic()
        self.last = _describe(what, loss)
        if now - self.spoken >= SECONDS_BETWEEN_LINES and 0 < done < self.total:
            self.spoken = now
            left = (now - self.started) * (self.total - done) / max(1.0, done - self.resumed)
            self._say(f"{self.last}  {now - self.started:.0f} s, {left:.0f} s left")

    def resume(self, done: float, what: str) -> None:
        self.resumed = done
        self._say(what)

    def warn(self, text: str) -> None:
        if self.console.quiet:
            warn(f"{self.title}: {text}")
        self._say(f"warning: {text}")

    def finish(self) -> None:
        self._say(f"{self.last}  {time.monotonic() - self.started:.1f} s")

    def _say(self, text: str) -> None:
        self.console.print(f"{self.title}  {text}", highlight=False, soft_wrap=True)
