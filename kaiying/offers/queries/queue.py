"""The waiting room as one person sees it: where they stand, how long it may take, and what is likely left then."""

from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Literal

from kaiying.kit.money import Money
from kaiying.offers.models import Admission
from kaiying.offers.queries.ladder import Ladder, Rung, Sale
from kaiying.web.texts import Text
from kaiying.wire.turns import Turn

type Phase = Literal["outside", "early", "free", "none", "waiting", "paused", "turn", "sold_out", "closed"]


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is likely left when it is one's turn, if everybody before takes a seat.

    ``kind``: ``same`` price as now, a ``later`` tier, or ``short``: fewer seats than people before. ``name`` and
    ``price`` are those of the tier it will be; ``left`` are the seats at the price of now, or for ``short`` all.
    """

    kind: Literal["same", "later", "short"]
    left: int
    now: Text
    name: Text
    price: Money


def outlook(ladder: Ladder, ahead: int) -> Outlook | None:
    """Return what is likely left after ``ahead`` people; ``None`` when nothing is for sale."""
    now = ladder.current
    if now is None:
        return None
    left = ahead
    for rung in ladder.rungs[ladder.rungs.index(now) :]:
        if left < rung.free:
            return Outlook("same" if rung is now else "later", now.free, now.name, rung.name, rung.price)
        left -= rung.free
    last: Rung = ladder.rungs[-1]
    return Outlook("short", ladder.free, now.name, last.name, last.price)


@dataclass(frozen=True, slots=True)
class Queue:
    """The line of an offer at ``at``, with the turn of whoever looks."""

    sale: Sale
    line: Admission
    turn: Turn | None
    at: datetime

    @property
    def phase(self) -> Phase:
        """Return what the page is about."""
        if self.sale.ladder.is_closed:
            return "closed"
        if self.sale.ladder.is_early:
            return "early" if self.turn else "outside"
        if self.sale.ladder.is_sold_out:
            return "sold_out"
        if self.turn is None:
            return "free" if self.line.threshold > self.line.end else "none"
        if self.place < self.line.threshold:
            return "turn"
        return "paused" if self.line.paused_at else "waiting"

    @property
    def place(self) -> int:
        """Where they stand on the line; for who has no turn, where the next one would."""
        return self.turn.place(self.line) if self.turn else self.line.end

    @property
    def ahead(self) -> int:
        """How many are let in before them."""
        return max(0, self.place - self.line.threshold)

    @property
    def number(self) -> int:
        """Their place as people count: 1 is the next to be let in."""
        return self.ahead + 1

    @property
    def way(self) -> int:
        """How many places there were to go when they came."""
        return max(1, self.place + 1 - (self.turn.since if self.turn else 0))

    @property
    def gone(self) -> int:
        """How many of those were let in since."""
        return max(0, self.way - self.number)

    @property
    def per_second(self) -> float:
        """How many are let in a second."""
        return self.line.flow

    @property
    def is_measured(self) -> bool:
        """Whether that was measured."""
        return bool(self.line.per_second)

    @property
    def minutes(self) -> int:
        """About how many minutes it takes; 0 is less than one."""
        seconds = self.number / self.per_second
        return 0 if seconds < 60 else ceil(seconds / 60)  # noqa: PLR2004 — a minute

    @property
    def outlook(self) -> Outlook | None:
        """What is likely left then."""
        return outlook(self.sale.ladder, self.ahead)

    @property
    def seed(self) -> str | None:
        """What places were drawn with, once that changes nothing any more."""
        return self.line.revealed(at=self.at)
