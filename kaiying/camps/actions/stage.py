"""The look of our films: the colours of the design's scene, type, and drawings as SVG."""

import re
from functools import lru_cache
from pathlib import Path

import pylopdf_fonts_zh_cn
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1280, 720

# The ``--scene-*`` tokens of the design.
NIGHT, TEAL, HAZE, DAWN, SUN, EMBER = "#002425", "#004340", "#906968", "#f5b675", "#fdd990", "#d94816"
RIDGE_1, RIDGE_2, RIDGE_3, INK, INK_2 = "#1e584e", "#0b3d36", "#052521", "#f6fcf7", "#c9dbd2"

BACKDROP = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 960 540">
<rect width="960" height="540" fill="{NIGHT}"/><circle cx="820" cy="80" r="260" fill="{TEAL}" opacity=".7"/></svg>"""

CAMP_AT_DAWN = f"""<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 960 540">
<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{NIGHT}"/>
<stop offset=".54" stop-color="{TEAL}"/><stop offset=".69" stop-color="{HAZE}"/><stop offset=".84" stop-color="{DAWN}"/>
</linearGradient><radialGradient id="sun" cx=".5" cy=".5" r=".5"><stop offset="0" stop-color="{SUN}"/>
<stop offset=".28" stop-color="{SUN}" stop-opacity=".85"/><stop offset="1" stop-color="{DAWN}" stop-opacity="0"/>
</radialGradient><linearGradient id="tent" x1="0" y1="0" x2="1" y2="0"><stop offset="0" stop-color="{DAWN}"/>
<stop offset="1" stop-color="{EMBER}"/></linearGradient></defs><rect width="960" height="540" fill="url(#sky)"/>
<g fill="{INK}" opacity=".5"><circle cx="742" cy="66" r="1.2"/><circle cx="806" cy="120" r="1.6"/>
<circle cx="690" cy="150" r="1"/>
<circle cx="872" cy="74" r="1.3"/><circle cx="910" cy="170" r="1"/><circle cx="560" cy="60" r="1"/>
<circle cx="620" cy="210" r="1"/>
</g><circle cx="742" cy="402" r="128" fill="url(#sun)"/><circle cx="742" cy="402" r="32" fill="{SUN}"/>
<path fill="{RIDGE_1}"
d="M0 428 82 396l62 20 96-46 74 36 60-18 88 34 78-26 84 30 112-40 92 34 60-20 72 28v150H0z"/>
<path fill="{RIDGE_2}" d="M0 470 100 434l96 26 112-38 118 40 104-26 110 32 124-30 96 28 100-22v120H0z"/>
<path fill="{RIDGE_3}" d="M0 506c140-30 262-34 410-16s330 8 550-18v80H0z"/>
<g transform="translate(596 418) scale(1.35)"><path d="M32 8V-12M32-12l11 4-11 4" fill="{EMBER}" stroke="{INK}"
stroke-width="1.5" stroke-linejoin="round"/><path d="M32 6 0 56h64z" fill="url(#tent)"/>
<path d="M32 6 64 56H47z" fill="{RIDGE_3}" opacity=".28"/>
<path d="M32 24 20 56h24z" fill="{RIDGE_3}"/><path d="M32 24 32 56H44z" fill="{SUN}" opacity=".9"/></g></svg>"""

SOMEBODY = f"""<svg xmlns="http://www.w3.org/2000/svg" width="240" height="240" viewBox="0 0 96 96">
<rect width="96" height="112" fill="{TEAL}"/><circle cx="74" cy="26" r="34" fill="{HAZE}" opacity=".55"/>
<path d="M14 112c2-24 15-34 34-34s32 10 34 34z" fill="{NIGHT}"/><path d="M40 72h16v12c-4 5-12 5-16 0z" fill="#d9a27f"/>
<ellipse cx="48" cy="54" rx="17" ry="21" fill="#e8b592"/>
<path d="M29 56c-3-22 6-34 20-34s22 11 19 33c-2-9-5-14-9-17-8 4-18 5-25 3-3 4-4 9-5 15z" fill="#1c2623"/>
<path d="M40 84l8 9 8-9 5 3-13 15-13-15z" fill="{INK}"/></svg>"""

FIGURES = re.compile(r"(¥?\d[\d,.]*%?)")
LABEL = re.compile(r"^([^：:]{1,12})(：|:\s)(.+)$")


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return our face in a size in pixels."""
    return ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), size)


def width_of(text: str, size: int, *, bold: bool = False) -> float:
    """Return how wide a text is drawn."""
    return font(size).getlength(text) + (weight_of(size) * 2 if bold else 0)


def weight_of(size: int) -> float:
    """Return the outline that makes our one weight look bold."""
    return max(0.6, size / 52)


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: str, *, bold: bool = False
) -> float:
    """Write a line with its middle at ``at``'s height; return where it ends."""
    outline = {"stroke_width": weight_of(size), "stroke_fill": fill} if bold else {}
    draw.text(at, text, font=font(size), fill=fill, anchor="lm", **outline)  # type: ignore[arg-type]
    return at[0] + width_of(text, size, bold=bold)


def write_rich(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, *, figures: str) -> None:
    """Write a point: the words before a colon bold, figures in a colour of their own."""
    x, y = at
    if found := LABEL.match(text):
        x = write(draw, (x, y), found[1], size, INK, bold=True)
        x = write(draw, (x, y), found[2], size, INK)
        text = found[3]
    for part in filter(None, FIGURES.split(text)):
        figure = FIGURES.fullmatch(part)
        x = write(draw, (x, y), part, size, figures if figure else INK)


def wrap(text: str, size: int, width: int, most: int, *, bold: bool = False) -> list[str]:
    """Break a text into at most ``most`` lines; Han breaks anywhere but before closing marks, words stay whole."""
    lines = [""]
    for piece in re.findall(r"[\w’'¥%.,\-/&+]+\s*|.\s*", text, re.ASCII):
        if (
            lines[-1]
            and width_of(lines[-1] + piece.rstrip(), size, bold=bold) > width
            and piece[0] not in "，。、；：？！”’）》%"
        ):
            lines.append(piece)
        else:
            lines[-1] += piece
    lines = [line.strip() for line in lines]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip("，。、；") + "…"]
    return lines


def fit(text: str, sizes: tuple[int, ...], width: int, most: int) -> tuple[int, list[str]]:
    """Return the largest size in which a bold text needs the fewest lines, and those lines."""
    for lines_allowed in range(1, most + 1):
        for size in sizes:
            lines = wrap(text, size, width, 9, bold=True)
            if len(lines) <= lines_allowed:
                return size, lines
    return sizes[-1], wrap(text, sizes[-1], width, most, bold=True)


def round_portrait(picture: Image.Image, size: int) -> Image.Image:
    """Cut a picture into a circle with smooth edges."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    square = (
        picture.convert("RGBA")
        .crop((left, top, left + side, top + side))
        .resize((size, size), Image.Resampling.LANCZOS)
    )
    mask = Image.new("L", (size * 4, size * 4))
    ImageDraw.Draw(mask).ellipse((0, 0, size * 4 - 1, size * 4 - 1), fill=255)
    square.putalpha(mask.resize((size, size), Image.Resampling.LANCZOS))
    return square


def open_portrait(path: Path | None) -> Image.Image | None:
    """Open a portrait that is not a drawing; ``None`` when there is none."""
    if path is None or path.suffix.lower() == ".svg":
        return None
    with Image.open(path) as picture:
        return picture.convert("RGBA")
