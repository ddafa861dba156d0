"""One PNG or JPEG file as pixels, or the reason why it is none."""

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
# A progressive JPEG is drawn in some ten scans. An empty one takes 20 bytes and 8 ms if the picture
# has 64 million pixels, so that a megabyte of them would take minutes.
JPEG, SCAN, MAX_SCANS = b"\xff\xd8", b"\xff\xda", 500
# White of 16 bits over white of 8.
WORDS = 65535 / 255


class DamagedImageError(Exception):
    """A file that can't be shown, with the reason."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before anything is decoded."""

    height: int
    width: int
    grey: bool


def read_header(content: bytes) -> Header:
    """Size and colours of an image file.

    Raises:
        DamagedImageError: it is no PNG or JPEG, or claims far too many pixels or scans.
    """
    with _opened(content) as image:
        return Header(image.height, image.width, image.mode in GREY)


def decode(content: bytes, channels: int, size: Sequence[int]) -> Pixels:
    """An image file as pixels, shape (height, width, channels), at ``size`` = [height, width].

    Colours become grey by their luminance (ITU-R 601), grey becomes three equal channels, 16 bits
    become 8; transparent parts show black behind them. Pixels stay as they are stored: a camera's
    note that the picture lies on its side (EXIF) is not followed.

    Raises:
        DamagedImageError: the file is cut off or damaged.
    """
    with _opened(content) as image:
        return as_array(resized(_converted(image, channels), size))


@contextmanager
def bombs_are_errors() -> Iterator[None]:
    """Pillow's warning of an image with far too many pixels is an error inside the block.

    Its other warnings are of things that change no pixel (a broken animation, a broken note), and
    are not shown.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    if content.startswith(JPEG) and content.count(SCAN) > MAX_SCANS:
        raise DamagedImageError("is drawn in more scans than any picture needs")
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            yield image
    except UnidentifiedImageError:
        raise DamagedImageError("no PNG or JPEG inside") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DamagedImageError("claims more pixels than any image has") from None
    # Pillow's decoders raise errors of many kinds for files that are not whole.
    except Exception as error:
        raise DamagedImageError(str(error).splitlines()[0] if str(error) else "damaged") from None


def _converted(image: Image.Image, channels: int) -> Image.Image:
    if image.mode.startswith("I"):
        image = Image.fromarray(np.rint(np.asarray(image) / WORDS).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return image.convert("L" if channels == 1 else "RGB")
