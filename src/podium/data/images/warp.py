"""Where a pixel comes from: shifts, turns, sizes, elastic bending, flips and crops, in one go.

Each resampling blurs, so all geometry is one grid of places that is sampled once, bilinear, zero
outside. Operations of whole pixels alone copy pixels and blur nothing.

Places in a grid are bilinear in what is known of the rows and of the columns: an affine map needs
1 and the coordinate of each, an elastic field a Gaussian around each node. So a batch's grids are
two matrix products, rows' basis @ coefficients @ columns' basis, with few coefficients an image.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from podium.config.images import Augmentation
from podium.data.images.knobs import (
    CROP,
    ELASTIC,
    HORIZONTAL_FLIP,
    ROTATION,
    SCALE,
    SHEAR,
    SHIFT,
    VERTICAL_FLIP,
    Memory,
    Random,
    around_zero,
    chosen,
    whole,
)

# Of the smoothing Gaussian's deviation. Correlations of displacements are met to half a percent.
NODE_SPACING = 1.25
# Images that are sampled at a time where a cache is the bottleneck.
IN_CACHE = 64


class Warp:
    """The geometry of a batch of images, another one for each image."""

    def __init__(self, knobs: Augmentation, height: int, width: int) -> None:
        self.knobs, self.height, self.width = knobs, height, width
        self.interpolates = any(
            (knobs.shift, knobs.rotation, knobs.scale, knobs.shear, knobs.elastic)
        )
        self.is_off = not (
            self.interpolates or knobs.horizontal_flip or knobs.vertical_flip or knobs.crop_padding
        )
        # The rows' and the columns' basis by device, made when a device is first seen.
        self.bases: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self.memory = Memory()

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The images seen through their grids, in ``out`` if given (it may be ``x``)."""
        way = self._sampled if self.interpolates else self._copied
        return way(x, random, out)

    def grid(self, random: Random, images: int, device: torch.device) -> Tensor:
        """Where each pixel comes from, shape (images, height, width, 2), as grid_sample wants it.

        The last axis is (x, y); -1 and 1 are the borders of the image. The next grid is written
        over it.
        """
        if device not in self.bases:
            self.bases[device] = self._basis(device)
        rows, columns = self.bases[device]
        a, b = rows.shape[1], len(columns)
        coefficients = self._coefficients(random, images, device).view(images * a, b)
        lines = self.memory("lines", (images, a, 2 * self.width), device)
        grid = self.memory("grid", (images, self.height, 2 * self.width), device)
        torch.mm(coefficients, columns, out=lines.view(images * a, 2 * self.width))
        torch.bmm(rows.expand(images, -1, -1), lines, out=grid)
        return grid.view(images, self.height, self.width, 2)

    def _sampled(self, x: Tensor, random: Random, out: Tensor | None) -> Tensor:
        grid = self.grid(random, len(x), x.device)
        # Sampling makes memory of its own, one plane a channel. With one channel that is the image.
        if out is None and x.shape[3] == 1:
            return _planes(x, grid).view(x.shape)
        out = torch.empty_like(x) if out is None else out
        part = len(x) if x.is_cuda else IN_CACHE
        for some, places, to in zip(x.split(part), grid.split(part), out.split(part), strict=True):
            to.copy_(_planes(some, places).permute(0, 2, 3, 1))
        return out

    def _copied(self, x: Tensor, random: Random, out: Tensor | None) -> Tensor:
        """Flips and crops, to the last bit."""
        if self.knobs.horizontal_flip:
            x = _flipped(x, 2, chosen(random, 0.5, HORIZONTAL_FLIP), out)
        if self.knobs.vertical_flip:
            x = _flipped(x, 1, chosen(random, 0.5, VERTICAL_FLIP), out)
        return self._cropped(x, self._crop(random), out) if self.knobs.crop_padding else x

    def _crop(self, random: Random) -> Tensor:
        """Each crop's corner (x, y) in the padded image."""
        return whole(random, 2 * self.knobs.crop_padding + 1, 2, CROP)

    def _cropped(self, x: Tensor, corner: Tensor, out: Tensor | None) -> Tensor:
        """Windows of the images' own size at ``corner`` (x, y) of the padded images."""
        images, height, width, channels = x.shape
        padding = self.knobs.crop_padding
        tall, wide = height + 2 * padding, width + 2 * padding
        padded = self.memory("padded", (images, tall, wide, channels), x.device)
        padded[:, padding : padding + height, padding : padding + width] = x
        # All pieces of a row's length, wherever they start: a crop is a list of them.
        starts = images * tall * wide - width + 1
        pieces = padded.as_strided((starts, width * channels), (channels, 1))
        first = torch.arange(images, device=x.device) * tall + corner[:, 1]
        lines = first[:, None] + torch.arange(height, device=x.device)
        start = lines * wide + corner[:, :1]
        out = torch.empty_like(x) if out is None else out
        torch.index_select(pieces, 0, start.flatten(), out=out.view(-1, width * channels))
        return out

    def _basis(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Of rows, shape (height, a), and of columns, shape (b * 2, width * 2).

        The columns' basis takes x and y side by side, as grid_sample reads them, from pixels to
        borders at -1 and 1.
        """
        smoothness = self.knobs.elastic_smoothness if self.knobs.elastic else 0.0
        rows = _axis_basis(self.height, smoothness)
        columns = _axis_basis(self.width, smoothness)
        to_borders = torch.diag(torch.tensor([2.0 / self.width, 2.0 / self.height]))
        # Displacements are shares of each side, so that the sides cancel.
        elastic = 2.0 * self.knobs.elastic * torch.eye(2)
        affine = torch.kron(columns[:, :2].contiguous(), to_borders)
        nodes = torch.kron(columns[:, 2:].contiguous(), elastic)
        both = torch.cat([affine, nodes], dim=1).T.contiguous()
        return rows.to(device), both.to(device)

    def _coefficients(self, random: Random, images: int, device: torch.device) -> Tensor:
        """Shape (images, a, b, 2): the affine map in the first two by two, then the noise."""
        rows, columns = self.bases[device]
        shape = (images, rows.shape[1], columns.shape[0] // 2, 2)
        # What mixes the affine map's rows with the noise's columns is never written and stays 0.
        coefficients = self.memory("coefficients", shape, device)
        matrix = self._matrix(random, images, device)
        coefficients[:, 0, 1] = matrix[:, :, 0]
        coefficients[:, 1, 0] = matrix[:, :, 1]
        moved = self._moved(random)
        if moved is not None:
            coefficients[:, 0, 0] = torch.matmul(matrix, moved[:, :, None])[:, :, 0]
        if self.knobs.elastic:
            nodes = coefficients[:, 2:, 2:]
            nodes.copy_(random.normal(nodes.shape[1:].numel(), ELASTIC).view(nodes.shape))
        return coefficients

    def _matrix(self, random: Random, images: int, device: torch.device) -> Tensor:
        """From a pixel's (x, y) around the centre to where it comes from, shape (images, 2, 2)."""
        knobs = self.knobs
        matrix = torch.eye(2, device=device).repeat(images, 1, 1)
        if knobs.rotation:
            angle = around_zero(random, math.radians(knobs.rotation), 1, ROTATION)
            sine, cosine = angle.sin(), angle.cos()
            matrix = torch.cat([cosine, -sine, sine, cosine], dim=1).view(images, 2, 2)
        if knobs.shear:
            lean = around_zero(random, math.radians(knobs.shear), 1, SHEAR).tan_()
            matrix[:, :, 1] += lean * matrix[:, :, 0]
        if knobs.scale:
            exponent = around_zero(random, math.log1p(knobs.scale), 1, SCALE)
            matrix *= exponent.neg_().exp_()[:, :, None]
        if knobs.horizontal_flip:
            matrix[:, 0] *= 1.0 - 2.0 * chosen(random, 0.5, HORIZONTAL_FLIP)[:, None]
        if knobs.vertical_flip:
            matrix[:, 1] *= 1.0 - 2.0 * chosen(random, 0.5, VERTICAL_FLIP)[:, None]
        return matrix

    def _moved(self, random: Random) -> Tensor | None:
        """What is added to a pixel's (x, y) first, in pixels, shape (images, 2)."""
        moved = None
        if self.knobs.shift:
            moved = around_zero(random, self.knobs.shift, 2, SHIFT)
            moved = moved * moved.new_tensor([self.width, self.height])
        if self.knobs.crop_padding:
            crop = (self._crop(random) - self.knobs.crop_padding).float()
            moved = crop if moved is None else moved + crop
        return moved


def _planes(x: Tensor, grid: Tensor) -> Tensor:
    """The images at the places of the grid, shape (images, channels, height, width)."""
    return functional.grid_sample(x.permute(0, 3, 1, 2), grid, align_corners=False)


def _axis_basis(side: int, smoothness: float) -> Tensor:
    """1, the coordinate around the centre, and a Gaussian a node; shape (side, 2 + nodes).

    Displacements of an elastic field are white noise smoothed by a Gaussian (Simard et al. 2003;
    Ciresan et al. 2010). A smooth field is known from few points, so noise is drawn on nodes about
    as far apart as the Gaussian is wide and not at each pixel; each pixel's weights have norm 1, so
    that the field's deviation is the noise's everywhere, at the border too.
    """
    coordinate = torch.arange(side) - (side - 1) / 2
    basis = torch.stack([torch.ones(side), coordinate], dim=1)
    if not smoothness:
        return basis
    deviation = smoothness * side
    # Noise finer than pixels is not seen. Nodes a pixel apart lie on the pixels, or all weights
    # of a narrow Gaussian would vanish.
    spacing = max(NODE_SPACING * deviation, 1.0)
    # One node beyond each border, or displacements there would hang on a single node.
    count = math.ceil((side - 1) / spacing) + 3
    nodes = (torch.arange(count) - (count - 1) / 2) * spacing
    weights = (coordinate[:, None] - nodes).div_(deviation).square_().mul_(-0.5).exp_()
    return torch.cat([basis, weights / weights.norm(dim=1, keepdim=True)], dim=1)


def _flipped(x: Tensor, axis: int, flip: Tensor, out: Tensor | None) -> Tensor:
    """Images mirrored where ``flip`` is 1; weights of 0 and 1 mix to the last bit."""
    mirrored = x.flip(axis)
    weight = flip[:, None, None, None]
    return torch.lerp(x, mirrored, weight, out=mirrored if out is None else out)
