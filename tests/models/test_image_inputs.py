"""Images as networks read them: standardized by the fold, changed where draws say, not copied."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from image_help import CHANGES, make_images
from podium.config import ImageMLPParams
from podium.data.images.dataset import Moments, read_dataset, write_dataset
from podium.models.image_inputs import SIZES, ImageInputs, _Random
from podium.nn.layers import Step
from podium.nn.rng import Rng

CPU = torch.device("cpu")
SHAKEN = {name: value for name, value in CHANGES.items() if name != "erase_probability"}


def inputs(dataset=None, images=None, **knobs) -> ImageInputs:
    dataset = dataset or make_images()
    params = ImageMLPParams(**knobs)
    return ImageInputs(dataset.train if images is None else images, dataset.splits, params)


def drawing(seeds=(0, 1), number: int = 0) -> Step:
    """A training step of members of these seeds."""
    return Step(training=True, views=Rng(list(seeds), CPU), number=number)


def rows(members: int = 2, count: int = 10) -> torch.Tensor:
    """The same rows for each member."""
    return torch.arange(count).expand(members, -1)


def folds(*numbers: int) -> torch.Tensor:
    return torch.tensor(numbers)


# What is read.


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_columns(channels):
    made = inputs(make_images(channels))
    assert len(made) == 120
    assert made.columns.total == 64 * channels
    assert made.columns.image == (8, 8, channels)
    assert made.read(rows(3, 7), folds(0, 1, 2), Step()).shape == (3, 7, 64 * channels)
    assert len(inputs(images=make_images().test)) == 40


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_are_standardized_by_the_moments_of_each_members_fold(channels):
    dataset = make_images(channels)
    # Folds that differ much.
    dataset = replace(
        dataset,
        moments={
            name: Moments(np.linspace(0.1, 0.4, channels) + fold, np.full(channels, 0.5 + fold))
            for fold, name in enumerate(dataset.moments)
        },
    )
    made = inputs(dataset)
    wanted = torch.tensor([[3, 119, 3], [0, 1, 2]])
    out = made.read(wanted, folds(2, 0), Step())
    for member, fold in enumerate((2, 0)):
        dense, _ = dataset.dense(dataset.splits[fold])
        assert np.allclose(out[member].numpy(), dense[wanted[member]], atol=1e-5)
    # Each member sees a fold of its own even where the rows are the same.
    both = made.read(rows(), folds(1, 3), Step())
    assert not torch.allclose(both[0], both[1])


def test_training_rows_of_a_fold_have_mean_0_and_std_1_in_every_channel():
    dataset = make_images(3)
    own = torch.from_numpy(dataset.splits[1].train_rows)[None]
    out = inputs(dataset).read(own, folds(1), Step()).view(-1, 3)
    assert torch.allclose(out.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(out.std(0, unbiased=False), torch.ones(3), atol=1e-4)


def test_test_images_are_standardized_as_training_images_are():
    dataset = make_images()
    out = inputs(dataset, dataset.test).read(rows(1, 40), folds(2), Step())
    assert np.allclose(out[0].numpy(), dataset.dense(dataset.splits[2])[1], atol=1e-5)


def test_reading_changes_no_pixel_and_gives_memory_of_its_own():
    dataset = make_images()
    before = dataset.train.copy()
    made = inputs(dataset, **SHAKEN)
    for step in (Step(), drawing(), replace(drawing(), training=False)):
        first = made.read(rows(), folds(0, 1), step)
        kept = first.clone()
        made.read(rows() + 20, folds(0, 1), step)
        assert torch.equal(first, kept)
    assert (dataset.train == before).all()


# What is changed.


def test_images_are_changed_only_where_the_step_draws():
    made = inputs(**SHAKEN)
    plain = inputs().read(rows(), folds(0, 1), Step())
    assert torch.equal(made.read(rows(), folds(0, 1), Step()), plain)
    # Dropout's draws are no draws for images.
    dropping = Step(training=True, rng=Rng([0, 1], CPU))
    assert torch.equal(made.read(rows(), folds(0, 1), dropping), plain)
    changed = made.read(rows(), folds(0, 1), drawing())
    assert ((changed - plain).abs().amax(2) > 0.1).all()


def test_without_knobs_draws_change_nothing():
    assert torch.equal(
        inputs().read(rows(), folds(0, 0), drawing()), inputs().read(rows(), folds(0, 0), Step())
    )


@pytest.mark.parametrize("knob", SHAKEN)
def test_every_knob_changes_images(knob):
    knobs = {knob: SHAKEN[knob]}
    plain = inputs().read(rows(), folds(0, 0), Step())
    changed = inputs(**knobs).read(rows(), folds(0, 0), drawing())
    assert (changed - plain).abs().max() > 0.01


@pytest.mark.parametrize("knob", SHAKEN)
def test_members_steps_and_rows_draw_their_own(knob):
    made = inputs(**{knob: SHAKEN[knob]})
    same_image = torch.zeros(2, 30, dtype=torch.int64)
    steps = [made.read(same_image, folds(0, 0), drawing(number=number)) for number in (0, 1)]
    assert not torch.equal(steps[0], steps[1])
    for out in steps:
        assert not torch.equal(out[0], out[1])
        assert len({row.numpy().tobytes() for row in out[0]}) > 1
    assert torch.equal(steps[1], made.read(same_image, folds(0, 0), drawing(number=1)))


@pytest.mark.parametrize("knob", [*SHAKEN, "all"])
def test_a_member_alone_draws_what_it_draws_in_a_group(knob):
    made = inputs(**(SHAKEN if knob == "all" else {knob: SHAKEN[knob]}))
    group = made.read(rows(3), folds(0, 2, 1), drawing((7, 8, 9), 5))
    alone = made.read(rows(1), folds(2), drawing((8,), 5))
    assert torch.allclose(group[1], alone[0], atol=1e-5)
    # More rows behind have no say either.
    longer = made.read(rows(1, 14), folds(2), drawing((8,), 5))
    assert torch.allclose(longer[0, :10], alone[0], atol=1e-5)


def test_what_is_drawn_for_one_purpose_says_nothing_of_another():
    random = _Random(Rng([1, 2], CPU), 3, 500)
    purposes = range(len(SHAKEN) + 2)
    for draw in (random.uniform, random.normal):
        drawn = torch.stack([draw(2, purpose) for purpose in purposes])
        assert drawn.shape == (len(purposes), 2 * 500, 2)
        together = torch.corrcoef(drawn.permute(0, 2, 1).flatten(0, 1))
        assert (together - torch.eye(len(together))).abs().max() < 0.15
        assert torch.equal(drawn[4], draw(2, 4))


def test_changes_come_before_standardizing():
    """What comes into an image is black, whatever the fold's mean is."""
    dataset = make_images()
    made = inputs(dataset, erase=0.5)
    out = made.read(rows(), folds(0, 0), drawing())
    split = dataset.splits[0]
    black = float(-split.mean[0] / split.std[0])
    assert (torch.isclose(out, torch.tensor(black), atol=1e-5).sum(2) >= 16).all()


