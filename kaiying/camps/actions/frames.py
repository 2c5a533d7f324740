"""Frames as ffmpeg wants them: planes of brightness and colour, changed only where the picture changes."""

from PIL import Image

from kaiying.camps.actions.stage import HEIGHT, WIDTH

# RGB to BT.709 in the range of video (16 to 235).
MATRIX = (
    *(0.1826, 0.6142, 0.0620, 16.0),
    *(-0.1006, -0.3386, 0.4392, 128.0),
    *(0.4392, -0.3989, -0.0403, 128.0),
)
_LUMA = WIDTH * HEIGHT
_HALF = WIDTH // 2
_CHROMA = _LUMA // 4


class Patch:
    """A piece of a frame, converted once and put as often as wanted; place and size must be even."""

    __slots__ = ("rows", "x", "y")

    def __init__(self, picture: Image.Image, x: int, y: int) -> None:
        """Convert an RGB picture that belongs at ``x``, ``y``."""
        luma, *chroma = picture.convert("RGB").convert("RGB", MATRIX).split()
        width = picture.width
        self.x, self.y = x, y
        self.rows = [(luma.tobytes(), width, 0, WIDTH, 1)]
        for plane, colour in enumerate(chroma):
            self.rows.append((colour.reduce(2).tobytes(), width // 2, _LUMA + plane * _CHROMA, _HALF, 2))

    def put(self, frame: bytearray) -> None:
        """Lay this piece over a frame."""
        for data, width, base, stride, halved in self.rows:
            start = base + (self.y // halved) * stride + self.x // halved
            for row in range(len(data) // width):
                at = start + row * stride
                frame[at : at + width] = data[row * width : (row + 1) * width]


def whole(picture: Image.Image) -> bytearray:
    """Return the frame of a whole picture."""
    frame = bytearray(_LUMA + 2 * _CHROMA)
    planes = picture.convert("RGB").convert("RGB", MATRIX).split()
    frame[:_LUMA] = planes[0].tobytes()
    frame[_LUMA : _LUMA + _CHROMA] = planes[1].reduce(2).tobytes()
    frame[_LUMA + _CHROMA :] = planes[2].reduce(2).tobytes()
    return frame
