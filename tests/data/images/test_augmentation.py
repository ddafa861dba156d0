"""Regularizers of images: every knob does what it says, to each image in its own way."""

import math

import pytest
import torch

from podium.config.images import Augmentation
from podium.data.images import knobs as purposes
from podium.data.images import warp
from podium.data.images.augmentation import Augmenter
from podium.data.images.warp import Warp

# More than are sampled at a time.
IMAGES = warp.IN_CACHE + 16
# Each knob alone, strong enough to be seen.
ALONE = {
    "shift": Augmentation(shift=0.2),
    "rotation": Augmentation(rotation=40.0),
    "scale": Augmentation(scale=0.5),
    "shear": Augmentation(shear=30.0),
    "elastic": Augmentation(elastic=0.05),
    "horizontal_flip": Augmentation(horizontal_flip=True),
    "vertical_flip": Augmentation(vertical_flip=True),
    "crop_padding": Augmentation(crop_padding=2),
    "erase": Augmentation(erase=0.4, erase_probability=0.9),
    "pixel_noise": Augmentation(pixel_noise=0.1),
    "brightness": Augmentation(brightness=0.2),
    "contrast": Augmentation(contrast=0.5),
}
EVERYTHING = Augmentation(
    **{name: getattr(knobs, name) for name, knobs in ALONE.items()}, erase_probability=0.9
)
FLIPS = (ALONE["horizontal_flip"], ALONE["vertical_flip"])
SHAPES = [(12, 12, 1), (10, 14, 3)]


class Drawn:
    """Numbers of a seed and a purpose."""

    def __init__(self, images=IMAGES, seed=0):
        self.images, self.seed, self.asked = images, seed, {}

    def _generator(self, columns, purpose):
        assert self.asked.setdefault(purpose, columns) == columns
        return torch.Generator().manual_seed(100 * self.seed + purpose)

    def uniform(self, columns, purpose):
        return torch.rand(self.images, columns, generator=self._generator(columns, purpose))

    def normal(self, columns, purpose):
        return torch.randn(self.images, columns, generator=self._generator(columns, purpose))


class First(Drawn):
    """The first of many images' numbers."""

    def uniform(self, columns, purpose):
        return Drawn(IMAGES, self.seed).uniform(columns, purpose)[: self.images]

    def normal(self, columns, purpose):
        return Drawn(IMAGES, self.seed).normal(columns, purpose)[: self.images]


class Fixed:
    """What is asked for, by purpose, the same for all images; else the middle."""

    def __init__(self, images, **numbers):
        self.images = images
        self.numbers = {getattr(purposes, name): value for name, value in numbers.items()}

    def uniform(self, columns, purpose):
        value = torch.tensor(self.numbers.get(purpose, [0.5] * columns))
        return value.expand(self.images, columns).clone()

    def normal(self, columns, purpose):
        return torch.zeros(self.images, columns)


def pictures(images=IMAGES, height=12, width=12, channels=1, seed=7):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(images, height, width, channels, generator=generator)


def augmented(x, knobs, random=None, out=None):
    return Augmenter(knobs, *x.shape[1:])(x, random or Drawn(len(x)), out)


def fixed(x, knobs, **numbers):
    return augmented(x, knobs, Fixed(len(x), **numbers))


def moved(x, down, right):
    """Whole pixels, zeros where nothing was."""
    out = torch.zeros_like(x)
    height, width = x.shape[1:3]
    rows = slice(max(down, 0), height + min(down, 0))
    columns = slice(max(right, 0), width + min(right, 0))
    from_rows = slice(max(-down, 0), height + min(-down, 0))
    from_columns = slice(max(-right, 0), width + min(-right, 0))
    out[:, rows, columns] = x[:, from_rows, from_columns]
    return out


def close(one, other, tolerance=1e-4):
    return bool((one - other).abs().max() < tolerance)


def blob(images=IMAGES, side=41, deviation=2.0, x=0.0, y=0.0):
    """A round spot, (x, y) pixels off the centre."""
    at = torch.arange(side) - (side - 1) / 2
    spot = torch.exp(-((at[:, None] - y) ** 2 + (at - x) ** 2) / (2 * deviation**2))
    return spot[None, :, :, None].repeat(images, 1, 1, 1)


