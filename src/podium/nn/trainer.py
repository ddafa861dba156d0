"""Training one group of members together: the loop over epochs and steps."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from podium.config import NetworkParams
from podium.nn.callbacks import callbacks
from podium.nn.data import Data, GroupData, Member, Orders, Rows
from podium.nn.device import compute_type
from podium.nn.knobs.averaging import Averaging
from podium.nn.knobs.implicit import mean_of_losses
from podium.nn.knobs.losses import Loss, class_loss, regression_loss
from podium.nn.knobs.optimizers import Optimizer, selected
from podium.nn.knobs.schedules import factor, rate_factor
from podium.nn.knobs.stopping import EarlyStopping
from podium.nn.layers import Chain, Step
from podium.nn.network import build_network, padded_parameters
from podium.nn.observe import Observe, Snapshot
from podium.nn.outcome import EpochLog, Outcome
from podium.nn.own import rates, runs
from podium.nn.parameters import Parameter, Parameters
from podium.nn.rng import Rng

# Most activations of all layers and members in one pass at evaluation: 128 MiB of float32.
EVALUATION_SIZE = 2**25

# The metric of a member's predictions for its validation rows: member, predictions (rows, outputs).
Score = Callable[[Member, NDArray[np.float64]], float]
# The epochs done and each living member's ``valid_metric``, by index, to the members that leave.
Prune = Callable[[int, Mapping[int, float]], Collection[int]]


class Trainer:
    """Trains a group of members epoch by epoch."""

    def __init__(
        self,
        data: Data,
        members: Sequence[Member],
        device: torch.device,
        score: Score | None = None,
        prune: Prune | None = None,
        observe: Observe | None = None,
    ) -> None:
        # What members of a group have in common; of the rest each has its own.
        self.params = params = members[0].params
        self.task, self.device, self.score, self.prune = data.task, device, score, prune
        self.observe = observe
        self.data = GroupData(data, members, device)
        self.network = self._built()
        self.epoch = 0
        self.outcomes: list[Outcome] = []
        self.histories: dict[int, list[EpochLog]] = {member.index: [] for member in members}
        self.parameters = Parameters(self.network.parameters(), len(members), device)
        self.parameters.draw([member.seed for member in members], self._drawn_by(data))
        self.network.bind(self.parameters.values, self.parameters.grads)
        self._fit_to_rows()
        self.optimizer = Optimizer(self.parameters, self._each_params())
        self.averaging = Averaging(params, self.parameters) if params.averaging != "none" else None
        patience = [own.early_stopping for own in self._each_params() if own.early_stopping]
        self.stopping = EarlyStopping(patience, self.parameters) if patience else None
        self._prepare_steps()

    @property
    def members(self) -> list[Member]:
        """The members that are still training."""
        return self.data.members

    def _each_params(self) -> list[NetworkParams]:
        """The hyperparameters of each member that is still training."""
        return [member.params for member in self.members]

    def _built(self) -> Chain:
        """The network of the members that are still training."""
        columns, width = self.data.data.columns, self.task.width
        return build_network(self.params, columns, width, self._each_params())

    def run_epoch(self) -> None:
        """Train all members for one epoch, then retire those that are finished."""
        if not self.epoch:
            self._show()
        started = time.perf_counter()
        train_loss, rates = self._train_epoch()
        if self.averaging:
            self.averaging.after_epoch(self.parameters, self.epoch)
        diverged = ~np.isfinite(train_loss) | self._nonfinite_weights()
        valid_loss, metric = self._validate(diverged)
        stop_loss, out_of_patience = self._stop_early(diverged)
        # Without validation rows the curve shows the loss that early stopping uses.
        valid_loss = np.where(np.isnan(valid_loss), stop_loss, valid_loss)
        seconds = time.perf_counter() - started
        for place, member in enumerate(self.members):
            numbers = float(train_loss[place]), float(valid_loss[place]), float(metric[place])
            log = EpochLog(self.epoch, *numbers, rates[place], seconds)
            self.histories[member.index].append(log)
        self.epoch += 1
        self._show()
        at_end = np.array([self.epoch == member.epochs for member in self.members])
        ended = out_of_patience | at_end
        self._retire_finished(diverged, ended, self._pruned(metric) & ~ended & ~diverged)

    def _show(self) -> None:
        """Show the observer, if there is one, the members that train."""
        if self.observe is not None:
            values, grads = self.parameters.values, self.parameters.grads
            members = list(self.members)
            self.observe(Snapshot(self.epoch, members, values, grads, self.network, self.data))

    def leave(self) -> None:
        """Retire all members as they are."""
        nobody = np.zeros(len(self.members), dtype=bool)
        self._retire_finished(nobody, nobody, ~nobody)

    def _pruned(self, metric: list[float]) -> NDArray[np.bool_]:
        """Which members leave by the word of ``prune``."""
        indices = [member.index for member in self.members]
        leaving: Collection[int] = ()
        if self.prune is not None:
            leaving = self.prune(self.epoch, dict(zip(indices, metric, strict=True)))
        return np.isin(indices, list(leaving))

    def _drawn_by(self, data: Data) -> list[list[Parameter]]:
        """The parameters by which each member is drawn.

        Its table's own columns decide, and its own hyperparameters.
        """
        drawn: dict[tuple[int, int], list[Parameter]] = {}
        own = []
        for member in self.members:
            table = member.table if data.own is not None else 0
            columns = data.columns if data.own is None else data.own[table]
            key = id(member.params), table
            if key not in drawn:
                drawn[key] = padded_parameters(
                    member.params, columns, data.columns, data.task.width
                )
            own.append(drawn[key])
        return own

    def _fit_to_rows(self) -> None:
        """Compute what each member needs from its own training rows before the first step."""
        targets = []
        for place, member in enumerate(self.members):
            x, y, weight = self.data.member_rows(place, member.train, self.network.learns_from_rows)
            target = _target_scale(y, weight, self._standardizes_target())
            targets.append(torch.cat([target, *_bounds(y, weight)]) if self._clamps() else target)
            self.network.fit(place, x, weight)
        self.target = torch.stack(targets)
        if self._standardizes_target():
            self.data.standardize(self.target)

    def _standardizes_target(self) -> bool:
        return self.params.standardize_target and not self.task.classification

    def _clamps(self) -> bool:
        return self.params.clamps_output and not self.task.classification

    def _prepare_steps(self) -> None:
        """Set up what depends on the members that are still training."""
        self.orders = Orders(self.members, self.params.batch_size, self.device)
        self.runs = list(runs(self._each_params()))
        self.loss = self._loss()
        columns = self.data.data.columns
        self.callbacks = callbacks(self.task, self.members, columns, self.device)
        rng = Rng([member.seed for member in self.members], self.device)
        self.step = Step(
            training=True,
            rng=rng,
            views=rng,
            compute=compute_type(self.params, self.device),
        )

    def _loss(self) -> Loss:
        """The loss of the members that are still training."""
        if self.task.classification:
            return class_loss(self.params)
        return regression_loss(self._each_params(), self.device)

    def training_loss(self, out: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """What the steps minimize: the loss, or the mean of the implicit members' losses."""
        return mean_of_losses(self.loss, self.params.implicit)(out, y)

    @torch.no_grad()
    def _train_epoch(self) -> tuple[NDArray[np.float64], list[float]]:
        """One pass over the training rows; returns each member's mean loss and last rate."""
        total = torch.zeros(len(self.members), device=self.device)
        for index, rows in enumerate(self.orders.epoch(self.epoch)):
            self._set_schedules(self.epoch * self.orders.steps + index)
            total += self._train_step(rows, index)
        counts = [len(member.train) for member in self.members]
        return total.double().cpu().numpy() / counts, self._of_each(self.rates)

    def _set_schedules(self, number: int) -> None:
        """Set the step's number, and the rates and factors of each run of equal members."""
        self.step.number = number
        self.rates, self.decays, factors = [], [], []
        for params, _ in self.runs:
            steps = self.orders.steps * params.epochs
            done = number / steps
            factors.append(factor(params.dropout_schedule, params, done, steps))
            decay = factor(params.weight_decay_schedule, params, done, steps)
            self.decays.append(params.weight_decay * decay)
            self.rates.append(params.learning_rate * rate_factor(params, done, steps))
        self.step.dropout_factor = rates(self._of_each(factors))

    def _of_each(self, of_runs: list[float]) -> list[float]:
        """Each member's number from that of each run of equal members."""
        pairs = zip(of_runs, self.runs, strict=True)
        return [value for value, (_, own) in pairs for _ in range(own.start, own.stop)]

    def _train_step(self, rows: Tensor, index: int) -> Tensor:
        """One step of all members on their rows, (members, rows); returns the sums of losses."""
        counts = self.orders.counts[index]
        self.step.real = self.orders.real[index]
        x, y = self.data.inputs(rows, self.step), self.data.targets(rows)
        for callback in self.callbacks.on_batch:
            x, y = callback(x, y, counts, self.step.number)
        for noise in self.callbacks.on_weights:
            noise.add(self.parameters, self.step)
        value, grad = self.training_loss(self.network.forward(x, self.step), y)
        value, grad = self._weighted(value, grad, rows)
        self.network.backward(grad.div_(counts[:, None, None]), self.step)
        for noise in self.callbacks.on_weights:
            noise.remove(self.parameters)
        for change in self.callbacks.on_gradient:
            change(self.parameters)
        self.optimizer.step(self.rates, self.decays)
        if self.averaging:
            self.averaging.after_step(self.parameters)
        return value.sum(1)

    def _weighted(self, value: Tensor, grad: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Losses and gradients times the rows' weights; padding rows have weight zero."""
        for weight in (self.data.weights(rows), self.step.real):
            if weight is not None:
                weight = weight.view(*rows.shape)
                value = value * weight
                grad = grad * weight.repeat(1, self.params.implicit)[:, :, None]
        return value, grad

    def _validate(self, diverged: NDArray[np.bool_]) -> tuple[NDArray[np.float64], list[float]]:
        """Each member's loss and metric on its validation rows; NaN where it has none."""
        rows = [member.valid for member in self.members]
        if not any(len(own) for own in rows):
            nothing = [float("nan")] * len(rows)
            return np.array(nothing), nothing
        loss, outputs = self._evaluate(rows)
        metric = [
            self.score(member, out.numpy())
            if self.score and len(member.valid) and not failed
            else float("nan")
            for member, out, failed in zip(self.members, outputs, diverged, strict=True)
        ]
        return loss, metric

    def _stop_early(
        self, diverged: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """The loss on the held-out rows, and which members are out of patience."""
        if self.stopping is None:
            nothing = np.full(len(self.members), np.nan)
            return nothing, np.zeros(len(self.members), dtype=bool)
        loss, _ = self._evaluate([member.stop for member in self.members])
        finite_loss = np.where(diverged, np.inf, loss)
        flats = self._prediction_weights()
        return loss, self.stopping.after_epoch(self.epoch, finite_loss, self.parameters, flats)

    def _nonfinite_weights(self) -> NDArray[np.bool_]:
        """Which members have infinite or NaN weights; the loss may show it an epoch later."""
        sums = torch.stack([value.flatten(1).sum(1) for value in self.parameters.values.values()])
        return (~torch.isfinite(sums).all(0)).cpu().numpy()

    def _prediction_weights(self) -> dict[str, Tensor]:
        """The flat tensors used to predict: averaged weights if averaging is on, else current."""
        return self.averaging.flats if self.averaging else self.parameters.flat

    @torch.no_grad()
    def _evaluate(self, rows: list[Rows]) -> tuple[NDArray[np.float64], list[Tensor]]:
        """Each member's mean loss on its own rows, and its decoded predictions for them."""
        longest = max(len(own) for own in rows)
        padded = np.stack([np.resize(own, longest) if len(own) else np.zeros(longest, np.int64)
                           for own in rows])  # fmt: skip
        index = torch.from_numpy(padded.astype(np.int64)).to(self.device)
        self.network.bind(self.parameters.views(self._prediction_weights()), {})
        step = Step(compute=self.step.compute)
        values, weights, outputs = [], [], []
        for part in index.split(self._evaluation_rows(), dim=1):
            out = self.network.forward(self.data.inputs(part, step), step)
            mean = self.task.mean_outputs(out, self.params.implicit)
            value, weight = self.loss(mean, self.data.targets(part))[0], self.data.weights(part)
            values.append(value)
            weights.append(torch.ones_like(value) if weight is None else weight)
            outputs.append(self.task.predictions(out, self.target, self.params.implicit))
        self.network.bind(self.parameters.values, self.parameters.grads)
        together = torch.cat(outputs, dim=1)
        own = [together[place, : len(wanted)] for place, wanted in enumerate(rows)]
        return _own_means(values, weights, rows), own

    def _evaluation_rows(self) -> int:
        return max(1, EVALUATION_SIZE // (len(self.members) * self.network.row_size))

    def _retire_finished(
        self, diverged: NDArray[np.bool_], ended: NDArray[np.bool_], pruned: NDArray[np.bool_]
    ) -> None:
        """Remove members that diverged, ended or leave; their results stay, the others continue."""
        finished = diverged | ended | pruned
        for place in np.flatnonzero(finished):
            outcome = self._outcome(int(place), bool(diverged[place]))
            self.outcomes.append(replace(outcome, pruned=bool(pruned[place])))
        if finished.any():
            self._keep_only(torch.from_numpy(np.flatnonzero(~finished)).to(self.device))

    def _outcome(self, place: int, diverged: bool) -> Outcome:
        """A member's result with its final weights: the best, the averaged or the last ones."""
        member, flats, best_epoch = self.members[place], self._prediction_weights(), None
        if self.stopping is not None:
            best_epoch = int(self.stopping.epoch[place])
            flats = self.stopping.flats if self.params.best_weights else flats
        views = self.parameters.views(flats)
        state = {name: value[place].detach().cpu().clone() for name, value in views.items()}
        history = self.histories[member.index]
        return Outcome(member, state, self.target[place].cpu(), history, best_epoch, diverged)

    def _keep_only(self, kept: Tensor) -> None:
        """Drop all members but ``kept``, whose results are not affected."""
        self.data.keep(kept)
        if not self.members:
            return
        old = self.parameters
        state = selected(self.optimizer.state(), old, kept)
        self.parameters = Parameters(old.specs, len(kept), self.device)
        for kind in old.flat:
            self.parameters.flat[kind].copy_(old.select(old.flat[kind], kind, kept))
        self.network = self._built()
        self.network.bind(self.parameters.values, self.parameters.grads)
        self.target = self.target[kept]
        self.optimizer = Optimizer(self.parameters, self._each_params())
        self.optimizer.load(state)
        for copy in self._weight_copies().values():
            copy.keep(old, kept)
        self._prepare_steps()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that a resumed training needs, as tensors and as JSON data."""
        tensors = {f"weights/{kind}": flat for kind, flat in self.parameters.flat.items()}
        tensors |= {f"optimizer/{name}": value for name, value in self.optimizer.state().items()}
        facts: dict[str, Any] = {
            "epoch": self.epoch,
            "members": [member.index for member in self.members],
            "histories": {
                index: [vars(log) for log in logs] for index, logs in self.histories.items()
            },
            "outcomes": [outcome.facts() for outcome in self.outcomes],
        }
        for outcome in self.outcomes:
            prefix = f"outcome/{outcome.member.index}/"
            tensors |= {prefix + name: value for name, value in outcome.tensors().items()}
        for name, copy in self._weight_copies().items():
            tensors |= {f"{name}/{kind}": flat for kind, flat in copy.flats.items()}
            facts[name] = copy.facts()
        return tensors, facts

    def load_state(self, tensors: dict[str, Tensor], facts: dict[str, Any]) -> None:
        """Continue from ``state()`` of a trainer with the same members, data and parameters."""
        members = {member.index: member for member in self.members}
        self.outcomes = [
            Outcome.restored(
                members[own["index"]], _with_prefix(tensors, f"outcome/{own['index']}/"), own
            )
            for own in facts["outcomes"]
        ]
        self.epoch = facts["epoch"]
        self.histories = {
            int(index): [EpochLog(**log) for log in logs]
            for index, logs in facts["histories"].items()
        }
        places = [place for place, own in enumerate(self.members) if own.index in facts["members"]]
        self._keep_only(torch.tensor(places, dtype=torch.int64, device=self.device))
        if not self.members:
            return
        for kind, flat in _with_prefix(tensors, "weights/").items():
            self.parameters.flat[kind].copy_(flat)
        self.optimizer.load(_with_prefix(tensors, "optimizer/"))
        for name, copy in self._weight_copies().items():
            copy.load(_with_prefix(tensors, f"{name}/"), facts[name])

    def _weight_copies(self) -> dict[str, Averaging | EarlyStopping]:
        """The objects that hold weights beside the current ones: the average, the best epoch's."""
        copies = {"average": self.averaging, "best": self.stopping}
        return {name: copy for name, copy in copies.items() if copy is not None}


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, by the rest of their names."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _own_means(
    values: list[Tensor], weights: list[Tensor], rows: list[Rows]
) -> NDArray[np.float64]:
    """Each member's (weighted) mean over its own rows; NaN if it has none."""
    loss, weight = (torch.cat(parts, dim=1).double().cpu().numpy() for parts in (values, weights))
    real = np.arange(loss.shape[1]) < np.array([len(own) for own in rows])[:, None]
    weight = weight * real
    with np.errstate(invalid="ignore"):
        return np.where(real, loss * weight, 0.0).sum(1) / weight.sum(1)


def _target_scale(y: Tensor, weight: Tensor, standardize: bool) -> Tensor:
    """The targets' mean and standard deviation, (2, outputs); 0 and 1 if not standardized."""
    if not standardize:
        width = y.shape[1]
        return torch.stack([y.new_zeros(width), y.new_ones(width)]).double()
    # In units of the largest number, as a power of two, which is exact: so that squares are finite.
    largest = y.abs().amax(0).clamp(min=torch.finfo(y.dtype).tiny)
    unit = largest / (2.0 * torch.frexp(largest).mantissa)
    y = y / unit
    mean = (weight[:, None] * y).mean(0)
    std = (weight[:, None] * (y - mean).square()).mean(0).sqrt()
    return torch.stack([mean * unit, torch.where(std > 0, std * unit, 1.0)])


def _bounds(y: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the largest target of the rows of positive weight, (1, outputs) each."""
    low, high = torch.aminmax(y[weight > 0], dim=0, keepdim=True)
    return low.double(), high.double()
