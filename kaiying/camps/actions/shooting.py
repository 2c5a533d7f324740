"""Draw the frames of a film, one after another: cards, slides, points that arrive, and what keeps moving."""

from collections.abc import Iterator
from functools import cached_property

from PIL import Image, ImageDraw

from kaiying.camps.actions.films import CARD, Script, Shot
from kaiying.camps.actions.frames import Patch, whole
from kaiying.camps.actions.stage import (
    DAWN,
    EMBER,
    HEIGHT,
    INK,
    INK_2,
    NIGHT,
    RIDGE_1,
    WIDTH,
    fit,
    round_portrait,
    width_of,
    wrap,
    write,
    write_rich,
)

RATE = 10
LEFT, TITLE_WIDTH, ROW_WIDTH, NARROWEST = 84, 936, 920, 360
FACE, FACE_X, FACE_Y = 136, 1104, 36
RING = 160
ARRIVE = 5
FADE = 4
STEPS = 160
ROOM = 420
ROWS = {1: (116, 94, 40), 2: (116, 94, 40), 3: (116, 94, 40), 4: (98, 82, 36), 5: (82, 70, 30)}
"""Pitch, height and type size of the points, by how many there are."""

TWO_LINES = 44
LINE_HEIGHT = 6
CHAPTER_CARD = 2.0


