"""The picture that messengers show beside a shared address."""

import os
from functools import cache
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pylopdf_fonts_zh_cn
from django.conf import settings
from django.utils.translation import override
from PIL import Image, ImageDraw, ImageFont

from kaiying.camps.models import Cohort
from kaiying.kit import periods

SIZE = (1200, 630)
TWICE = 2
"""Drawn at twice the size and scaled down, because Pillow's polygons have hard edges."""

MARGIN = 80
EDITION = "1"
"""Changes with the drawing, so that kept pictures are drawn anew."""

# The scene of the design, whose colours are the same in both themes.
NIGHT, TEAL, HAZE, DAWN, SUN = (0, 36, 37), (0, 67, 64), (144, 105, 104), (245, 182, 117), (253, 217, 144)
RIDGES = ((30, 88, 78), (11, 61, 54), (5, 37, 33))
EMBER, INK, INK_2 = (217, 72, 22), (246, 252, 247), (201, 219, 210)
SKY = ((0.0, NIGHT), (0.55, TEAL), (0.68, HAZE), (0.82, DAWN), (1.0, DAWN))

type Color = tuple[int, int, int]


def draw_share_card(*, cohort: Cohort, language: str) -> Path:
    """Return the picture of a cohort in a language, drawing it if it is not kept already."""
    known = dict(settings.LANGUAGES)
    with override(language if language in known else cohort.camp.language):
        lines = [str(cohort.camp.audience), str(cohort.camp.title), str(cohort.camp.tagline), _dates(cohort)]
    name = sha256("\n".join([EDITION, *lines]).encode()).hexdigest()[:20]
    path = Path(settings.MEDIA_ROOT) / "press" / "cards" / f"{name}.png"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{name}.{os.getpid()}")
        _draw(*lines).save(draft, format="PNG", optimize=True)
        draft.replace(path)
    return path


def _dates(cohort: Cohort) -> str:
    first = cohort.day_on(1)
    last = cohort.day_on(max(1, cohort.camp.days.count()))
    opens = periods.local(cohort.opens_at(1), cohort.zone)
    return f"{first:%Y.%m.%d} – {last:%m.%d}   {opens:%H:%M}"


def _draw(audience: str, title: str, tagline: str, dates: str) -> Image.Image:
    picture = _scene()
    draw = ImageDraw.Draw(picture)
    width = (SIZE[0] - 2 * MARGIN) * TWICE
    y = 76 * TWICE
    _text(draw, y, audience, size=38, color=INK_2)
    y += 62 * TWICE
    size = _fit(title, 84, width)
    _text(draw, y, title, size=size, color=INK, bold=True)
    y += (size + 34) * TWICE
    for line in _wrapped(tagline, 32, width * 3 // 4)[:2]:
        _text(draw, y, line, size=32, color=INK_2)
        y += 48 * TWICE
    _text(draw, (SIZE[1] - 84) * TWICE, dates, size=30, color=INK)
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), size * TWICE)


def _text(draw: ImageDraw.ImageDraw, y: float, text: str, *, size: int, color: Color, bold: bool = False) -> None:
    # The package has one weight; a stroke of the same colour makes the bold one.
    draw.text(
        (MARGIN * TWICE, y), text, font=_font(size), fill=color, stroke_width=TWICE if bold else 0, stroke_fill=color
    )


def _fit(text: str, size: int, width: int) -> int:
    while size > 36 and _font(size).getlength(text) > width:  # noqa: PLR2004 — smaller cannot be read in a chat
        size -= 4
    return size


def _wrapped(text: str, size: int, width: int) -> list[str]:
    """Break a text into lines: at spaces in Latin script, after any character in Chinese."""
    lines, line = [], ""
    pieces = text.split(" ") if text.isascii() else list(text)
    joint = " " if text.isascii() else ""
    for piece in pieces:
        longer = f"{line}{joint}{piece}" if line else piece
        if line and _font(size).getlength(longer) > width and piece not in "，。、；：”":
            lines.append(line)
            line = piece
        else:
            line = longer
    return [*lines, line] if line else lines


def _scene() -> Image.Image:
    width, height = SIZE[0] * TWICE, SIZE[1] * TWICE
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for y in range(height):
        draw.line([(0, y), (width, y)], fill=_sky(y / height))
    sun, radius = (0.76 * width, 0.68 * height), 52 * TWICE
    draw.ellipse([sun[0] - radius, sun[1] - radius, sun[0] + radius, sun[1] + radius], fill=SUN)
    heights = (
        (0.72, 0.62, 0.74, 0.60, 0.71, 0.64, 0.73),
        (0.80, 0.72, 0.79, 0.71, 0.80, 0.74, 0.79),
        (0.90, 0.86, 0.85, 0.87, 0.91, 0.90, 0.86),
    )
    for color, ridge in zip(RIDGES, heights, strict=True):
        points = [(place / (len(ridge) - 1) * width, level * height) for place, level in enumerate(ridge)]
        draw.polygon([(0, height), *points, (width, height)], fill=color)
    _tent(draw, x=0.885 * width, y=0.885 * height, size=0.1 * height)
    return picture


def _tent(draw: ImageDraw.ImageDraw, *, x: float, y: float, size: float) -> None:
    draw.polygon([(x, y - size), (x - size * 0.6, y), (x + size * 0.6, y)], fill=DAWN)
    draw.polygon([(x, y - size), (x + size * 0.2, y), (x + size * 0.6, y)], fill=EMBER)
    draw.polygon([(x, y - size * 0.6), (x - size * 0.22, y), (x + size * 0.22, y)], fill=RIDGES[2])
    draw.polygon([(x, y - size * 0.6), (x, y), (x + size * 0.22, y)], fill=SUN)


def _sky(share: float) -> Color:
    for (start, above), (end, below) in pairwise(SKY):
        if share <= end:
            part = (share - start) / (end - start)
            red, green, blue = (round(one + (other - one) * part) for one, other in zip(above, below, strict=True))
            return red, green, blue
    return SKY[-1][1]
