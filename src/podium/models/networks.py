"""Networks as models of the pipeline: every fold and seed is a member of one batched training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from podium.config import LinearParams, MLPParams, NetworkParams
from podium.models.base import Fit, SplitFit
from podium.nn.network import MemberNetworks
from podium.nn.train import Epoch, Members, predict_members, train_members

Array = NDArray[np.float64]


def fit_mlp(fit: Fit) -> list[SplitFit]:
    """The regularized multilayer perceptron."""
    params: MLPParams = fit.params
    return _fit_network(
        fit,
        params,
        hidden=params.hidden,
        activation=params.activation,
        dropout=params.dropout,
        input_dropout=params.input_dropout,
    )


def fit_linear(fit: Fit) -> list[SplitFit]:
    """The textbook's linear (or softmax) regression: a network without hidden layers."""
    params: LinearParams = fit.params
    return _fit_network(fit, params, hidden=[], activation="relu", dropout=0, input_dropout=0)


@dataclass(frozen=True)
class _Scale:
    """Centre and spread of the training target of each split, shape (splits,)."""

    mean: Tensor
    std: Tensor


def _fit_network(
    fit: Fit,
    params: NetworkParams,
    hidden: Sequence[int],
    activation: str,
    dropout: float,
    input_dropout: float,
) -> list[SplitFit]:
    scale = _target_scale(fit, params)
    members = _members(fit, params, scale)
    network = MemberNetworks(
        members.seeds,
        members.x.shape[2],
        hidden,
        fit.target.outputs,
        activation,
        dropout,
        input_dropout,
    )
    epochs = _train(fit, network, members, params)
    return _split_fits(fit, params, network, members, scale, epochs)


def _target_scale(fit: Fit, params: NetworkParams) -> _Scale:
    splits = fit.dataset.splits
    if not (fit.target.is_regression and params.standardize_target):
        return _Scale(torch.zeros(len(splits)), torch.ones(len(splits)))
    own = [fit.y[split.train_rows] for split in splits]
    spread = [float(y.std()) or 1.0 for y in own]
    return _Scale(torch.tensor([float(y.mean()) for y in own]), torch.tensor(spread))


def _members(fit: Fit, params: NetworkParams, scale: _Scale) -> Members:
    splits = fit.dataset.splits
    train = fit.dataset.train
    matrices = _same_width([split.transform.dense(train) for split in splits])
    y = torch.tensor(fit.y)
    if fit.target.is_regression:
        centred = (y[None, :] - scale.mean[:, None]) / scale.std[:, None]
        targets = centred.float()[:, :, None]
    else:
        targets = y.long().repeat(len(splits), 1)
    pairs = [(index, seed) for index in range(len(splits)) for seed in range(params.seeds)]
    return Members(
        x=matrices,
        y=targets,
        split_of=torch.tensor([index for index, _ in pairs]),
        train_rows=[splits[index].train_rows for index, _ in pairs],
        valid_rows=[splits[index].valid_rows for index, _ in pairs],
        seeds=[_member_seed(params, index, seed) for index, seed in pairs],
        outputs=fit.target.outputs,
        classification=not fit.target.is_regression,
    )


def _member_seed(params: NetworkParams, split: int, seed: int) -> int:
    """A seed of its own for every member, the same however many members there are."""
    return int(np.random.SeedSequence([params.seed, split, seed]).generate_state(1)[0])


def _same_width(matrices: list[Array]) -> Tensor:
    """Stack the splits' matrices; a fold that saw fewer levels gets zero columns at its end."""
    width = max(matrix.shape[1] for matrix in matrices)
    stacked = np.zeros((len(matrices), len(matrices[0]), width), dtype=np.float32)
    for index, matrix in enumerate(matrices):
        stacked[index, :, : matrix.shape[1]] = matrix
    return torch.from_numpy(stacked)


def _train(
    fit: Fit, network: MemberNetworks, members: Members, params: NetworkParams
) -> list[Epoch]:
    splits = len(fit.dataset.splits)
    fit.reporter.start(params.epochs)
    epochs = []
    for epoch in train_members(network, members, params):
        epochs.append(epoch)
        what = f"folds 1-{splits} x {params.seeds} seeds  epoch {epoch.index + 1}/{params.epochs}"
        fit.reporter.update(epoch.index + 1, what, float(epoch.valid_loss.mean()))
    return epochs


def _split_fits(
    fit: Fit,
    params: NetworkParams,
    network: MemberNetworks,
    members: Members,
    scale: _Scale,
    epochs: list[Epoch],
) -> list[SplitFit]:
    """Predictions of each split: the mean over its seeds, on the model scale."""
    splits = fit.dataset.splits
    on_train = _predict(network, members.x, members, scale, fit)
    tests = [split.transform.dense(fit.dataset.test) for split in splits]
    on_test = _predict(network, _padded_to(tests, members.x.shape[2]), members, scale, fit)
    fits = []
    for index, split in enumerate(splits):
        own = slice(index * params.seeds, (index + 1) * params.seeds)
        fits.append(
            SplitFit(
                valid=on_train[own, split.valid_rows].mean(axis=0),
                test=on_test[own].mean(axis=0),
                history=_history(epochs, own),
                details={"features": float(len(split.transform.feature_names))},
                weights={"safetensors": _weights(network, own, scale, index)},
            )
        )
    return fits


def _padded_to(matrices: list[Array], width: int) -> Tensor:
    stacked = _same_width(matrices)
    return torch.nn.functional.pad(stacked, (0, width - stacked.shape[2]))


def _predict(
    network: MemberNetworks, x: Tensor, members: Members, scale: _Scale, fit: Fit
) -> Array:
    out = predict_members(network, x, members.split_of).double()
    if fit.target.is_regression:
        std, mean = scale.std[members.split_of], scale.mean[members.split_of]
        return (out * std[:, None, None] + mean[:, None, None]).numpy()
    return torch.softmax(out, dim=2).numpy()


def _history(epochs: list[Epoch], own: slice) -> list[dict[str, float]]:
    return [
        {
            "seed": seed,
            "step": epoch.index,
            "train_loss": float(epoch.train_loss[own][seed]),
            "valid_loss": float(epoch.valid_loss[own][seed]),
            "learning_rate": epoch.learning_rate,
        }
        for seed in range(len(epochs[0].train_loss[own]))
        for epoch in epochs
    ]


def _weights(network: MemberNetworks, own: slice, scale: _Scale, split: int) -> bytes:
    """A split's members as safetensors: layers (seeds, inputs, outputs), and the target's scale."""
    tensors = {
        name: value[own].contiguous().clone() for name, value in network.state_dict().items()
    }
    tensors["target_mean"] = scale.mean[split].reshape(1).clone()
    tensors["target_std"] = scale.std[split].reshape(1).clone()
    return bytes(save(tensors))
