"""The knobs of image models: none idle, none for tables, one for each of the augmenter's."""

from pkgutil import resolve_name
from typing import get_type_hints

import pytest
from pydantic import ValidationError

from image_help import CHANGES
from podium.config import CNNParams, ImageMLPParams, ImageNetworkParams, SoftmaxParams
from podium.config.images import OF, RANDOM, Augmentation
from podium.config.models import IMAGE_MODELS, MODELS, TABLE_MODELS
from podium.models.image_inputs import SIZES

NETWORKS = {
    name: spec.params
    for name, spec in IMAGE_MODELS.items()
    if issubclass(spec.params, ImageNetworkParams)
}
# A value that turns each on.
ON = {knob: value for knob, value in CHANGES.items() if knob != "erase_probability"}
# What only shapes what another does, and what turns that on.
SHAPES = {"elastic_smoothness": 0.3, "erase_probability": 0.4, "tta_strength": 0.8}
NEEDED = {**OF, "tta_strength": "tta"}
SWITCHES = {**{knob: {knob: value} for knob, value in ON.items()}, "tta": {"tta": 2, "shift": 0.1}}
OTHERS = {"cutmix": 1.0, "tta": 2}


def test_every_knob_is_tested():
    assert set(ON) == set(RANDOM)
    assert set(SHAPES) == set(NEEDED)
    assert set(NETWORKS) == {"softmax", "mlp", "cnn"}


def test_every_knob_of_the_augmenter_changes_images_or_shapes_a_change():
    assert set(Augmentation.model_fields) == {*RANDOM, *OF}
    assert not Augmentation().augments


def test_sizes_are_numbers_that_may_be_made_smaller():
    """Flips, whole pixels and squares are there or not."""
    others = {"horizontal_flip", "vertical_flip", "crop_padding", "erase"}
    assert set(SIZES) == set(RANDOM) - others
    for knob in SIZES:
        assert isinstance(getattr(CNNParams(**{knob: ON[knob] / 10}), knob), float)


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_defaults_are_valid_and_change_no_image(model):
    params = IMAGE_MODELS[model].params()
    # Written out they are the same.
    assert type(params)(**params.model_dump()) == params
    if isinstance(params, ImageNetworkParams):
        assert not params.augments
        assert not params.cutmix
        assert not params.tta


EVERY_MODEL = [(kind, name) for kind, models in MODELS.items() for name in models]


@pytest.mark.parametrize(("kind", "name"), EVERY_MODEL)
def test_every_models_function_takes_the_models_own_params(kind, name):
    spec = MODELS[kind][name]
    (taken,) = get_type_hints(resolve_name(spec.fit))["fit"].__args__
    assert issubclass(spec.params, taken)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("knob", ON)
def test_any_random_change_counts_as_one(knob, model):
    params = NETWORKS[model](**{knob: ON[knob]}, tta=3)
    assert params.augments
    assert params.tta == 3


@pytest.mark.parametrize("model", NETWORKS)
def test_copies_need_a_random_change(model):
    for knobs in ({}, {"cutmix": 1.0}, {"mixup": 0.2}, {"shift": 0.0}):
        with pytest.raises(ValidationError, match="tta does nothing without one of shift, rot"):
            NETWORKS[model](tta=1, **knobs)


@pytest.mark.parametrize("model", NETWORKS)
@pytest.mark.parametrize("knob", SHAPES)
def test_a_knob_of_another_needs_it(knob, model):
    kind, other = NETWORKS[model], NEEDED[knob]
    with pytest.raises(ValidationError, match=f"{knob} does nothing without {other}"):
        kind(**{knob: SHAPES[knob]})
    elsewhere = {name: ON[name] for name in ON if name != other}
    with pytest.raises(ValidationError, match=f"{knob} does nothing without {other}"):
        kind(**elsewhere, **{knob: SHAPES[knob]})
    assert getattr(kind(**SWITCHES[other], **{knob: SHAPES[knob]}), knob) == SHAPES[knob]
    assert kind(**{knob: kind.model_fields[knob].default}) == kind()


@pytest.mark.parametrize("knobs", [{"dropout": 0.2}, {"dropout": 0.0, "input_dropout": 0.2}])
def test_copies_do_nothing_beside_passes_with_dropout(knobs):
    with pytest.raises(ValidationError, match="tta does nothing with mc_dropout"):
        ImageMLPParams(shift=0.1, tta=2, mc_dropout=5, **knobs)
    assert ImageMLPParams(shift=0.1, mc_dropout=5, **knobs).mc_dropout == 5


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("shift", 1.1),
        ("shift", -0.1),
        ("rotation", 181.0),
        ("scale", -0.1),
        ("shear", 90.0),
        ("elastic", -0.01),
        ("elastic_smoothness", 0.0),
        ("horizontal_flip", 1),
        ("crop_padding", -1),
        ("crop_padding", 1.5),
        ("erase", 1.1),
        ("erase_probability", 0.0),
        ("cutmix", -1.0),
        ("pixel_noise", -0.1),
        ("brightness", float("nan")),
        ("contrast", 1.1),
        ("tta", -1),
        ("tta_strength", 0.0),
        ("tta_strength", 1.1),
        ("channels", []),
        ("channels", [8, 0]),
        ("channels", [8] * 7),
        ("blocks", 0),
        ("activation", "tanh"),
        ("dropout", 1.0),
        ("dropout", [0.1]),
    ],
)
def test_what_cannot_be_is_an_error(knob, value):
    with pytest.raises(ValidationError, match=knob):
        CNNParams(**{knob: value})