def center(x):
    """The centre of mass (x, y) from the image's centre, in pixels, shape (images, 2)."""
    mass = x.sum((1, 2, 3))
    rows = torch.arange(x.shape[1]) - (x.shape[1] - 1) / 2
    columns = torch.arange(x.shape[2]) - (x.shape[2] - 1) / 2
    across = (x.sum((1, 3)) * columns).sum(1) / mass
    down = (x.sum((2, 3)) * rows).sum(1) / mass
    return torch.stack([across, down], dim=1)


def is_uniform(values, low, high):
    """Within the range, and mean and deviation those of a uniform number."""
    span = high - low
    error = span / math.sqrt(12 * len(values))
    return (
        low - 1e-3 * span <= values.min()
        and values.max() <= high + 1e-3 * span
        and abs(values.mean() - (low + high) / 2) < 4 * error
        and abs(values.std() - span / math.sqrt(12)) < 4 * error
    )


# All knobs


def test_every_knob_is_tried_here():
    others = {"elastic_smoothness", "erase_probability"}
    assert set(Augmentation.model_fields) == {*ALONE, *others}


def test_nothing_on_is_the_same_images():
    x = pictures()
    assert Augmenter(Augmentation(), 12, 12, 1).is_off
    assert augmented(x, Augmentation()) is x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("knobs", [*ALONE.values(), EVERYTHING], ids=[*ALONE, "everything"])
class TestAnyKnob:
    def test_changes_a_copy_and_keeps_the_form(self, knobs, shape):
        x = pictures(IMAGES, *shape)
        before = x.clone()
        assert not Augmenter(knobs, *shape).is_off
        out = augmented(x, knobs)
        assert torch.equal(x, before)
        assert out.shape == x.shape
        assert out.dtype == x.dtype
        assert out.is_contiguous()
        assert out.min() >= 0
        assert out.max() <= 1 + 1e-5
        assert not close(out, x, 0.05)

    def test_is_a_function_of_the_random_numbers(self, knobs, shape):
        x = pictures(IMAGES, *shape)
        augmenter = Augmenter(knobs, *shape)
        first = augmenter(x, Drawn())
        kept = first.clone()
        other = augmenter(x, Drawn(seed=1))
        assert not torch.equal(kept, other)
        # What was handed out is not written on later.
        assert torch.equal(first, kept)
        assert torch.equal(augmenter(x, Drawn()), kept)

    def test_draws_for_each_image(self, knobs, shape):
        x = pictures(1, *shape).repeat(IMAGES, 1, 1, 1)
        out = augmented(x, knobs)
        kinds = len(torch.unique(out.flatten(1), dim=0))
        # A flip has two outcomes.
        assert kinds == 2 if knobs in FLIPS else kinds > 15

    def test_an_image_is_not_changed_by_those_beside_it(self, knobs, shape):
        x = pictures(IMAGES, *shape)
        augmenter = Augmenter(knobs, *shape)
        few, many = (augmenter(x[:images], First(images)) for images in (5, IMAGES))
        assert close(few, many[:5], 1e-5)
        assert close(augmenter(x[:5], First(5)), few, 1e-6)

    def test_inference_mode_may_come_first(self, knobs, shape):
        x, augmenter = pictures(IMAGES, *shape), Augmenter(knobs, *shape)
        with torch.inference_mode():
            first = augmenter(x, Drawn())
        assert torch.equal(augmenter(x, Drawn()), first)

    def test_no_images_are_no_images(self, knobs, shape):
        assert augmented(pictures(0, *shape), knobs).shape == (0, *shape)

    def test_memory_may_be_given(self, knobs, shape):
        x = pictures(IMAGES, *shape)
        alone, out = augmented(x, knobs), torch.full_like(x, math.nan)
        assert augmented(x, knobs, out=out) is out
        assert torch.equal(out, alone)
        assert augmented(x, knobs, out=x) is x
        assert torch.equal(x, alone)

    def test_channels_move_together(self, knobs, shape):
        if knobs.pixel_noise:
            pytest.skip("noise is each channel's own")
        x = pictures(IMAGES, *shape[:2], 1)
        out = augmented(x.repeat(1, 1, 1, 3), knobs)
        assert close(out, augmented(x, knobs), 1e-5)


