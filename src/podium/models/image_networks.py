"""Networks on images, which may be changed at random while they train."""

from typing import cast

from podium.config import ImageNetworkParams
from podium.data.images.dataset import ImageDataset
from podium.models.base import Fit, SplitFit
from podium.models.image_inputs import ImageInputs
from podium.models.networks import NetworkInputs, fit_network


def fit_image_network(fit: Fit[ImageNetworkParams]) -> list[SplitFit]:
    """Train the network that ``fit.params`` describes on images."""
    return fit_network(fit, image_inputs(fit))


def image_inputs(fit: Fit[ImageNetworkParams]) -> NetworkInputs:
    """The images, changed at random as ``fit.params`` says."""
    dataset = cast(ImageDataset, fit.dataset)
    train, test = (
        ImageInputs(images, dataset.splits, fit.params) for images in (dataset.train, dataset.test)
    )
    features = [train.columns.total] * len(dataset.splits)
    return NetworkInputs(train, test, train.columns, features)