@pytest.mark.parametrize("strength", [0.25, 1.0])
@pytest.mark.parametrize("knob", SHAKEN)
def test_copies_at_prediction_are_changed_by_a_share_of_what_training_does(knob, strength):
    """Flips, whole pixels and squares stay what they are."""
    predicting = replace(drawing(), training=False)
    share = strength if knob in SIZES else 1
    knobs = {knob: SHAKEN[knob]}
    copies = inputs(**knobs, tta=1, tta_strength=strength).read(rows(), folds(0, 0), predicting)
    smaller = {knob: type(SHAKEN[knob])(share * SHAKEN[knob])}
    trained = inputs(**smaller).read(rows(), folds(0, 0), drawing())
    assert torch.allclose(copies, trained, atol=1e-5)


# What tells inputs from others.


def test_the_fingerprint_changes_with_pixels_and_moments():
    dataset = make_images()
    own = inputs(dataset).fingerprint()
    assert own == inputs(make_images()).fingerprint()
    assert own == inputs(dataset, images=np.asfortranarray(dataset.train)).fingerprint()
    pixels = dataset.train.copy()
    pixels[-1, -1, -1, 0] ^= 1
    others = [replace(dataset, train=pixels)]
    for name, moments in dataset.moments.items():
        for changed in (
            replace(moments, mean=moments.mean + 0.001),
            replace(moments, std=moments.std * 1.001),
        ):
            others.append(replace(dataset, moments={**dataset.moments, name: changed}))
    prints = {own, *(inputs(other).fingerprint() for other in others)}
    assert len(prints) == 1 + len(others)
    assert inputs(dataset, images=dataset.train[:-1]).fingerprint() not in prints


# Images on disk.


def test_mapped_images_are_read_without_a_copy_or_a_warning(tmp_path):
    dataset = make_images()
    write_dataset(tmp_path, dataset)
    before = (tmp_path / "train.npy").read_bytes()
    mapped = read_dataset(tmp_path)
    assert isinstance(mapped.train, np.memmap)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = inputs(mapped, **SHAKEN)
        out = made.read(rows(), folds(0, 1), drawing())
        made.fingerprint()
    assert torch.equal(out, inputs(dataset, **SHAKEN).read(rows(), folds(0, 1), drawing()))
    assert made.fingerprint() == inputs(dataset, **SHAKEN).fingerprint()
    assert made._on(CPU).data_ptr() == mapped.train.ctypes.data
    assert (tmp_path / "train.npy").read_bytes() == before


def test_images_that_may_not_be_written_are_read_without_a_warning(tmp_path):
    dataset = make_images()
    np.save(tmp_path / "train.npy", dataset.train)
    mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = inputs(dataset, images=mapped).read(rows(), folds(0, 1), Step())
    assert torch.equal(out, inputs(dataset).read(rows(), folds(0, 1), Step()))