def test_knobs_draw_for_purposes_of_their_own():
    """So that one turned on leaves the draws of the others as they are."""
    together = Drawn()
    augmented(pictures(), EVERYTHING, together)
    seen = {}
    for knobs in ALONE.values():
        alone = Drawn()
        augmented(pictures(), knobs, alone)
        assert alone.asked
        assert not set(alone.asked) & set(seen)
        seen |= alone.asked
    assert together.asked == seen


@pytest.mark.parametrize("name", ["horizontal_flip", "vertical_flip", "crop_padding"])
def test_copied_and_interpolated_pixels_are_the_same(name):
    """A shift of nothing, drawn in the middle, sends whole-pixel moves through the grid."""
    x, knobs = pictures(), ALONE[name]

    class Unshifted(Drawn):
        def uniform(self, columns, purpose):
            drawn = super().uniform(columns, purpose)
            return torch.full_like(drawn, 0.5) if purpose == purposes.SHIFT else drawn

    through = augmented(x, knobs.model_copy(update={"shift": 0.3}), Unshifted())
    assert close(through, augmented(x, knobs), 1e-4)


def test_grids_share_memory():
    one = Warp(EVERYTHING, 12, 12)
    device = torch.device("cpu")
    places = {one.grid(First(images), images, device).data_ptr() for images in (60, 60, 7)}
    assert len(places) == 1


def test_another_size_is_refused():
    with pytest.raises(ValueError, match="made for"):
        Augmenter(EVERYTHING, 12, 12, 1)(pictures(4, 12, 11), Drawn(4))


# Geometry


def test_shifts_by_shares_of_each_side():
    x = pictures(3, 8, 20)
    knobs = Augmentation(shift=0.25)
    assert close(fixed(x, knobs, SHIFT=[1.0, 0.5]), moved(x, 0, -5))
    assert close(fixed(x, knobs, SHIFT=[0.0, 0.5]), moved(x, 0, 5))
    assert close(fixed(x, knobs, SHIFT=[0.5, 1.0]), moved(x, -2, 0))
    assert close(fixed(x, knobs, SHIFT=[0.5, 0.0]), moved(x, 2, 0))


def test_half_a_pixel_is_the_mean_of_two():
    x = pictures(3, 10, 10)
    out = fixed(x, Augmentation(shift=0.05), SHIFT=[1.0, 0.5])
    assert close(out[:, :, :-1], (x[:, :, :-1] + x[:, :, 1:]) / 2)
    # Outside are zeros.
    assert close(out[:, :, -1], x[:, :, -1] / 2)


def test_shifts_are_uniform_in_both_directions():
    x = blob(500)
    out = center(augmented(x, Augmentation(shift=0.2)))
    assert is_uniform(out[:, 0], -0.2 * 41, 0.2 * 41)
    assert is_uniform(out[:, 1], -0.2 * 41, 0.2 * 41)
    assert abs(torch.corrcoef(out.T)[0, 1]) < 0.2


def test_turns_of_right_angles_are_exact():
    x = pictures(3, 9, 9, 3)
    knobs = Augmentation(rotation=180.0)
    quarter = fixed(x, knobs, ROTATION=[0.75])
    assert close(quarter, x.rot90(1, (1, 2))) or close(quarter, x.rot90(-1, (1, 2)))
    assert close(fixed(x, knobs, ROTATION=[0.25]), quarter.rot90(2, (1, 2)))
    wide = pictures(3, 6, 11)
    assert close(fixed(wide, knobs, ROTATION=[1.0]), wide.flip(1, 2))


def test_turns_keep_distances_where_sides_differ():
    x = torch.zeros(1, 21, 41, 1)
    x[:, 10, 20 + 6] = 1.0
    out = fixed(x, Augmentation(rotation=90.0), ROTATION=[1.0])
    assert close(center(out).abs(), torch.tensor([[0.0, 6.0]]))


