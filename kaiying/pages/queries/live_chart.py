"""Two plots over one axis of time, requests above and claims below, as numbers that a template draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from kaiying.kit import periods
from kaiying.offers.models import Offer
from kaiying.offers.queries import SLOT, Beats, beats
from kaiying.pages.queries.live_words import figure

SPANS = (5, 60)
"""Minutes the chart may show; it has sixty stretches either way."""

FEWEST = 24
"""Stretches that are drawn at least, so that a young sale does not look like a wall."""

WIDTH, TOP, UPPER, LOWER_TOP, LOWER = 760, 12, 120, 152, 84
STEPS = (1, 2, 4, 6, 10)
TICKS, ROWS = 5, 4
LABEL_ROOM = 170
"""Pixels a label needs; a mark too near to the right edge writes to its left."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened, to be written on the line where it did."""

    at: datetime
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch of claims."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place of the plot."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    line: float = 0
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template needs; coordinates in the view box."""

    span: int
    slot: int
    parts: list[Beats] = field(default_factory=list)
    rows: list[tuple[str, Beats]] = field(default_factory=list)
    area: str = ""
    line: str = ""
    bars: list[Bar] = field(default_factory=list)
    requests: list[Label] = field(default_factory=list)
    claims: list[Label] = field(default_factory=list)
    ticks: list[Label] = field(default_factory=list)
    marks: list[Label] = field(default_factory=list)
    peak_asked: str = ""
    peak_held: str = ""
    now_asked: str = ""
    now_held: str = ""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing was asked in all that it shows."""
        return not any(part.asked or part.held for part in self.parts)

    @property
    def say(self) -> str:
        """The chart as one sentence."""
        return _(
            "Requests reached %(asked)s a second and are at %(asked_now)s now; "
            "claims reached %(held)s seats a second and are at %(held_now)s now."
        ) % {
            "asked": self.peak_asked,
            "asked_now": self.now_asked,
            "held": self.peak_held,
            "held_now": self.now_held,
        }


def window(offer: Offer, *, at: datetime, span: int) -> list[Beats]:
    """Return the stretches the chart shows: the last minutes, of a younger sale all of it. One statement."""
    length = SLOT * span // SPANS[0]
    since = max(offer.opens_at, at - timedelta(minutes=span))
    return beats(offer, since=since, until=at, length=length) if since < at else []


def draw(parts: list[Beats], *, span: int, zone: str, marks: Sequence[Mark] = ()) -> Chart:
    """Lay a chart out."""
    slot = int(SLOT.total_seconds()) * span // SPANS[0]
    if not parts:
        return Chart(span, slot)
    wide = WIDTH / max(FEWEST, len(parts))
    asked = [part.per_second(part.asked) for part in parts]
    held = [part.per_second(part.held) for part in parts]
    most_asked, most_held = _ceiling(max(asked)), _ceiling(max(held))
    points = [
        f"{wide * (place + 0.5):.1f} {TOP + UPPER * (1 - rate / most_asked):.1f}" for place, rate in enumerate(asked)
    ]
    end = wide * (len(parts) - 0.5)
    return Chart(
        span=span,
        slot=slot,
        parts=parts,
        rows=[(f"{periods.local(part.at, zone):%H:%M:%S}", part) for part in reversed(parts)],
        line=f"M{' L'.join(points)}",
        area=f"M{wide / 2:.1f} {TOP + UPPER} L{' L'.join(points)} L{end:.1f} {TOP + UPPER}Z",
        bars=_bars(held, most_held, wide),
        requests=_grid(most_asked, TOP, UPPER),
        claims=_grid(most_held, 0, LOWER),
        ticks=_ticks(parts, wide, zone),
        marks=_placed(marks, parts, wide),
        peak_asked=figure(max(asked)),
        peak_held=figure(max(held)),
        now_asked=figure(asked[-1]),
        now_held=figure(held[-1]),
    )


def spark(values: Sequence[float]) -> str:
    """Return a line of 72 by 20 through these values; empty when there are none."""
    if len(values) < 2 or not any(values):  # noqa: PLR2004  (a line has two ends)
        return ""
    most, wide = max(values), 72 / (len(values) - 1)
    points = [f"{place * wide:.1f} {18 - 16 * value / most:.1f}" for place, value in enumerate(values)]
    return f"M{' L'.join(points)}"


def _ceiling(value: float) -> float:
    """Return a round number that is not below ``value`` and whose half is round as well, at least 1."""
    scale = 1.0
    while scale * STEPS[-1] < value:
        scale *= 10
    return next(step * scale for step in STEPS if step * scale >= value)


def _grid(most: float, top: float, height: float) -> list[Label]:
    return [Label(-8, top + height * (1 - share), figure(most * share)) for share in (1, 0.5, 0)]


def _bars(rates: list[float], most: float, wide: float) -> list[Bar]:
    peak = max(rates)
    return [
        Bar(
            x=round(wide * place + wide * 0.1, 1),
            y=round(LOWER * (1 - rate / most), 1),
            width=round(wide * 0.8, 1),
            height=round(LOWER * rate / most, 1),
            tone="peak" if rate == peak and place == rates.index(peak) else "",
        )
        for place, rate in enumerate(rates)
        if rate
    ]


def _ticks(parts: list[Beats], wide: float, zone: str) -> list[Label]:
    """Write a clock under round moments, about five of them."""
    step = max(60, int(parts[0].length.total_seconds()) * len(parts) // TICKS // 60 * 60)
    return [
        Label(round(wide * place, 1), 106, f"{periods.local(part.at, zone):%H:%M}", "middle" if place else "start")
        for place, part in enumerate(parts)
        if int(part.at.timestamp()) % step == 0
    ]


def _placed(marks: Sequence[Mark], parts: list[Beats], wide: float) -> list[Label]:
    """Place marks within the plot; labels that would run into each other stand one line lower."""
    since, until = parts[0].at, parts[-1].at + parts[0].length
    seconds = parts[0].length.total_seconds()
    inside = sorted((mark for mark in marks if since <= mark.at <= until), key=lambda mark: mark.at)
    row, before, placed = 0, -WIDTH * 1.0, []
    for mark in inside:
        x = round((mark.at - since).total_seconds() / seconds * wide, 1)
        row = (row + 1) % ROWS if x - before < LABEL_ROOM else 0
        before, is_last = x, x > WIDTH - LABEL_ROOM
        anchor, start = ("end", x - 6) if is_last else ("start", x + 6)
        placed.append(Label(round(start, 1), 52 + 16 * row, mark.text, anchor, x, mark.tone))
    return placed
