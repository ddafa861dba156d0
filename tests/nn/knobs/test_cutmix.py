"""CutMix: a box of pixels of another of the member's own images, and its share of the target."""

import numpy as np
import pytest
import torch
from torch import Tensor

from nn_help import normal
from podium.config import ImageMLPParams
from podium.nn import Columns, fit_members
from podium.nn.knobs.mixing import CutMix

IMAGE = (6, 8, 2)
MEMBERS, ROWS = 3, 7
COUNTS = torch.tensor([7, 7, 4])
SEEDS = (4, 5, 6)
X = normal(MEMBERS, ROWS, 6 * 8 * 2)
# Each row a class of its own, so that a target tells whose shares it has.
Y = torch.eye(ROWS).expand(MEMBERS, ROWS, ROWS).contiguous()


def mixed(step: int = 0, alpha: float = 1.0, seeds=SEEDS, x=X, y=Y, counts=COUNTS):
    return CutMix([alpha] * len(seeds), seeds, IMAGE)(x, y, counts, step)


def pixels(x: Tensor) -> Tensor:
    return x.view(*x.shape[:2], *IMAGE)


def partner(row: int, member: int) -> int:
    return (row + 1) % int(COUNTS[member])


def taken(step: int) -> Tensor:
    """Which pixels (members, rows, height, width) are no longer an image's own."""
    return (pixels(mixed(step)[0]) != pixels(X)).all(4)


@pytest.mark.parametrize("step", range(8))
def test_a_box_comes_from_the_partner_and_all_else_stays(step):
    new = pixels(mixed(step)[0])
    for member, count in enumerate(COUNTS):
        for row in range(count):
            own, other = pixels(X)[member, row], pixels(X)[member, partner(row, member)]
            changed = (new[member, row] != own).any(2)
            rows, columns = changed.any(1), changed.any(0)
            # A box: all places in the rows and columns that are changed at all, and connected.
            assert torch.equal(changed, rows[:, None] & columns[None, :])
            for side in (rows, columns):
                inside = torch.nonzero(side).flatten()
                assert len(inside) == 0 or len(inside) == inside[-1] - inside[0] + 1
            assert torch.equal(new[member, row], torch.where(changed[:, :, None], other, own))


@pytest.mark.parametrize("step", range(8))
def test_targets_have_the_shares_of_the_area(step):
    y = mixed(step)[1]
    share = taken(step).float().mean((2, 3))
    for member, count in enumerate(COUNTS):
        for row in range(count):
            expected = torch.zeros(ROWS)
            expected[row] += 1 - share[member, row]
            expected[partner(row, member)] += share[member, row]
            assert torch.allclose(y[member, row], expected, atol=1e-6)
    assert torch.allclose(y.sum(2), torch.ones(MEMBERS, ROWS))


def test_every_member_and_step_has_a_box_of_its_own():
    boxes = {tuple(map(int, member[0].flatten())) for step in range(20) for member in taken(step)}
    assert len(boxes) > 40
    at_once = [len({tuple(map(int, own[0].flatten())) for own in taken(step)}) for step in range(9)]
    assert max(at_once) == MEMBERS


def test_partners_are_real_rows_of_the_same_member():
    """Spoil all else: what is mixed for real rows stays."""
    x, y = X.clone(), Y.clone()
    x[:2], y[:2] = 1e6, 1e6
    x[2, 4:], y[2, 4:] = -1e6, -1e6
    for step in range(8):
        (clean_x, clean_y), (other_x, other_y) = mixed(step), mixed(step, x=x, y=y)
        assert torch.equal(other_x[2, :4], clean_x[2, :4])
        assert torch.equal(other_y[2, :4], clean_y[2, :4])


def test_it_is_the_same_twice_and_leaves_its_input():
    x, y = X.clone(), Y.clone()
    first, second = mixed(3, x=x, y=y), mixed(3, x=x, y=y)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert torch.equal(x, X)
    assert torch.equal(y, Y)


