"""Flat tensors: every parameter's part is a view of its own, and members can be taken out."""

import pytest
import torch

from nn_help import CPU
from podium.nn.parameters import FREE, RUNNING, WEIGHT, Parameter, Parameters, ones, zeros


def drawn(*shape: int):
    return lambda generator: torch.randn(shape, generator=generator)


SPECS = [
    Parameter("first.weight", (3, 5), WEIGHT, drawn(3, 5)),
    Parameter("first.bias", (1, 5), FREE, zeros(1, 5)),
    Parameter("mean", (1, 5), RUNNING, ones(1, 5)),
    Parameter("second.weight", (2, 5, 1), WEIGHT, drawn(2, 5, 1)),
    Parameter("second.bias", (1, 1), FREE, drawn(1, 1)),
]


def parameters(seeds=(0, 1, 2)) -> Parameters:
    made = Parameters(SPECS, len(seeds), CPU)
    made.draw(seeds)
    return made


def test_a_slot_is_a_contiguous_aligned_view_of_its_flat_tensor():
    made = parameters()
    for parameter in SPECS:
        value, flat = made.values[parameter.name], made.flat[parameter.kind]
        assert value.shape == (3, *parameter.shape)
        assert value.is_contiguous()
        assert (value.data_ptr() - flat.data_ptr()) % 64 == 0
        flat.fill_(7)
        assert (value == 7).all()


def test_slots_do_not_overlap():
    made = parameters()
    for number, value in enumerate(made.values.values()):
        value.fill_(number)
    for number, value in enumerate(made.values.values()):
        assert (value == number).all()


def test_only_what_is_trained_has_gradients():
    assert set(parameters().grads) == {
        parameter.name for parameter in SPECS if parameter.kind != RUNNING
    }


def test_a_member_starts_the_same_whoever_is_beside_it():
    together, alone = parameters((4, 5, 6)), parameters((5,))
    for name, value in alone.values.items():
        assert torch.equal(together.values[name][1], value[0])
    weight = together.values["first.weight"]
    assert not torch.equal(weight[0], weight[1])


@pytest.mark.parametrize("kept", [[0], [2, 0], [0, 1, 2]])
def test_selected_members_keep_their_numbers_in_the_smaller_layout(kept):
    made = parameters()
    smaller = Parameters(SPECS, len(kept), CPU)
    flats = {kind: made.select(flat, kind, torch.tensor(kept)) for kind, flat in made.flat.items()}
    for name, value in smaller.views(flats).items():
        assert torch.equal(value, made.values[name][kept])


def test_a_kind_that_no_slot_has_is_empty():
    lone = Parameters(SPECS[:1], 2, CPU)
    assert lone.flat[FREE].numel() == lone.flat[RUNNING].numel() == 0
    assert set(lone.values) == {"first.weight"}
