"""A sale while it runs, as its operators see it: seats, money, people, and how well those who ask are served.

The number of statements is the same for one buyer and for a hundred thousand, and none of them reads the claims of a
sale: seats are counted in the tiers, requests in the pulses of a few minutes, money from the tiers and the few rows of
what went back.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Count, Q, Sum
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from kaiying.camps.models import Cohort
from kaiying.kit.money import Money
from kaiying.offers.models import Admission, Incident, Offer
from kaiying.offers.queries import Beats, Ladder, all_beats, first_release, ladder, last_minute
from kaiying.offers.vocabulary import ActKind
from kaiying.orders.models import Order, Refund
from kaiying.orders.vocabulary import OrderState, RefundCause, RefundState
from kaiying.pages.queries.live_chart import SPANS, Chart, draw, window
from kaiying.pages.queries.live_health import Health, health
from kaiying.pages.queries.live_news import News, Past, marks_of, news
from kaiying.pages.queries.live_seats import LiveTier, gone_at, live_tiers
from kaiying.pages.queries.live_words import duration

LATEST = 40
"""Acts and incidents that are read; the page shows fewer."""


class Stage(StrEnum):
    """Where a sale stands for those who run it."""

    EARLY = "early"
    LIVE = "live"
    PAUSED = "paused"
    SOLD_OUT = "sold_out"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Taken:
    """Money that was paid for seats and is kept, and how often some went back."""

    kept: Money
    refunds: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way to a seat; ``share`` is of the step before."""

    name: str
    count: int
    share: float | None
    note: str
    width: int

    @property
    def rate(self) -> str:
        """The share of the step before, in words; empty when one does not lead to the other."""
        return "" if self.share is None else f"{self.share:.1%}" if self.share < 1 else "100%"


@dataclass(frozen=True, slots=True)
class Live:
    """A sale at one moment."""

    cohort: Cohort
    offer: Offer
    ladder: Ladder
    stage: Stage
    admission: Admission | None
    tiers: list[LiveTier]
    first_release: datetime | None
    taken: Taken
    minute: Beats
    chart: Chart
    steps: list[Step]
    returned: int
    health: list[Health]
    news: list[News]
    incident: Incident | None
    at: datetime

    @property
    def queue(self) -> int:
        """How many wait to be let in."""
        return self.admission.end - self.admission.reached if self.admission else 0

    @property
    def running(self) -> str:
        """How long the sale has been open, in words."""
        until = min(self.at, self.offer.closes_at or self.at)
        return duration((until - self.offer.opens_at).total_seconds())

    @property
    def is_running(self) -> bool:
        """Whether the sale is open, whatever is left of it."""
        return self.stage not in {Stage.EARLY, Stage.CLOSED}

    @property
    def degraded(self) -> int:
        """How many lines of the system's panel need a look."""
        return sum(line.is_bad for line in self.health)

    @property
    def pace(self) -> float:
        """Seats claimed a second over the last minute."""
        return self.minute.per_second(self.minute.held)


def live(*, cohort: Cohort, at: datetime, span: int | None = None) -> Live | None:
    """Return the sale of a cohort, ``None`` when it has none.

    The chart shows the last ``span`` minutes; not told, five, or the hour when nobody asked in those.
    """
    offer = Offer.objects.filter(cohort=cohort).select_related("admission", "cohort").first()
    if offer is None:
        return None
    found, room, minute = ladder(offer, at), getattr(offer, "admission", None), last_minute(offer, at=at)
    span, parts = _window(offer, span, at)
    gone = gone_at(offer)
    past = Past(
        acts=list(offer.acts.select_related("by").order_by("-at", "-pk")[:LATEST]),
        incidents=list(offer.incidents.order_by("-pk")[:LATEST]),
        gone=gone,
    )
    counted = all_beats(offer)
    claimed = max(counted.held if counted else 0, found.paid + found.held)
    return Live(
        cohort=cohort,
        offer=offer,
        ladder=found,
        stage=_stage(found, room),
        admission=room,
        tiers=live_tiers(found, gone, minute, cohort.zone),
        first_release=first_release(offer) if found.held else None,
        taken=_taken(offer, found),
        minute=minute,
        chart=draw(parts, span=span, zone=cohort.zone, marks=marks_of(past, zone=cohort.zone)),
        steps=_steps(found, counted, reserved=offer.reserved, claimed=claimed),
        returned=claimed - found.paid - found.held,
        health=health(parts=parts, minute=minute, room=room, at=at),
        news=news(offer=offer, past=past, at=at),
        incident=next((one for one in past.incidents if one.ended_at is None), None),
        at=at,
    )


def _window(offer: Offer, span: int | None, at: datetime) -> tuple[int, list[Beats]]:
    shortest, longest = SPANS
    parts = window(offer, at=at, span=span or shortest)
    if span or any(part.asked for part in parts) or at - offer.opens_at < timedelta(minutes=shortest):
        return span or shortest, parts
    return longest, window(offer, at=at, span=longest)


def _stage(found: Ladder, room: Admission | None) -> Stage:
    if found.is_early:
        return Stage.EARLY
    if found.is_closed:
        return Stage.CLOSED
    if found.is_sold_out:
        return Stage.SOLD_OUT
    return Stage.PAUSED if room and room.paused_at else Stage.LIVE


def _taken(offer: Offer, found: Ladder) -> Taken:
    """Add up what is kept: paid seats at the price of their tier, less what was given away or went back in part.

    The price of a seat never changes, so this is the sum of all charges without reading one of them.
    """
    sold = sum(rung.paid * rung.price.minor for rung in found.rungs)
    given = sum(price or 0 for price in offer.acts.filter(kind=ActKind.COMP).values_list("facts__price", flat=True))
    back = Refund.objects.exclude(state=RefundState.FAILED).filter(order__claim__offer=offer)
    ended = Order.objects.filter(pk__in=back.values("order"), fee__gt=0).aggregate(sum=Sum("fee"))
    part = Q(order__state=OrderState.PAID) & ~Q(cause=RefundCause.PAID_TWICE)
    sums = back.aggregate(count=Count("pk"), part=Sum("amount", filter=part))
    kept = sold - given - (sums["part"] or 0) + (ended["sum"] or 0)
    return Taken(Money(kept, offer.currency), sums["count"])


def _steps(found: Ladder, counted: Beats | None, *, reserved: int, claimed: int) -> list[Step]:
    """Return the way from seeing the page to paying; a step nobody has counted is left out."""
    counts = [
        (pgettext("funnel", "Saw it"), counted.viewed if counted else 0, ""),
        (pgettext("funnel", "Reserved"), reserved, ""),
        (pgettext("funnel", "Claimed"), claimed, _("of %(seats)s seats") % {"seats": f"{found.seats:,}"}),
        (pgettext("funnel", "Paid"), found.paid, ""),
    ]
    known = [(name, count, note) for name, count, note in counts if count] or counts[2:]
    most = max(count for _name, count, _note in known) or 1
    before = [None, *(count for _name, count, _note in known)]
    return [
        Step(name, count, count / base if base and count <= base else None, note, round(100 * count / most))
        for (name, count, note), base in zip(known, before, strict=False)
    ]