def test_a_member_mixes_the_same_alone_and_beside_others():
    x, y = mixed()
    alone_x, alone_y = mixed(seeds=(5,), x=X[1:2], y=Y[1:2], counts=COUNTS[1:2])
    assert torch.equal(alone_x[0], x[1])
    assert torch.equal(alone_y[0], y[1])


def test_one_image_is_its_own_partner():
    one = torch.ones(MEMBERS, dtype=torch.int64)
    x, y = mixed(x=X[:, :1], y=Y[:, :1], counts=one)
    assert torch.equal(x, X[:, :1])
    assert torch.allclose(y, Y[:, :1])


# The box.


def boxes(alpha: float, height: int = 20, width: int = 30, steps: int = 400) -> np.ndarray:
    """Where boxes of many steps lie, shape (steps, height, width), ones within."""
    x = torch.stack([torch.zeros(height * width), torch.ones(height * width)])[None]
    mix = CutMix([alpha], [3], (height, width, 1))
    drawn = [mix(x, torch.eye(2)[None], torch.tensor([2]), step) for step in range(steps)]
    pasted = torch.stack([new[0, 0].view(height, width) for new, _ in drawn])
    shares = torch.stack([target[0, 0, 1] for _, target in drawn])
    assert torch.allclose(pasted.mean((1, 2)), shares, atol=1e-6)
    return pasted.numpy()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3)])
@pytest.mark.parametrize("alpha", [0.1, 1.0, 8.0])
def test_tiny_images_have_boxes_too(size, alpha):
    pasted = boxes(alpha, *size, steps=100)
    assert set(np.unique(pasted)) == {0.0, 1.0}


def test_a_boxes_area_follows_the_beta_distribution_but_for_what_the_edge_cuts_off():
    """A box of share s around a uniform point keeps (1 - sqrt(s) / 4)^2 of its area on average."""
    for alpha in (0.3, 1.0, 5.0):
        shares = np.random.default_rng(0).beta(alpha, alpha, 100_000)
        expected = (shares * (1 - np.sqrt(shares) / 4) ** 2).mean()
        assert boxes(alpha).mean() == pytest.approx(expected, abs=0.03)
    # More boxes of a middling size the larger alpha is.
    stds = [boxes(alpha).mean((1, 2)).std() for alpha in (0.3, 1.0, 5.0)]
    assert stds[0] > stds[1] > stds[2]


def test_boxes_are_anywhere():
    covered = boxes(1.0).mean(0)
    assert covered.min() > 0.1
    assert np.abs(covered - covered[::-1]).max() < 0.12
    assert np.abs(covered - covered[:, ::-1]).max() < 0.12


# In training.


def trained(**knobs):
    codes = np.arange(60) % 2
    x = np.random.default_rng(0).normal(size=(60, 6, 6, 1)).astype(np.float32)
    x[:, :3] += 1.0 * codes[:, None, None, None]
    x = x.reshape(60, -1)
    params = ImageMLPParams(
        **{"epochs": 30, "batch_size": 20, "hidden": [16], "dropout": 0.0, "device": "cpu",
           "learning_rate": 0.01, **knobs}
    )  # fmt: skip
    columns = Columns(36, image=(6, 6, 1))
    fitted = fit_members(x, codes, [np.arange(60)], params, classes=2, columns=columns)
    return fitted, fitted.predict(x)[0]


def test_cutmix_makes_training_harder_and_predictions_less_sure():
    (plain, sure), (cut, less) = trained(), trained(cutmix=1.0)
    losses = [fitted.outcomes[0].history[-1].train_loss for fitted in (plain, cut)]
    assert losses[1] > losses[0] + 0.1
    assert less.max(1).mean() < sure.max(1).mean() - 0.03
    # It learns all the same, and nothing is mixed at prediction.
    history = cut.outcomes[0].history
    assert history[-1].train_loss < history[0].train_loss
    assert ((less[:, 1] > 0.5) == np.arange(60) % 2).mean() > 0.9


def test_mixup_and_cutmix_go_together():
    both, _ = trained(cutmix=1.0, mixup=0.5)
    cut, _ = trained(cutmix=1.0)
    losses = [fitted.outcomes[0].history[-1].train_loss for fitted in (cut, both)]
    assert losses[1] > losses[0]