def test_networks_know_whether_they_drop_anything():
    assert CNNParams(dropout=0.2).has_dropout
    assert CNNParams(input_dropout=0.2).has_dropout
    assert not CNNParams().has_dropout
    assert not SoftmaxParams().has_dropout
    assert ImageMLPParams(dropout=0.2).has_dropout
    with pytest.raises(ValidationError, match="dropout_schedule does nothing without dropout"):
        CNNParams(dropout_schedule="cosine")


# Tables and images.


@pytest.mark.parametrize("knob", [*ON, *SHAPES, *OTHERS])
@pytest.mark.parametrize("model", ["mlp", "linear", "lightgbm", "ridge"])
def test_tables_know_no_knob_of_images(knob, model):
    value = {**ON, **SHAPES, **OTHERS}[knob]
    with pytest.raises(ValidationError, match="Extra inputs"):
        TABLE_MODELS[model].params(**{knob: value})


@pytest.mark.parametrize(
    "knobs",
    [
        {"numeric_embedding": "none"},
        {"category_embedding": 2},
        {"standardize_inputs": True},
        {"smooth_clip": 3.0},
    ],
)
@pytest.mark.parametrize("model", NETWORKS)
def test_images_know_no_knob_of_columns(knobs, model):
    with pytest.raises(ValidationError, match="Extra inputs"):
        NETWORKS[model](**knobs)


@pytest.mark.parametrize("knob", ["hidden", "mc_dropout", "skip"])
@pytest.mark.parametrize("model", ["softmax", "cnn"])
def test_only_mlp_has_hidden_layers(knob, model):
    with pytest.raises(ValidationError, match="Extra inputs"):
        NETWORKS[model](**{knob: ImageMLPParams.model_fields[knob].default})


def check(project, podium, competition: str, **models):
    def change(params):
        params[competition]["models"].update(models)

    project.edit(change)
    return podium("check")


# (competition, model's entry, what the error says)
WRONG = {
    "image knob of a table": (
        "house-prices",
        {"mlp": {"rotations": 5}},
        "mlp.rotations: unknown key 'rotations'; did you mean 'activation'?",
    ),
    "table knob of images": (
        "digit-recognizer",
        {"mlp": {"numeric_embedding": "none"}},
        "mlp.numeric_embedding: unknown key 'numeric_embedding'; valid: model, seed, ",
    ),
    "misspelt image knob": (
        "digit-recognizer",
        {"cnn": {"rotatoin": 5.0}},
        "unknown key 'rotatoin'; did you mean 'rotation'?",
    ),
    "mlp's knob of a cnn": (
        "digit-recognizer",
        {"cnn": {"hiden": [8]}},
        "cnn.hiden: unknown key 'hiden'; valid: ",
    ),
    "cnn on a table": (
        "house-prices",
        {"cnn": {}},
        "no model 'cnn'; ",
    ),
    "table model on images": (
        "digit-recognizer",
        {"lasso": {}},
        "no model 'lasso'; valid: softmax, ridge, lightgbm, mlp, cnn, file",
    ),
    "softmax on a table": (
        "house-prices",
        {"softmax": {}},
        "no model 'softmax'; ",
    ),
    "idle copies": (
        "digit-recognizer",
        {"cnn": {"tta": 2}},
        "models.cnn: tta does nothing without one of shift",
    ),
    "idle probability": (
        "digit-recognizer",
        {"mlp": {"erase_probability": 0.5}},
        "models.mlp: erase_probability does nothing without erase",
    ),
    "loss of numbers": (
        "digit-recognizer",
        {"mlp": {"loss": "huber", "huber_delta": 2.0}},
        "mlp.huber_delta: does nothing for task 'multiclass'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_entries(case, project, podium):
    competition, models, says = WRONG[case]
    outcome = check(project, podium, competition, **models)
    assert outcome.code == 2
    assert says in outcome.err
    assert "params.yaml:" in outcome.err


def test_entries_of_both_kinds_stand_side_by_side(project, podium):
    assert check(project, podium, "house-prices", wide={"model": "mlp", "hidden": [8]}).code == 0
    turned = {"model": "cnn", **ON, **SHAPES, **OTHERS}
    assert check(project, podium, "digit-recognizer", turned=turned).code == 0
