"""Products in bfloat16 on a CPU: where it has instructions for them, for images."""

import numpy as np
import pytest
import torch

from podium.config import CNNParams, ImageMLPParams, MLPParams
from podium.nn import Columns, fit_members
from podium.nn.device import compute_type, has_bfloat16
from podium.nn.layers import Linear, Step

pytestmark = pytest.mark.usefixtures("one_thread")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
KINDS = {
    "cnn": (CNNParams, {"channels": [4, 8]}),
    "mlp": (ImageMLPParams, {"hidden": [16, 8], "normalization": "batch"}),
}


@pytest.fixture
def there(monkeypatch):
    """A CPU that multiplies in bfloat16 (elsewhere torch emulates it), for matrices of any size."""
    monkeypatch.setattr("podium.nn.device.has_bfloat16", lambda: True)
    monkeypatch.setattr("podium.nn.layers.SHORT_FROM", 1)


@pytest.fixture
def absent(monkeypatch):
    """A CPU that doesn't."""
    monkeypatch.setattr("podium.nn.device.has_bfloat16", lambda: False)


def trained(kind: str, **knobs):
    """Bars in images of 6 x 6, lying or standing; the fitted network and its predictions."""
    generator = np.random.default_rng(0)
    codes = np.arange(60) % 2
    x = 0.3 * generator.normal(size=(60, 6, 6))
    for row, code in enumerate(codes):
        (x[row] if code else x[row].T)[generator.integers(0, 6)] += 1.5
    x = x.reshape(60, -1).astype(np.float32)
    params, own = KINDS[kind]
    columns = Columns(36, image=(6, 6, 1))
    sizes = {"epochs": 6, "batch_size": 20, "device": "cpu"}
    fitted = fit_members(
        x, codes, [np.arange(40)], params(**sizes, **own, **knobs), classes=2, columns=columns
    )
    return fitted.outcomes[0], fitted.predict(x)[0]


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_near_float32_and_what_is_kept_is_float32(kind):
    (short, predicted), (exact, expected) = trained(kind), trained(kind, mixed_precision=False)
    assert 1e-5 < np.abs(predicted - expected).max() < 0.1
    for name, value in short.state.items():
        assert value.dtype == torch.float32
        # Weights of bfloat16 would have no digits beyond its own.
        has_digits = (value != value.bfloat16().float()).any()
        assert has_digits or (value == exact.state[name]).all(), name


@pytest.mark.parametrize("kind", KINDS)
def test_off_is_a_cpu_without_it(kind, monkeypatch):
    monkeypatch.setattr("podium.nn.layers.SHORT_FROM", 1)
    runs = []
    for has, knob in ((False, True), (False, False), (True, False), (True, True)):
        monkeypatch.setattr("podium.nn.device.has_bfloat16", lambda has=has: has)
        runs.append(trained(kind, mixed_precision=knob)[1].tobytes())
    assert runs[0] == runs[1] == runs[2] != runs[3]


@pytest.mark.parametrize(
    ("features", "has"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, True),
        ({"avx512_bf16": False, "amx_bf16": True}, True),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, False),
        ({"neon": True}, False),
    ],
)
def test_the_cpu_must_have_the_instructions(features, has, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: features)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    assert has_bfloat16() == has
    assert (compute_type(CNNParams(), CPU) == torch.bfloat16) == has


@pytest.mark.usefixtures("there")
def test_tables_stay_in_float32_on_a_cpu():
    assert compute_type(ImageMLPParams(), CPU) == torch.bfloat16
    assert compute_type(MLPParams(), CPU) == torch.float32


@pytest.mark.usefixtures("absent")
def test_cuda_has_it_for_all():
    for params in (MLPParams(), CNNParams()):
        assert compute_type(params, CUDA) == torch.bfloat16
        off = params.model_copy(update={"mixed_precision": False})
        assert compute_type(off, CUDA) == torch.float32


@pytest.mark.parametrize(("outputs", "short"), [(255, False), (256, True)])
def test_small_matrices_stay_in_float32(outputs, short):
    """They are worth less than the conversion."""
    layer = Linear("one", 512, outputs, lambda generator: torch.randn(512, outputs))
    weight = layer.initial(torch.Generator())[None]
    layer.bind({"one.weight": weight, "one.bias": torch.zeros(1, 1, outputs)}, {})
    x = torch.randn(1, 3, 512)
    out = layer.forward(x, Step(compute=torch.bfloat16))
    assert torch.equal(out, torch.bmm(x, weight)) != short
