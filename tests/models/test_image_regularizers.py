"""Every image regularizer does its work: what is turned on helps where images differ that way.

Few training images of shapes at one place, upright and clean; validation images are moved, turned,
bent, mirrored, covered, or darkened, as no training image is.
"""

import numpy as np
import pytest
import torch
from scipy import ndimage

from image_help import image_dataset
from podium.config.images import RANDOM
from podium.config.models import IMAGE_MODELS
from podium.models.image_inputs import ImageInputs
from podium.nn import FittedMembers, fit_members

SIDE, TRAIN, VALID = 12, 60, 150
SMALL = {
    "mlp": {"epochs": 40, "hidden": [32], "dropout": 0.0, "learning_rate": 0.01},
    "softmax": {"epochs": 40, "learning_rate": 0.05},
    "cnn": {"epochs": 12, "channels": [8, 16], "learning_rate": 0.03},
}
COMMON = {"batch_size": 20, "weight_decay": 0.0, "device": "cpu"}


def shapes() -> np.ndarray:
    """Three classes, shape (3, side, side): smooth spots that no turn or mirror makes alike."""
    noise = np.random.default_rng(3).normal(size=(3, SIDE, SIDE))
    smooth = np.stack([ndimage.gaussian_filter(one, 1.5) for one in noise])
    window = np.outer(*[np.sin(np.linspace(0, np.pi, SIDE)) ** 0.5] * 2)
    spots = (smooth - smooth.mean((1, 2), keepdims=True)) * window
    return (spots / spots.std((1, 2), keepdims=True)).clip(0, 2) / 2


def moved(image, generator):
    return ndimage.shift(image, generator.uniform(-0.25, 0.25, 2) * SIDE, order=1)


def turned(image, generator):
    return ndimage.rotate(image, generator.uniform(-60, 60), reshape=False, order=1)


def resized(image, generator):
    factor = np.exp(generator.uniform(-1, 1) * np.log(1.7))
    middle = (SIDE - 1) / 2
    return ndimage.affine_transform(image, np.eye(2) / factor, middle - middle / factor, order=1)


def leaning(image, generator):
    lean = np.tan(np.radians(generator.uniform(-45, 45)))
    middle = (SIDE - 1) / 2
    matrix = np.array([[1.0, 0.0], [lean, 1.0]])
    return ndimage.affine_transform(image, matrix, [0.0, -lean * middle], order=1)


def bent(image, generator):
    field = [
        ndimage.gaussian_filter(generator.normal(size=image.shape), 0.14 * SIDE) for _ in range(2)
    ]
    field = [1.2 * one / one.std() for one in field]
    places = np.indices(image.shape) + field
    return ndimage.map_coordinates(image, places, order=1)


def mirrored(image, generator):
    return image[:, ::-1]


def upside_down(image, generator):
    return image[::-1]


