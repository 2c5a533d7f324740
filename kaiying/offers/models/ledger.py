"""The seat and price ledger. No row is ever deleted; expiry is a state.

I1 seats held or paid = what is sold ≤ the offer's seats. I2 one live claim per learner and offer. I3 a seat's
generation only grows, and every payment names it. I4 the price is written at the claim and never computed again.

A seat always belongs to the tier at whose price it would be sold: when a tier is over, its free seats are passed on to
the next one. The counts a crowd looks at stand in the tiers, written by whoever holds the lock of the offer.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Case, F, Q, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from kaiying.camps.models import Cohort
from kaiying.offers.vocabulary import LIVE, ClaimState, ReturnPolicy, SeatState
from kaiying.people.models import User
from kaiying.web.fields import TranslatedField


class Offer(models.Model):
    """Seats of one cohort, on sale by a price ladder."""

    cohort = models.OneToOneField(Cohort, on_delete=models.PROTECT, related_name="offer", verbose_name=_("cohort"))
    slug = models.SlugField(_("address"), max_length=60, unique=True)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    list_price = models.PositiveBigIntegerField(_("list price in minor units"))
    seats_total = models.PositiveIntegerField(_("seats"))
    opens_at = models.DateTimeField(_("sale opens"))
    closes_at = models.DateTimeField(_("sale closes"), null=True, blank=True)
    hold_minutes = models.PositiveSmallIntegerField(_("minutes a seat is held"), default=15)
    on_return = models.CharField(
        _("a returned seat is"), max_length=8, choices=ReturnPolicy, default=ReturnPolicy.REOPEN
    )
    last_seats = models.JSONField(_("wording for the last seats"), default=dict, blank=True)
    epoch = models.PositiveBigIntegerField(_("version of the public count"), default=0, editable=False)
    reserved = models.PositiveIntegerField(_("standing reservations"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("offer")
        verbose_name_plural = _("offers")

    def __str__(self) -> str:
        """Show the address."""
        return self.slug

    @property
    def hold(self) -> timedelta:
        """How long a seat is held for whoever claimed it."""
        return timedelta(minutes=self.hold_minutes)

    def is_open(self, *, at: datetime) -> bool:
        """Tell whether ``at`` lies within the sale."""
        return self.opens_at <= at and (self.closes_at is None or at < self.closes_at)


class PriceTier(models.Model):
    """One step of the ladder: a price for so many seats, or until a moment."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="tiers", verbose_name=_("offer"))
    ref = models.SlugField(_("id"), max_length=40)
    position = models.PositiveSmallIntegerField(_("position"))
    name = TranslatedField(_("name"))
    price = models.PositiveBigIntegerField(_("price in minor units"))
    seats = models.PositiveIntegerField(_("seats"), null=True, blank=True)  # None: all that are left
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    capacity = models.PositiveIntegerField(_("seats at this price now"), default=0, editable=False)
    held = models.PositiveIntegerField(_("held"), default=0, editable=False)
    paid = models.PositiveIntegerField(_("paid"), default=0, editable=False)
    void = models.PositiveIntegerField(_("withdrawn"), default=0, editable=False)

    class Meta:
        verbose_name = _("price tier")
        verbose_name_plural = _("price tiers")
        ordering: ClassVar[list[str]] = ["position"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["offer", "position"], name="offers_tier_position"),
            models.UniqueConstraint(fields=["offer", "ref"], name="offers_tier_ref"),
            models.CheckConstraint(condition=Q(seats=None) | Q(seats__gt=0), name="offers_tier_has_seats"),
            models.CheckConstraint(
                condition=Q(capacity__gte=F("held") + F("paid") + F("void")), name="offers_tier_not_oversold"
            ),
        ]

    def __str__(self) -> str:
        """Show the name in the active language."""
        return str(self.name)

    @property
    def used(self) -> int:
        """How many of its seats cannot be claimed."""
        return self.held + self.paid + self.void

    @property
    def free(self) -> int:
        """How many of its seats can be claimed."""
        return self.capacity - self.used

    def is_over(self, *, at: datetime) -> bool:
        """Tell whether its time has passed."""
        return self.ends_at is not None and self.ends_at <= at


