"""The sample of digits: real ones, in Kaggle's format, the same for the same seed."""

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from podium.data.sources.digits import make_digits
from podium.data.sources.sample import DIGITS

NAME = DIGITS


def test_every_digit_is_in_one_table():
    train, test = make_digits()
    assert list(train) == ["label", *(f"pixel{index}" for index in range(64))]
    assert list(test) == list(train)[1:]
    images = np.concatenate([train.drop(columns="label"), test])
    digits = np.rint(load_digits().data * 255 / 16)
    assert sorted(map(tuple, images)) == sorted(map(tuple, digits))
    assert (images.min(), images.max()) == (0, 255)


def test_a_fifth_of_each_class_is_held_out():
    train, test = make_digits()
    assert 0.19 < len(test) / (len(train) + len(test)) < 0.21
    left = train["label"].value_counts() / pd.Series(load_digits().target).value_counts()
    assert left.between(0.78, 0.82).all()


def test_the_seed_chooses_which():
    one, again, other = make_digits(0), make_digits(0), make_digits(1)
    assert one[0].equals(again[0])
    assert one[1].equals(again[1])
    assert not one[1].equals(other[1])


def test_the_stage(project, podium):
    outcome = podium("download", NAME)
    assert outcome.code == 0, outcome.err
    assert "sample data, not Kaggle's" in outcome.out
    assert "SYNTHETIC" not in outcome.out
    sample = pd.read_csv(project.root / f"data/raw/{NAME}/sample_submission.csv")
    assert list(sample) == ["ImageId", "Label"]
    assert list(sample["ImageId"]) == list(range(1, 361))


def test_another_seed_is_another_sample(project, podium):
    assert podium("download", NAME).code == 0
    path = project.root / f"data/raw/{NAME}/test.csv"
    before = path.read_bytes()
    project.edit(lambda params: params[NAME]["source"].update(seed=1))
    assert podium("download", NAME).code == 0
    assert path.read_bytes() != before


def test_no_sample_of_another_slug(project, podium):
    project.edit(lambda params: params[NAME]["source"].update(slug="cifar-10"))
    outcome = podium("download", NAME)
    assert outcome.code == 2
    assert "there is no sample for 'cifar-10'; set provider to kaggle or local" in outcome.err