class Studio:
    """Draws one film: the pictures every shot shares are drawn once."""

    def __init__(self, script: Script, *, backdrop: Image.Image, scene: Image.Image, face: Image.Image) -> None:
        """Take the script and the drawings it stands before."""
        self.script, self.scene = script, scene
        self.backdrop = backdrop.convert("RGB")
        self.face = round_portrait(face, FACE)
        self._rings: dict[int, Patch] = {}

    def frames(self) -> Iterator[bytearray]:
        """Yield exactly ``seconds × RATE`` frames; each is valid until the next is asked for."""
        before: Image.Image | None = None
        done = 0
        for number, shot in enumerate(self.script.shots):
            picture = before
            for frame, picture in self._shot(number, shot, before):  # noqa: B007 — needed after the loop
                self._line(done / (self.script.seconds * RATE)).put(frame)
                yield frame
                done += 1
            before = picture

    def poster(self) -> Image.Image:
        """Return the opening card."""
        lesson = self.script
        return self._card(f"{lesson.day}  ·  {lesson.ref.upper()}", lesson.title, lesson.teacher)

    def _shot(self, number: int, shot: Shot, before: Image.Image | None) -> Iterator[tuple[bytearray, Image.Image]]:
        total = shot.seconds * RATE
        card = self._card_of(number, shot)
        used = 0
        if card is not None:
            for frame in self._fade(before, card):
                yield frame, card
                used += 1
            frame = whole(card)
            lasting = min(CARD if number == 0 else CHAPTER_CARD, shot.seconds / 3)
            while used < int(lasting * RATE):
                yield frame, card
                used += 1
            before = card
        base = self._slide(shot, number)
        for frame in self._fade(before, base):
            yield frame, base
            used += 1
        yield from self._points(shot, base, used, total)

    def _card_of(self, number: int, shot: Shot) -> Image.Image | None:
        if number == 0:
            return self.poster()
        if not shot.chapter:
            return None
        place = sum(bool(one.chapter) for one in self.script.shots[: number + 1])
        return self._card(f"{place:02}", shot.chapter, self.script.title)

    @staticmethod
    def _fade(before: Image.Image | None, after: Image.Image) -> Iterator[bytearray]:
        for step in range(1, FADE + 1) if before is not None else ():
            yield whole(Image.blend(before, after, _ease(step / (FADE + 1))))  # type: ignore[arg-type]

    def _points(self, shot: Shot, base: Image.Image, used: int, total: int) -> Iterator[tuple[bytearray, Image.Image]]:
        picture, frame, first = base.copy(), whole(base), used
        arrivals = _arrivals(len(shot.points), used, total)
        coming: list[list[Patch]] = []
        for number in range(used, total):
            if number in arrivals:
                coming = self._arrival(base, picture, shot.points, arrivals.index(number))
            for patch in coming.pop(0) if coming else ():
                patch.put(frame)
            self._ring(base, (number - first) / max(total - first, 1)).put(frame)
            yield frame, picture

    def _arrival(
        self, base: Image.Image, picture: Image.Image, points: tuple[str, ...], place: int
    ) -> list[list[Patch]]:
        """Draw a point into ``picture`` and return, frame by frame, the pieces by which it comes in.

        The point being spoken of is ember; the one before it turns quiet as the next arrives.
        """
        box = _box(place, len(points))
        layer = self._row(points[place], len(points), EMBER)
        under = picture.crop(box).convert("RGBA")
        moves: list[list[Patch]] = []
        for step in range(1, ARRIVE + 1):
            part = _ease(step / ARRIVE)
            piece = under.copy()
            faded = layer.copy()
            faded.putalpha(layer.getchannel("A").point([int(value * part) for value in range(256)]))
            piece.alpha_composite(faded, (round((1 - part) * 20), 0))
            moves.append([Patch(piece, box[0], box[1])])
        picture.paste(piece.convert("RGB"), box[:2])
        if place:
            self._quieten(base, picture, points, place - 1, moves)
        return moves

    def _quieten(
        self, base: Image.Image, picture: Image.Image, points: tuple[str, ...], place: int, moves: list[list[Patch]]
    ) -> None:
        box = _box(place, len(points))
        loud = picture.crop(box)
        quiet = base.crop(box).convert("RGBA")
        quiet.alpha_composite(self._row(points[place], len(points), RIDGE_1))
        for step, pieces in enumerate(moves, start=1):
            pieces.append(Patch(Image.blend(loud, quiet.convert("RGB"), step / ARRIVE), box[0], box[1]))
        picture.paste(quiet.convert("RGB"), box[:2])

    @staticmethod
    def _row(text: str, count: int, fill: str) -> Image.Image:
        _pitch, height, size = _rows(count)
        lines = wrap(text, size, ROW_WIDTH - 76, 2)
        if len(lines) > 1:
            size = int(size * 0.76)
            lines = wrap(text, size, ROW_WIDTH - 76, 2)
        width = min(ROW_WIDTH, max(NARROWEST, int(max(width_of(line, size) for line in lines)) + 84))
        layer = Image.new("RGBA", (ROW_WIDTH * 2, height * 2))
        ImageDraw.Draw(layer).rounded_rectangle((0, 0, width * 2 - 1, height * 2 - 1), radius=22, fill=fill)
        layer = layer.resize((ROW_WIDTH, height), Image.Resampling.LANCZOS)
        draw = ImageDraw.Draw(layer)
        for number, line in enumerate(lines):
            y = height / 2 + (number - (len(lines) - 1) / 2) * size * 1.25
            write_rich(draw, (36, y), line, size, figures=DAWN if fill == RIDGE_1 else INK)
        return layer

    def _slide(self, shot: Shot, number: int) -> Image.Image:
        picture = self.backdrop.copy()
        draw = ImageDraw.Draw(picture)
        mark = f"{self.script.ref.upper()}   {number + 1} / {len(self.script.shots)}"
        write(draw, (LEFT, 62), mark, 22, DAWN)
        size, lines = fit(shot.title, (58, 54, 50, 46), TITLE_WIDTH, 2)
        middle = 136 if len(lines) == 1 else 108
        if len(lines) > 1:
            size, lines = TWO_LINES, wrap(shot.title, TWO_LINES, TITLE_WIDTH, 2, bold=True)
        for place, line in enumerate(lines):
            write(draw, (LEFT, middle + place * 58), line, size, INK, bold=True)
        picture.paste(self.face, (FACE_X, FACE_Y), self.face)
        name = self.script.teacher
        x = FACE_X + FACE / 2 - width_of(name, 20) / 2
        write(draw, (x, FACE_Y + FACE + 34), name, 20, INK_2)
        return picture

    def _card(self, over: str, title: str, under: str) -> Image.Image:
        picture = self.scene.convert("RGB")
        draw = ImageDraw.Draw(picture)
        size, lines = fit(title, (76, 70, 64, 58, 52, 46), 1080, 2)
        write(draw, (LEFT, 108), over, 28, DAWN)
        for place, line in enumerate(lines):
            write(draw, (LEFT, 188 + place * size * 1.3), line, size, INK, bold=True)
        write(draw, (LEFT, 188 + (len(lines) - 1) * size * 1.3 + size / 2 + 48), under, 28, INK_2)
        return picture

    def _ring(self, base: Image.Image, part: float) -> Patch:
        """Return the ring around the portrait that fills while a slide lasts."""
        step = int(part * STEPS)
        if step not in self._rings:
            left, top = FACE_X - (RING - FACE) // 2, FACE_Y - (RING - FACE) // 2
            layer = Image.new("RGBA", (RING * 3, RING * 3))
            draw = ImageDraw.Draw(layer)
            box = (9, 9, RING * 3 - 10, RING * 3 - 10)
            draw.arc(box, 0, 360, fill=(255, 255, 255, 60), width=12)
            draw.arc(box, -90, -90 + 360 * step / STEPS, fill=DAWN, width=12)
            layer = layer.resize((RING, RING), Image.Resampling.BOX)
            under = base.crop((left, top, left + RING, top + RING)).convert("RGBA")
            under.alpha_composite(layer)
            self._rings[step] = Patch(under, left, top)
        return self._rings[step]

    @cached_property
    def _lines(self) -> dict[int, Patch]:
        return {}

    def _line(self, part: float) -> Patch:
        """Return the line at the foot that runs once through the film, with a gap where each slide begins."""
        step = int(part * WIDTH)
        if step not in self._lines:
            picture = Image.new("RGB", (WIDTH, LINE_HEIGHT), RIDGE_1)
            draw = ImageDraw.Draw(picture)
            draw.rectangle((0, 0, step, LINE_HEIGHT), fill=DAWN)
            for shot in self.script.shots[1:]:
                x = shot.start * WIDTH // self.script.seconds
                draw.rectangle((x - 2, 0, x + 1, LINE_HEIGHT), fill=NIGHT)
            self._lines[step] = Patch(picture, 0, HEIGHT - LINE_HEIGHT)
        return self._lines[step]


def _rows(count: int) -> tuple[int, int, int]:
    """Return pitch, height and type size for so many points."""
    if count in ROWS:
        return ROWS[count]
    pitch = ROOM // count // 2 * 2
    return pitch, pitch - 8, 24


def _box(place: int, count: int) -> tuple[int, int, int, int]:
    pitch, height, _size = _rows(count)
    top = 214 + place * pitch
    return LEFT, top, LEFT + ROW_WIDTH + 20, top + height


def _arrivals(count: int, used: int, total: int) -> list[int]:
    """Return the frame at which each point begins to arrive: spread over the first three quarters."""
    return [used + 6 + int((total - used - 6) * 0.76 * place / max(count, 1)) for place in range(count)]


def _ease(part: float) -> float:
    return 1 - (1 - part) ** 3
