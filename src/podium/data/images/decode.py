"""Decodes one PNG or JPEG file, or gives the reason why that fails."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from podium.data.images.raw import Pixels
from podium.data.images.resize import as_array, resized

FORMATS = ("PNG", "JPEG")
GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L")
# A progressive JPEG has about ten scans. An empty scan takes 20 bytes and, for an image of 64
# million pixels, 8 ms to decode, so a megabyte of them would take minutes.
JPEG, SCAN, MAX_SCANS = b"\xff\xd8", b"\xff\xda", 500
# Ratio of 16-bit to 8-bit pixel values.
SCALE_16_TO_8 = 65535 / 255


class DamagedImageError(Exception):
    """A file that can't be decoded, with the reason."""


@dataclass(frozen=True)
class Header:
    """Size and colours from a file's header, before anything is decoded."""

    height: int
    width: int
    grey: bool


def read_header(content: bytes) -> Header:
    """Size and colours of an image file.

    Raises:
        DamagedImageError: it is not a PNG or JPEG, or claims far too many pixels or scans.
    """
    with _opened(content) as image:
        return Header(image.height, image.width, image.mode in GREY)


def decode(content: bytes, channels: int, size: Sequence[int]) -> Pixels:
    """An image file as pixels, shape (height, width, channels), at ``size`` = [height, width].

    Colours are converted to grey by luminance (ITU-R 601), grey to three equal channels, and 16
    bits to 8; transparent parts are put on black. The orientation tag of EXIF is ignored.

    Raises:
        DamagedImageError: the file is cut off or damaged.
    """
    with _opened(content) as image:
        return as_array(resized(_converted(image, channels), size))


@contextmanager
def bombs_are_errors() -> Iterator[None]:
    """Turn Pillow's warning about far too many pixels into an error inside the block.

    Its other warnings concern things that don't change pixels (broken animations or metadata), and
    are hidden.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    if content.startswith(JPEG) and content.count(SCAN) > MAX_SCANS:
        raise DamagedImageError("has more scans than any real image")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            yield image
    except UnidentifiedImageError:
        raise DamagedImageError("not a PNG or JPEG") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DamagedImageError("claims more pixels than any real image") from None
    # Pillow's decoders raise many kinds of errors for damaged files.
    except Exception as error:
        raise DamagedImageError(str(error).splitlines()[0] if str(error) else "damaged") from None


def _converted(image: Image.Image, channels: int) -> Image.Image:
    if image.mode.startswith("I"):
        eight_bits = np.rint(np.asarray(image) / SCALE_16_TO_8).clip(0, 255)
        image = Image.fromarray(eight_bits.astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")
