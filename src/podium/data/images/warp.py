"""Geometric augmentation: shifts, rotations, scaling, shear, elastic fields, flips and crops.

Every resampling blurs, so all geometry is combined into one sampling grid, which gives for each
output pixel the position in the input, and the image is sampled once (bilinear, zero outside). If
only flips and crops are on, pixels are copied and nothing is blurred.

A batch's grids are computed by two matrix products. Write a source coordinate (x or y) of the
output pixel in row r and column c as

    position(r, c) = sum over i, j of R[r, i] * C[i, j] * K[j, c]

with a basis of functions of the row (R: 1, the row coordinate, and a Gaussian around each node of
the elastic field), the same basis for the column (K), and the coefficients C of one image. An
affine map a + b * row + d * column uses only the coefficients of (1, 1), (row, 1) and (1, column).
An elastic field is a sum of products of a row's and a column's Gaussian, because a two-dimensional
Gaussian is the product of two one-dimensional ones; its coefficients are random numbers. The other
coefficients stay 0. So R and K are fixed, and an image needs only the few numbers of its C.
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

# Distance between nodes in standard deviations of the smoothing Gaussian. At this spacing the
# correlations of displacements are exact to half a percent.
NODE_SPACING = 1.25
# Images that are sampled at a time on a CPU, where the cache is the bottleneck.
IN_CACHE = 64


class Warp:
    """Random geometry for each image of a batch."""

    def __init__(self, knobs: Augmentation, height: int, width: int) -> None:
        self.knobs, self.height, self.width = knobs, height, width
        self.interpolates = any(
            (knobs.shift, knobs.rotation, knobs.scale, knobs.shear, knobs.elastic)
        )
        self.is_off = not (
            self.interpolates or knobs.horizontal_flip or knobs.vertical_flip or knobs.crop_padding
        )
        # The row and column bases by device, made when a device is first used.
        self.bases: dict[torch.device, tuple[Tensor, Tensor]] = {}
        self.memory = Memory()

    def __call__(self, x: Tensor, random: Random, out: Tensor | None = None) -> Tensor:
        """The transformed images, in ``out`` if given (it may be ``x``)."""
        transform = self._sampled if self.interpolates else self._copied
        return transform(x, random, out)

    def grid(self, random: Random, images: int, device: torch.device) -> Tensor:
        """The source position of each pixel, shape (images, height, width, 2), for grid_sample.

        The last axis is (x, y); -1 and 1 are the borders of the image. The next call overwrites
        the result.
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
        # grid_sample allocates its result, one plane per channel; one channel needs no copy.
        if out is None and x.shape[3] == 1:
            return _planes(x, grid).view(x.shape)
        out = torch.empty_like(x) if out is None else out
        part = len(x) if x.is_cuda else IN_CACHE
        for some, places, to in zip(x.split(part), grid.split(part), out.split(part), strict=True):
            to.copy_(_planes(some, places).permute(0, 2, 3, 1))
        return out

    def _copied(self, x: Tensor, random: Random, out: Tensor | None) -> Tensor:
        """Flips and crops, bit-exact."""
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
        # A view of all segments of one row's length, at every start: a crop selects some of them.
        starts = images * tall * wide - width + 1
        segments = padded.as_strided((starts, width * channels), (channels, 1))
        first = torch.arange(images, device=x.device) * tall + corner[:, 1]
        lines = first[:, None] + torch.arange(height, device=x.device)
        start = lines * wide + corner[:, :1]
        out = torch.empty_like(x) if out is None else out
        torch.index_select(segments, 0, start.flatten(), out=out.view(-1, width * channels))
        return out

    def _basis(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """The row basis, shape (height, a), and the column basis, shape (b * 2, width * 2).

        The column basis handles x and y side by side, as grid_sample reads them, and converts
        pixels to grid_sample's coordinates, in which the borders are -1 and 1.
        """
        smoothness = self.knobs.elastic_smoothness if self.knobs.elastic else 0.0
        rows = _axis_basis(self.height, smoothness)
        columns = _axis_basis(self.width, smoothness)
        to_borders = torch.diag(torch.tensor([2.0 / self.width, 2.0 / self.height]))
        # Displacements are shares of the side: 2 is the full side in grid_sample's coordinates.
        elastic = 2.0 * self.knobs.elastic * torch.eye(2)
        affine = torch.kron(columns[:, :2].contiguous(), to_borders)
        nodes = torch.kron(columns[:, 2:].contiguous(), elastic)
        both = torch.cat([affine, nodes], dim=1).T.contiguous()
        return rows.to(device), both.to(device)

    def _coefficients(self, random: Random, images: int, device: torch.device) -> Tensor:
        """Coefficients, shape (images, a, b, 2): the affine map in [:2, :2], noise in [2:, 2:]."""
        rows, columns = self.bases[device]
        shape = (images, rows.shape[1], columns.shape[0] // 2, 2)
        # Products of an affine and an elastic function are never written and stay 0.
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
        """Maps an output pixel's (x, y) from the centre to its source, shape (images, 2, 2)."""
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
        """The shift added to a pixel's (x, y) before the matrix, in pixels, shape (images, 2)."""
        moved = None
        if self.knobs.shift:
            moved = around_zero(random, self.knobs.shift, 2, SHIFT)
            moved = moved * moved.new_tensor([self.width, self.height])
        if self.knobs.crop_padding:
            crop = (self._crop(random) - self.knobs.crop_padding).float()
            moved = crop if moved is None else moved + crop
        return moved


def _planes(x: Tensor, grid: Tensor) -> Tensor:
    """The images sampled at the grid's positions, shape (images, channels, height, width)."""
    return functional.grid_sample(x.permute(0, 3, 1, 2), grid, align_corners=False)


def _axis_basis(side: int, smoothness: float) -> Tensor:
    """The basis of one axis: 1, the coordinate from the centre, and a Gaussian per node.

    Shape (side, 2 + nodes). An elastic field's displacements are white noise smoothed by a Gaussian
    (Simard et al. 2003; Ciresan et al. 2010). A smooth field is determined by few points, so noise
    is drawn at nodes about one standard deviation apart instead of at each pixel. Each pixel's
    weights have norm 1, so that the field has the standard deviation of the noise everywhere, at
    the border too.
    """
    coordinate = torch.arange(side) - (side - 1) / 2
    basis = torch.stack([torch.ones(side), coordinate], dim=1)
    if not smoothness:
        return basis
    deviation = smoothness * side
    # Nodes are at least one pixel apart, since finer noise is invisible. Then they are exactly on
    # the pixels; between pixels, all weights of a narrow Gaussian could underflow to 0.
    spacing = max(NODE_SPACING * deviation, 1.0)
    # One node beyond each border, so that displacements there depend on more than one node.
    count = math.ceil((side - 1) / spacing) + 3
    nodes = (torch.arange(count) - (count - 1) / 2) * spacing
    weights = (coordinate[:, None] - nodes).div_(deviation).square_().mul_(-0.5).exp_()
    return torch.cat([basis, weights / weights.norm(dim=1, keepdim=True)], dim=1)


def _flipped(x: Tensor, axis: int, flip: Tensor, out: Tensor | None) -> Tensor:
    """Images mirrored where ``flip`` is 1; lerp with weights 0 and 1 is bit-exact."""
    mirrored = x.flip(axis)
    weight = flip[:, None, None, None]
    return torch.lerp(x, mirrored, weight, out=mirrored if out is None else out)
