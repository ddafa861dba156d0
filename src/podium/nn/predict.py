"""Predicting with trained members; dropout is off, or on for Monte-Carlo dropout."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.io.errors import PodiumError
from podium.nn.data import Inputs, Rows, Tables, Task, read_table
from podium.nn.device import compute_type, device_of, worker_pool
from podium.nn.knobs.inputs import Columns
from podium.nn.layers import Step
from podium.nn.network import build_network
from podium.nn.outcome import Outcome
from podium.nn.own import structures
from podium.nn.parameters import Parameters
from podium.nn.rng import Rng
from podium.nn.trainer import EVALUATION_SIZE

# First step numbers of random passes, apart from those of training: of Monte-Carlo dropout, and of
# augmented copies of the inputs. ``CHUNKS`` is the range of step numbers of one pass.
MC_STEPS, VIEW_STEPS, CHUNKS = 2**40, 2**41, 2**20
# Rows per chunk in random passes of a table.
MC_ROWS = 1024
# Rows per chunk of inputs that are made on the fly: few stay in a core's cache, many are worth a
# GPU's launches. A chunk's number is part of the RNG key: augmented copies differ between the two.
VIEW_ROWS = {"cpu": 256, "cuda": 4096}

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """Members that predict the same rows of the same table; all rows if ``rows`` is None."""

    table: int
    rows: Rows | None
    outcomes: list[Outcome]


class Predictor:
    """Members ready to predict."""

    def __init__(self, columns: Columns, task: Task, outcomes: Sequence[Outcome]) -> None:
        self.columns, self.task, self.outcomes = columns, task, list(outcomes)
        self.device = device_of(outcomes[0].member.params)

    def predict(self, tables: Tables, rows: Sequence[Rows] | None = None) -> list[Array]:
        """Numbers, or the probability of each class; shape (rows, outputs) for each member.

        ``rows`` lists the rows to predict per member; all rows of its table by default.
        With ``tta``: the mean over the inputs and ``tta`` augmented copies of them.
        """
        return self._predict(tables, rows, None)

    def std(
        self, tables: Tables, passes: int, rows: Sequence[Rows] | None = None
    ) -> tuple[list[Array], list[Array]]:
        """Mean and standard deviation over ``passes`` predictions with dropout on.

        Raises:
            PodiumError: the members have no dropout.
        """
        if not all(outcome.member.params.has_dropout for outcome in self.outcomes):
            raise PodiumError("Monte-Carlo dropout needs dropout: set dropout above 0")
        total = [np.zeros(1)] * len(self.outcomes)
        squares = list(total)
        for index in range(passes):
            drawn = self._predict(tables, rows, index)
            total = [old + new for old, new in zip(total, drawn, strict=True)]
            squares = [old + new**2 for old, new in zip(squares, drawn, strict=True)]
        means = [own / passes for own in total]
        stds = [
            np.sqrt(np.maximum(square / passes - mean**2, 0.0))
            for square, mean in zip(squares, means, strict=True)
        ]
        return means, stds

    def _predict(
        self, tables: Tables, rows: Sequence[Rows] | None, mc_pass: int | None
    ) -> list[Array]:
        if rows is not None:
            rows = [np.ascontiguousarray(own, dtype=np.int64) for own in rows]
        jobs = self._jobs(tables, rows)
        parts: dict[int, Array] = {}
        # Making inputs on the fly takes most of the time, so each core makes and predicts a fold's.
        most = len(jobs) if isinstance(tables, Inputs) else 1
        with worker_pool(self.device, most) as pool:
            done = pool.map(lambda job: self._job(tables, job, mc_pass), jobs)
            for job, predicted in zip(jobs, done, strict=True):
                parts |= {
                    outcome.member.index: part
                    for outcome, part in zip(job.outcomes, predicted, strict=True)
                }
        for outcome in self.outcomes:
            if outcome.diverged:
                parts[outcome.member.index][:] = np.nan
        return [parts[outcome.member.index] for outcome in self.outcomes]

    def _jobs(self, tables: Tables, rows: Sequence[Rows] | None) -> list[Job]:
        """Members grouped by the table and rows they predict."""
        shared = isinstance(tables, np.ndarray)
        layouts = structures([outcome.member.params for outcome in self.outcomes])

        def key(place: int) -> tuple[int, bytes, str]:
            table = 0 if shared else self.outcomes[place].member.table
            return table, b"" if rows is None else rows[place].tobytes(), layouts[place]

        jobs = []
        for (table, *_), same in groupby(sorted(range(len(self.outcomes)), key=key), key):
            places = list(same)
            wanted = None if rows is None else rows[places[0]]
            jobs.append(Job(table, wanted, [self.outcomes[place] for place in places]))
        return jobs

    @torch.no_grad()
    def _job(self, tables: Tables, job: Job, mc_pass: int | None) -> Array:
        """The job's predictions, shape (members, rows, outputs)."""
        members = [outcome.member.params for outcome in job.outcomes]
        network = build_network(members[0], self.columns, self.task.width, members)
        parameters = Parameters(network.parameters(), len(job.outcomes), self.device)
        for name, value in parameters.values.items():
            value.copy_(torch.stack([outcome.state[name] for outcome in job.outcomes]))
        network.bind(parameters.values, {})
        target = torch.stack([outcome.target for outcome in job.outcomes])
        passes = []
        views = 1 + members[0].changed_copies if mc_pass is None else 1
        for view in range(views):
            parts = [
                self.task.predictions(network.forward(x, step), target, members[0].implicit)
                for x, step in self._chunks(tables, job, network.row_size, mc_pass, view)
            ]
            passes.append(torch.cat(parts, dim=1))
        return torch.stack(passes).mean(0).numpy()

    def _chunks(
        self, tables: Tables, job: Job, row_size: int, mc_pass: int | None, view: int
    ) -> Iterator[tuple[Tensor, Step]]:
        """The rows in chunks that fit into memory, the same for every member."""
        members, steps = len(job.outcomes), self._steps(job.outcomes, mc_pass, view)
        if isinstance(tables, Inputs):
            rows = np.arange(len(tables)) if job.rows is None else job.rows
            wanted = torch.from_numpy(rows).to(self.device)
            fold = torch.full((members,), job.table, device=self.device)
            chunks = wanted.split(VIEW_ROWS[self.device.type])
            for part, step in zip(chunks, steps, strict=False):
                yield tables.read(part.expand(members, -1), fold, step), step
            return
        table = read_table(tables, job.table)
        table = table if job.rows is None else table[torch.from_numpy(job.rows)]
        # With dropout on, the chunk size doesn't depend on the number of members, because a chunk's
        # number is part of the RNG key.
        fitting = max(1, EVALUATION_SIZE // (members * row_size))
        chunks = table.split(fitting if mc_pass is None else MC_ROWS)
        for x, step in zip(chunks, steps, strict=False):
            yield x.to(self.device).expand(members, *x.shape), step

    def _steps(self, outcomes: Sequence[Outcome], mc_pass: int | None, view: int) -> Iterator[Step]:
        """The ``Step`` of each chunk; in random passes each has its own step number."""
        rng = Rng([outcome.member.seed for outcome in outcomes], self.device)
        compute = compute_type(outcomes[0].member.params, self.device)
        for chunk in range(CHUNKS):
            if mc_pass is not None:
                number = MC_STEPS + mc_pass * CHUNKS + chunk
                yield Step(rng=rng, number=number, compute=compute)
            else:
                number = VIEW_STEPS + view * CHUNKS + chunk
                yield Step(views=rng if view else None, number=number, compute=compute)


def pooled(mean: Array, std: Array) -> tuple[Array, Array]:
    """Mean and std over all members and passes, from each member's mean and std over its passes.

    Shapes (members, rows, outputs) to (rows, outputs).
    """
    center = mean.mean(axis=0)
    variance = (std**2).mean(axis=0) + ((mean - center) ** 2).mean(axis=0)
    return center, np.sqrt(variance)