def test_angles_are_uniform_in_both_directions():
    out = center(augmented(blob(500, x=12.0), Augmentation(rotation=40.0)))
    assert is_uniform(torch.atan2(out[:, 1], out[:, 0]).rad2deg(), -40.0, 40.0)
    assert close(out.norm(dim=1), torch.full((500,), 12.0), 0.05)


def test_sizes_are_log_uniform():
    x = blob(500)
    out = augmented(x, Augmentation(scale=0.5))
    growth = (out.sum((1, 2, 3)) / x.sum((1, 2, 3))).log() / 2
    assert is_uniform(growth, -math.log(1.5), math.log(1.5))
    assert close(center(out), torch.zeros(2), 1e-3)


def test_shear_moves_rows_by_their_height():
    knobs = Augmentation(shear=45.0)
    for number, lean in ((1.0, 1.0), (0.0, -1.0)):
        for y in (-8.0, 0.0, 8.0):
            out = center(fixed(blob(1, x=2.0, y=y), knobs, SHEAR=[number]))
            assert close(out, torch.tensor([[2.0 - lean * y, y]]), 0.02)


def test_leans_are_uniform_in_both_directions():
    out = center(augmented(blob(500, y=8.0), Augmentation(shear=30.0)))
    assert is_uniform(torch.atan2(out[:, 0], out[:, 1]).rad2deg(), -30.0, 30.0)


def displacements(knobs, height=28, width=28, images=4000):
    """From the grid, as shares of the side, shape (images, height, width, 2)."""
    grid = Warp(knobs, height, width).grid(Drawn(images), images, torch.device("cpu")).clone()
    return (grid - Warp(ALONE["shift"], height, width).grid(Fixed(1), 1, torch.device("cpu"))) / 2


@pytest.mark.parametrize("smoothness", [0.001, 0.05, 0.14, 0.5])
@pytest.mark.parametrize(("height", "width"), [(28, 28), (20, 31)])
def test_elastic_fields_have_the_deviation_and_the_smoothness_asked_for(smoothness, height, width):
    knobs = Augmentation(elastic=0.04, elastic_smoothness=smoothness)
    field = displacements(knobs, height, width)
    # At every pixel, at the border as in the middle.
    assert close(field.std(0), torch.tensor(0.04), 0.04 * 0.06)
    assert close(field.mean(0), torch.tensor(0.0), 0.04 * 0.09)
    for axis, side in ((1, height), (2, width)):
        for distance in (1, 2, 5):
            one = field.narrow(axis, 0, side - distance)
            other = field.narrow(axis, distance, side - distance)
            # Noise smoothed by a Gaussian has a Gaussian correlation, sqrt(2) times as wide.
            expected = math.exp(-((distance / side / smoothness) ** 2) / 4)
            assert close((one * other).mean(0) / 0.04**2, torch.tensor(expected), 0.1)


def test_elastic_fields_of_both_axes_are_independent():
    across, down = displacements(Augmentation(elastic=0.04)).unbind(-1)
    assert close((across * down).mean(0) / 0.04**2, torch.tensor(0.0), 0.09)


def test_elastic_fields_move_pixels():
    """A spot goes where the field's middle sends it."""
    knobs = Augmentation(elastic=0.03, elastic_smoothness=0.5)
    out = center(augmented(blob(500), knobs))
    field = displacements(knobs, 41, 41, 500)[:, 20, 20] * 41
    assert torch.corrcoef(torch.stack([out[:, 0], -field[:, 0]]))[0, 1] > 0.95
    assert torch.corrcoef(torch.stack([out[:, 1], -field[:, 1]]))[0, 1] > 0.95


def test_geometry_adds_up():
    x = pictures(3, 11, 11)
    knobs = Augmentation(shift=2 / 11, rotation=90.0, crop_padding=2, vertical_flip=True)
    out = fixed(x, knobs, SHIFT=[0.75, 0.5], ROTATION=[1.0], CROP=[0.1, 0.5], VERTICAL_FLIP=[0.1])
    # Flipped, turned, then a pixel to the left by the shift and two back by the crop's corner.
    turned = [x.flip(1).rot90(quarters, (1, 2)) for quarters in (1, -1)]
    assert any(close(out, moved(one, 0, 1)) for one in turned)