class Seat(models.Model):
    """A numbered seat; rows exist from the start, so the database itself bounds what can be sold."""

    offer = models.ForeignKey(
        Offer, on_delete=models.CASCADE, related_name="seats", db_index=False, verbose_name=_("offer")
    )
    number = models.PositiveIntegerField(_("number"))
    tier = models.ForeignKey(
        PriceTier, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("price tier")
    )
    generation = models.PositiveIntegerField(_("generation"), default=0)
    state = models.CharField(_("state"), max_length=4, choices=SeatState, default=SeatState.FREE)

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["offer", "number"], name="offers_seat_number"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            # Two equalities and then the order: no planner finds a cheaper way to the lowest free seats, not even
            # on a table it has never analysed.
            models.Index(fields=["tier", "state", "number"], name="offers_seat_next"),
        ]

    def __str__(self) -> str:
        """Show the number."""
        return f"#{self.number}"


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Claims, by where they stand."""

    def live(self) -> "ClaimQuerySet":
        """Return those that hold a seat, paid for or not."""
        return self.filter(state__in=LIVE)

    def lapsing(self, *, at: datetime) -> "ClaimQuerySet":
        """Return holds whose time is over but whose seat has not been freed yet."""
        return self.filter(state=ClaimState.HELD, held_until__lte=at)

    def nobody_is_paying(self) -> "ClaimQuerySet":
        """Return those without a payment under way: their seat may be freed without asking a provider."""
        return self.filter(payment_pending_since=None)


class Claim(models.Model):
    """A learner's hold on one seat, until it is paid for or let go."""

    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, related_name="claims", db_index=False, verbose_name=_("offer")
    )
    learner = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("learner")
    )
    seat_number = models.PositiveIntegerField(_("seat"))
    generation = models.PositiveIntegerField(_("generation"))
    tier = models.ForeignKey(
        PriceTier, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("price tier")
    )
    price = models.PositiveBigIntegerField(_("price in minor units"))
    max_price = models.PositiveBigIntegerField(_("the most the buyer agreed to"))
    key = models.CharField(_("request key"), max_length=64)
    state = models.CharField(_("state"), max_length=8, choices=ClaimState, default=ClaimState.HELD)
    claimed_at = models.DateTimeField(_("claimed"))
    held_until = models.DateTimeField(_("held until"))
    payment_pending_since = models.DateTimeField(_("payment under way since"), null=True, blank=True)
    given_up_at = models.DateTimeField(_("given up"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[ClaimQuerySet] = ClaimQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # One index for two ends: one live claim a learner and offer, and the way the ledger looks people up. It is
            # the only one whose order is not that of the seats: each entry costs a page of its own to write.
            models.UniqueConstraint(
                F("learner"),
                F("offer"),
                Case(When(state__in=["held", "paid"], then=0), default=F("id"), output_field=models.BigIntegerField()),
                name="offers_claim_one_live",
            ),
            models.UniqueConstraint(
                fields=["offer", "seat_number"], condition=Q(state__in=["held", "paid"]), name="offers_claim_seat_once"
            ),
            models.UniqueConstraint(fields=["offer", "seat_number", "generation"], name="offers_claim_generation"),
            models.CheckConstraint(condition=Q(price__lte=F("max_price")), name="offers_claim_no_surprise"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["held_until"], condition=Q(state="held"), name="offers_claim_lapsing"),
        ]

    def __str__(self) -> str:
        """Show seat and state."""
        return f"#{self.seat_number} {self.state}"

    @property
    def is_live(self) -> bool:
        """Tell whether it holds a seat."""
        return self.state in LIVE
