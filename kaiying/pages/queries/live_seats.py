"""The tiers of a sale that runs: what is taken of each, how fast they went, and when the next one will be gone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from kaiying.offers.models import Claim, Offer, PriceTier, Seat
from kaiying.offers.queries import Beats, Ladder, Rung
from kaiying.offers.vocabulary import SeatState, StepState
from kaiying.pages.queries.live_words import clock, duration

MOST_CELLS = 60
FARTHEST = timedelta(days=2)
"""A pace that would take longer says nothing about when seats are gone."""


@dataclass(frozen=True, slots=True)
class Gone:
    """When the last seat of a tier was first claimed."""

    tier: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LiveTier:
    """A tier as the desk draws it: up to sixty seats a cell each, beyond that a bar; ``note`` says how fast it goes."""

    rung: Rung
    note: str

    @property
    def cells(self) -> list[str]:
        """The state of each seat, paid first; empty when there are too many to draw."""
        rung = self.rung
        if rung.seats > MOST_CELLS:
            return []
        return ["paid"] * rung.paid + ["held"] * rung.held + ["free"] * rung.free


def live_tiers(ladder: Ladder, gone: list[Gone], minute: Beats, zone: str) -> list[LiveTier]:
    """Return the tiers with a note each."""
    moments = {one.tier: one.at for one in gone}
    return [LiveTier(rung, _note(rung, ladder, moments.get(rung.ref), minute, zone)) for rung in ladder.rungs]


def gone_at(offer: Offer) -> list[Gone]:
    """Return when each tier without a free seat was first claimed up; two statements that look seats up by index.

    Seats of a tier go lowest number first, so whoever claimed its highest number first took the last one.
    """
    seats = Seat.objects.filter(tier=OuterRef("pk")).order_by("-number").values("number")
    tiers = PriceTier.objects.filter(offer=offer).annotate(
        last_paid=Subquery(seats.filter(state=SeatState.PAID)[:1]),
        last_held=Subquery(seats.filter(state=SeatState.HELD)[:1]),
    )
    last = {tier: max(tier.last_paid or 0, tier.last_held or 0) for tier in tiers if not tier.free}
    found = Claim.objects.filter(offer=offer, seat_number__in=last.values(), tier__in=[tier.pk for tier in last])
    firsts = dict(found.order_by("-generation").values_list("seat_number", "claimed_at"))  # the first claim wins
    return [Gone(tier.ref, str(tier.name), firsts[number]) for tier, number in last.items() if number in firsts]


def _note(rung: Rung, ladder: Ladder, gone: datetime | None, minute: Beats, zone: str) -> str:
    if not rung.free and gone is not None:
        length = duration((gone - ladder.opens_at).total_seconds())
        words = _("all paid, gone after %(length)s") if rung.paid == rung.seats else _("gone after %(length)s")
        return words % {"length": length}
    if ladder.is_early or rung.state == StepState.NEXT:
        return _("after the tier before it") if rung is not ladder.rungs[0] else _("when the sale opens")
    if rung.state == StepState.OVER or ladder.is_closed:
        return _("over")
    if not rung.free:
        return _("none to claim")
    return _pace(rung, ladder, minute, zone)


def _pace(rung: Rung, ladder: Ladder, minute: Beats, zone: str) -> str:
    """Say when the tier on sale will be gone if the last minute goes on, or that this cannot be said."""
    if not minute.held:
        return _("no claim in the last minute")
    left = rung.free / minute.per_second(minute.held)
    ends = [moment for moment in (rung.ends_at, ladder.closes_at) if moment is not None]
    gone = ladder.at + timedelta(seconds=left)
    if left > FARTHEST.total_seconds() or any(moment < gone for moment in ends):
        return _("will not sell out at this pace")
    return _("gone by %(time)s at this pace") % {"time": clock(gone, zone, now=ladder.at).rpartition(":")[0]}