def test_all_geometry_is_one_interpolation(monkeypatch):
    """Each further one would blur further."""
    sample, calls = warp.functional.grid_sample, []

    def counted(*arguments, **options):
        calls.append(arguments)
        return sample(*arguments, **options)

    monkeypatch.setattr(warp.functional, "grid_sample", counted)
    augmented(pictures(), EVERYTHING)
    assert len(calls) == 1
    augmented(pictures(), Augmentation(horizontal_flip=True, vertical_flip=True, crop_padding=1))
    assert len(calls) == 1


@pytest.mark.parametrize(("name", "axis"), [("horizontal_flip", 2), ("vertical_flip", 1)])
@pytest.mark.parametrize("shape", SHAPES)
def test_flips_are_exact_for_about_half_the_images(name, axis, shape):
    x = pictures(1000, *shape)
    out = augmented(x, ALONE[name])
    same = (out == x).flatten(1).all(1)
    mirrored = (out == x.flip(axis)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert abs(mirrored.sum() - 500) < 4 * math.sqrt(250)


def test_both_flips_are_drawn_apart():
    x = pictures(1000)
    out = augmented(x, Augmentation(horizontal_flip=True, vertical_flip=True))
    for view in (x, x.flip(1), x.flip(2), x.flip(1, 2)):
        count = (out == view).flatten(1).all(1).sum()
        assert abs(count - 250) < 4 * math.sqrt(1000 * 3 / 16)


@pytest.mark.parametrize("shape", SHAPES)
def test_crops_are_exact_shifts_each_equally_likely(shape):
    x = pictures(2000, *shape)
    out = augmented(x, Augmentation(crop_padding=2))
    found = torch.zeros(5, 5)
    for down in range(-2, 3):
        for right in range(-2, 3):
            hit = (out == moved(x, down, right)).flatten(1).all(1)
            found[down, right] = hit.sum()
    assert found.sum() == 2000
    assert (found - 80).abs().max() < 4 * math.sqrt(80)


@pytest.mark.parametrize("padding", [1, 4, 7, 8, 100])
def test_crops_at_the_ends_of_the_random_numbers(padding):
    x = pictures(3, 12, 12) if padding < 12 else pictures(3, 120, 120)
    knobs = Augmentation(crop_padding=padding)
    largest = 1.0 - 2.0**-24
    assert torch.equal(fixed(x, knobs, CROP=[largest] * 2), moved(x, -padding, -padding))
    assert torch.equal(fixed(x, knobs, CROP=[2.0**-24] * 2), moved(x, padding, padding))


@pytest.mark.parametrize("side", range(5, 40))
def test_erased_squares_at_the_ends_of_the_random_numbers(side):
    out = fixed(
        torch.ones(1, side, side, 1), Augmentation(erase=0.4), ERASE_POSITION=[1 - 2.0**-24] * 2
    )
    assert (out == 0).sum() == round(0.4 * side) ** 2
    assert out[0, -1, -1, 0] == 0


# Appearance


@pytest.mark.parametrize(("height", "width"), [(12, 12), (10, 14)])
def test_erased_squares_have_the_side_and_lie_anywhere(height, width):
    x = torch.ones(3000, height, width, 3)
    out = augmented(x, Augmentation(erase=0.4))
    blank = (out == 0).all(3)
    assert ((out == 0) | (out == 1)).all()
    side = round(0.4 * min(height, width))
    for axis, length in ((1, height), (2, width)):
        profile = blank.any(3 - axis)
        assert (profile.sum(1) == side).all()
        first = profile.float().argmax(1)
        count = torch.bincount(first, minlength=length - side + 1).float()
        expected = 3000 / (length - side + 1)
        assert len(count) == length - side + 1
        assert (count - expected).abs().max() < 4 * math.sqrt(expected)
        # In one piece.
        last = length - 1 - profile.flip(1).float().argmax(1)
        assert (last - first + 1 == side).all()
    assert (blank.sum((1, 2)) == side**2).all()


def test_images_are_erased_with_the_probability():
    out = augmented(torch.ones(1000, 8, 8, 1), Augmentation(erase=0.5, erase_probability=0.3))
    erased = (out == 0).flatten(1).any(1).sum()
    assert abs(erased - 300) < 4 * math.sqrt(210)


@pytest.mark.parametrize(("share", "side"), [(0.001, 1), (0.999, 8), (1.0, 8)])
def test_erased_squares_at_the_ends(share, side):
    out = augmented(torch.ones(20, 8, 8, 1), Augmentation(erase=share))
    assert ((out == 0).sum((1, 2, 3)) == side**2).all()


def test_pixel_noise_has_the_deviation_and_is_each_number_s_own():
    x = torch.full((200, 12, 12, 3), 0.5)
    noise = augmented(x, Augmentation(pixel_noise=0.1)) - x
    assert abs(noise.mean()) < 4 * 0.1 / math.sqrt(x.numel())
    assert abs(noise.std() - 0.1) < 4 * 0.1 / math.sqrt(2 * x.numel())
    for one, other in (
        (noise[1:], noise[:-1]),
        (noise[:, 1:], noise[:, :-1]),
        (noise[..., 1:], noise[..., :-1]),
    ):
        assert abs((one * other).mean()) < 5 * 0.01 / math.sqrt(one.numel())


def test_brightness_is_added_alike_to_all_pixels():
    x = 0.4 + 0.2 * pictures(500, 6, 6, 3)
    added = augmented(x, Augmentation(brightness=0.3)) - x
    assert close(added, added[:, :1, :1, :1], 1e-6)
    assert is_uniform(added[:, 0, 0, 0], -0.3, 0.3)


def test_contrast_scales_around_the_image_s_mean():
    x = 0.4 + 0.2 * pictures(500, 6, 6, 3)
    out = augmented(x, Augmentation(contrast=0.6))
    mean = x.mean((1, 2, 3), keepdim=True)
    assert close(out.mean((1, 2, 3), keepdim=True), mean, 1e-6)
    factor = out.flatten(1).std(1) / x.flatten(1).std(1)
    assert close(out - mean, factor[:, None, None, None] * (x - mean), 1e-6)
    assert is_uniform(factor, 0.4, 1.6)


def test_looks_add_up():
    x = 0.4 + 0.2 * pictures()
    knobs = {name: getattr(EVERYTHING, name) for name in ("brightness", "contrast", "pixel_noise")}
    changes = [augmented(x, Augmentation(**{name: value})) - x for name, value in knobs.items()]
    inside = (x + sum(changes) > 0.01) & (x + sum(changes) < 0.99)
    out = augmented(x, Augmentation(**knobs))
    assert inside.float().mean() > 0.9
    assert close(out[inside], (x + sum(changes))[inside], 1e-5)


@pytest.mark.parametrize("name", ["pixel_noise", "brightness", "contrast"])
def test_looks_end_at_black_and_white(name):
    x = torch.zeros(IMAGES, 6, 6, 1)
    x[:, :3] = 1.0
    strong = {"pixel_noise": 0.5, "brightness": 0.5, "contrast": 1.0}
    out = augmented(x, Augmentation(**{name: strong[name]}))
    assert out.min() == 0
    assert out.max() == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("knobs", [*ALONE.values(), EVERYTHING], ids=[*ALONE, "everything"])
def test_cuda_does_the_same(knobs, shape):
    x = pictures(IMAGES, *shape)

    class OnDevice(Drawn):
        def uniform(self, columns, purpose):
            return super().uniform(columns, purpose).cuda()

        def normal(self, columns, purpose):
            return super().normal(columns, purpose).cuda()

    augmenter = Augmenter(knobs, *shape)
    on_cpu, on_device = augmenter(x, Drawn()), augmenter(x.cuda(), OnDevice())
    assert on_device.is_cuda
    assert close(on_device.cpu(), on_cpu, 1e-3)
    assert torch.equal(augmenter(x, Drawn()), on_cpu)
