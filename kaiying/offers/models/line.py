"""Those who wait: for the opening (reservations), at the door (the waiting room), for a seat (the waitlist)."""

import secrets
from datetime import datetime
from hashlib import sha256
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kaiying.offers.models.ledger import Claim, Offer
from kaiying.offers.vocabulary import STANDING, Turn, WaitState
from kaiying.people.models import User


class WaitlistQuerySet(models.QuerySet["WaitlistEntry"]):
    """People in line."""

    def waiting(self) -> "WaitlistQuerySet":
        """Return those nobody has offered a seat yet."""
        return self.filter(state=WaitState.WAITING)

    def standing(self) -> "WaitlistQuerySet":
        """Return those who wait or have an offer."""
        return self.filter(state__in=STANDING)

    def in_line(self) -> "WaitlistQuerySet":
        """Return them in the order they are served: first whom we owe a seat, then as they came."""
        return self.order_by("precedence", "id")


class WaitlistEntry(models.Model):
    """A person waiting for a seat, in the order they came."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="waitlist", verbose_name=_("offer"))
    learner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name=_("learner"))
    max_price = models.PositiveBigIntegerField(_("the most they agreed to"))
    state = models.CharField(_("state"), max_length=8, choices=WaitState, default=WaitState.WAITING)
    precedence = models.PositiveSmallIntegerField(_("turn"), choices=Turn, default=Turn.AS_THEY_CAME)
    joined_at = models.DateTimeField(_("joined"))
    claim = models.OneToOneField(
        Claim, on_delete=models.PROTECT, null=True, blank=True, related_name="waitlist_entry", verbose_name=_("claim")
    )
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects: ClassVar[WaitlistQuerySet] = WaitlistQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist entries")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["offer", "learner"], condition=Q(state__in=["waiting", "offered"]), name="offers_waiting_once"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["offer", "precedence", "id"], condition=Q(state="waiting"), name="offers_waitlist_head"
            ),
            models.Index(fields=["offer", "max_price"], condition=Q(state="waiting"), name="offers_waitlist_richest"),
        ]

    def __str__(self) -> str:
        """Show who waits."""
        return f"{self.learner} {self.state}"


class ReservationQuerySet(models.QuerySet["Reservation"]):
    """People who asked to be there at the opening."""

    def standing(self) -> "ReservationQuerySet":
        """Return those that were not taken back."""
        return self.filter(cancelled_at=None)

    def unreminded(self) -> "ReservationQuerySet":
        """Return those nobody was reminded of, oldest first."""
        return self.standing().filter(reminded_at=None).order_by("pk")


class Reservation(models.Model):
    """A learner's word that they will be there at the opening; it holds no seat. One a learner and offer, for ever."""

    offer = models.ForeignKey(
        Offer, on_delete=models.CASCADE, related_name="reservations", db_index=False, verbose_name=_("offer")
    )
    learner = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("learner")
    )
    reserved_at = models.DateTimeField(_("reserved"))
    cancelled_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    reminded_at = models.DateTimeField(_("reminded"), null=True, blank=True)

    objects: ClassVar[ReservationQuerySet] = ReservationQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("reservation")
        verbose_name_plural = _("reservations")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["learner", "offer"], name="offers_reservation_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["offer", "id"], condition=Q(cancelled_at=None, reminded_at=None), name="offers_to_remind"
            ),
        ]

    def __str__(self) -> str:
        """Show who reserved."""
        return f"{self.learner} {self.reserved_at:%F %T}"


FEWEST_SECONDS = 5
"""Seconds that must have passed before we say how fast a line moves."""

USUAL_RATE = 200
"""People let in a second while nobody has set a number and no payment was measured."""


def new_seed() -> str:
    """Return a seed nobody can guess."""
    return secrets.token_hex(32)


class Admission(models.Model):
    """The waiting room of one offer: who may ask for a seat now.

    Places are numbers on one line. Who was there before the opening stands on one of the first ``early`` places, by
    a hash of the seed and the learner; who comes later gets the next number. Places below ``threshold`` are in.
    """

    offer = models.OneToOneField(
        Offer, on_delete=models.CASCADE, primary_key=True, related_name="admission", verbose_name=_("offer")
    )
    seed = models.CharField(_("seed"), max_length=64, default=new_seed, editable=False)
    rate = models.PositiveIntegerField(_("people let in a second"), null=True, blank=True)  # None: as measured
    measured = models.PositiveIntegerField(_("people a second that payments can bear"), null=True, editable=False)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True)
    lifted_at = models.DateTimeField(_("switched off"), null=True, blank=True)
    early = models.PositiveBigIntegerField(_("there before the opening"), default=0, editable=False)
    issued = models.PositiveBigIntegerField(_("numbers given out since"), default=0, editable=False)
    threshold = models.PositiveBigIntegerField(_("places let in"), default=0, editable=False)
    advanced_at = models.DateTimeField(_("last let in"), null=True, blank=True, editable=False)
    came = models.PositiveBigIntegerField(_("came when they were let in"), default=0, editable=False)
    speed = models.FloatField(_("times faster, for those who do not come"), default=1.0, editable=False)
    marks = models.JSONField(
        _("how far it was when"), default=list, editable=False
    )  # [[seconds since 1970, places let in, people who came]]

    class Meta:
        verbose_name = _("waiting room")
        verbose_name_plural = _("waiting rooms")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(rate=None) | Q(rate__gt=0), name="offers_admission_rate"),
        ]

    def __str__(self) -> str:
        """Show how far it is."""
        return f"{self.threshold}/{self.early + self.issued}"

    @property
    def pace(self) -> int:
        """How many are let in a second: the operator's number, else what payments can bear, else the default."""
        return self.rate or self.measured or USUAL_RATE

    @property
    def end(self) -> int:
        """The first place nobody has."""
        return self.early + self.issued

    @property
    def reached(self) -> int:
        """How many places that somebody has are in; the threshold itself may stand a second ahead of the line."""
        return min(self.threshold, self.end)

    @property
    def per_second(self) -> float | None:
        """Return how many places a second the line went on by in the last half minute; ``None`` before it is known."""
        if not self.marks or self.advanced_at is None:
            return None
        since, reached, _came = self.marks[0]
        seconds = self.advanced_at.timestamp() - since
        return round((self.reached - reached) / seconds, 1) if seconds >= FEWEST_SECONDS else None

    @property
    def flow(self) -> float:
        """How many are let in a second: as measured in the last half minute, else by the pace."""
        return self.per_second or float(self.pace)

    @property
    def commitment(self) -> str:
        """What is published before the opening, so that nobody can choose the seed afterwards."""
        return sha256(self.seed.encode()).hexdigest()

    def revealed(self, *, at: datetime) -> str | None:
        """Return the seed once the sale has opened."""
        return self.seed if at >= self.offer.opens_at else None


class Bell(models.Model):
    """A learner in line who wants to be called when their turn is near. One a learner and offer, rung once."""

    offer = models.ForeignKey(
        Offer, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("offer")
    )
    learner = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("learner")
    )
    place = models.PositiveBigIntegerField(_("place in line"))
    asked_at = models.DateTimeField(_("asked"))
    rung_at = models.DateTimeField(_("called"), null=True, blank=True)

    class Meta:
        verbose_name = _("bell")
        verbose_name_plural = _("bells")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["learner", "offer"], name="offers_bell_once"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["offer", "place"], condition=Q(rung_at=None), name="offers_to_call"),
        ]

    def __str__(self) -> str:
        """Show who is called."""
        return f"{self.learner} {self.place}"