def covered(image, generator):
    top, left = generator.integers(0, SIDE // 2 + 1, 2)
    out = image.copy()
    out[top : top + SIDE // 2, left : left + SIDE // 2] = 0
    return out


def noisy(image, generator):
    return image + 0.35 * generator.normal(size=image.shape)


def brighter(image, generator):
    return image + generator.uniform(-0.4, 0.4)


def paler(image, generator):
    return image.mean() + (1 + generator.uniform(-0.95, 0.95)) * (image - image.mean())


def pictures(change) -> tuple[np.ndarray, np.ndarray]:
    """Training images as they are, then validation images, each changed in its own way."""
    generator = np.random.default_rng(0)
    codes = np.arange(TRAIN + VALID) % 3
    images = 0.7 * shapes()[codes] + 0.15
    images[TRAIN:] = [change(image, generator) for image in images[TRAIN:]]
    images += 0.05 * generator.normal(size=images.shape)
    return (255 * images.clip(0, 1)).astype(np.uint8)[..., None], codes


def trained(model: str, change, **knobs) -> tuple[FittedMembers, ImageInputs, np.ndarray]:
    """Two members, trained on the first images and watched on the others."""
    images, codes = pictures(change)
    y = codes.astype(np.float64)
    folds = (np.arange(len(y)) < TRAIN).astype(np.int64)[:, None]
    dataset = image_dataset(images, images[:1], y, folds)
    params = IMAGE_MODELS[model].params(**{**COMMON, **SMALL[model], **knobs})
    made = ImageInputs(images, dataset.splits, params)
    train, valid = np.arange(TRAIN), np.arange(TRAIN, TRAIN + VALID)
    fitted = fit_members(
        made, codes, [train] * 2, params, classes=3, seeds=[1, 2],
        valid_rows_per_member=[valid] * 2,
    )  # fmt: skip
    return fitted, made, codes


def valid_loss(model: str, change, **knobs) -> float:
    fitted, _, _ = trained(model, change, **knobs)
    return float(np.mean([outcome.history[-1].valid_loss for outcome in fitted.outcomes]))


CASES = {
    "shift": (moved, {"shift": 0.25}),
    "crop_padding": (moved, {"crop_padding": 3}),
    "rotation": (turned, {"rotation": 60.0}),
    "scale": (resized, {"scale": 0.7}),
    "shear": (leaning, {"shear": 45.0}),
    "elastic": (bent, {"elastic": 0.1}),
    "horizontal_flip": (mirrored, {"horizontal_flip": True}),
    "vertical_flip": (upside_down, {"vertical_flip": True}),
    "erase": (covered, {"erase": 0.5}),
    "pixel_noise": (noisy, {"pixel_noise": 0.35}),
    "brightness": (brighter, {"brightness": 0.4}),
    "contrast": (paler, {"contrast": 0.95}),
}
# A perceptron is good at the last two without.
OF_CNN = ("shift", "erase", "pixel_noise", "contrast")
OF_MLP = [knob for knob in CASES if knob not in OF_CNN[2:]]


@pytest.fixture(autouse=True)
def _one_thread():
    """What is trained here is too small for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_every_knob_has_a_case():
    assert set(CASES) == set(RANDOM)
    assert {*OF_MLP, *OF_CNN} == set(CASES)


@pytest.mark.parametrize(
    ("model", "knob"),
    [
        *(("mlp", knob) for knob in OF_MLP),
        *(pytest.param("cnn", knob, marks=pytest.mark.deep) for knob in OF_CNN),
    ],
)
def test_what_is_varied_in_training_is_known_at_prediction(model, knob):
    change, knobs = CASES[knob]
    without, with_it = valid_loss(model, change), valid_loss(model, change, **knobs)
    assert without > 0.1
    assert with_it < 0.6 * without


@pytest.mark.deep
def test_erasing_now_and_then_helps_less_than_always_and_more_than_never():
    never, sometimes, always = (
        valid_loss("mlp", covered, **knobs)
        for knobs in ({}, {"erase": 0.5, "erase_probability": 0.05}, {"erase": 0.5})
    )
    assert always < sometimes < 0.9 * never


def test_a_coarser_bend_is_another_one():
    """The knob's smoothness is used: bending like the validation images helps most."""
    like_them = valid_loss("mlp", bent, elastic=0.1)
    crumpled = valid_loss("mlp", bent, elastic=0.1, elastic_smoothness=0.01)
    assert like_them < 0.8 * crumpled


def as_they_are(image, generator):
    return image


@pytest.mark.parametrize("knobs", [{"mixup": 1.0}, {"cutmix": 1.0}, {"label_smoothing": 0.2}])
@pytest.mark.parametrize("model", ["softmax", "mlp", pytest.param("cnn", marks=pytest.mark.deep)])
def test_mixed_or_smoothed_targets_make_predictions_less_sure_and_not_wrong(model, knobs):
    def sureness(**knobs) -> float:
        fitted, made, codes = trained(model, as_they_are, **knobs)
        predicted = fitted.predict(made)[:, TRAIN:]
        assert (predicted.argmax(2) == codes[TRAIN:]).mean() > 0.95
        return float(predicted.max(2).mean())

    assert sureness(**knobs) < sureness() - 0.015


@pytest.mark.deep
def test_copies_at_prediction_help_with_images_that_are_moved_further_than_in_training():
    def loss(**knobs) -> float:
        fitted, made, codes = trained("mlp", moved, shift=0.1, **knobs)
        shares = fitted.predict(made)[:, TRAIN:]
        own = shares[:, np.arange(VALID), codes[TRAIN:]]
        return float(-np.log(own).mean())

    assert loss(tta=8, tta_strength=1.0) < 0.85 * loss()
