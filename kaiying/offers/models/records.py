"""What happened, for ever: every change of the ledger, every act of an operator, the pulse of a sale."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kaiying.offers.models.ledger import Offer
from kaiying.offers.vocabulary import ActKind
from kaiying.people.models import User


class LedgerEvent(models.Model):
    """What one transaction changed in an offer's ledger; all its tables can be rebuilt from these (I6).

    Rows are only ever added: the database refuses to change or delete one.
    """

    offer = models.ForeignKey(
        Offer, on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("offer")
    )
    number = models.PositiveBigIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=20)
    facts = models.JSONField(_("facts"), encoder=DjangoJSONEncoder)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("ledger event")
        verbose_name_plural = _("ledger events")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["offer", "number"], name="offers_ledger_event_number"),
        ]

    def __str__(self) -> str:
        """Show number and kind."""
        return f"{self.number} {self.kind}"


class Act(models.Model):
    """What an operator did to a sale, and why; rows are only ever added."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT, related_name="acts", verbose_name=_("offer"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    kind = models.CharField(_("kind"), max_length=20, choices=ActKind)
    reason = models.CharField(_("reason"), max_length=200)
    facts = models.JSONField(_("facts"), default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("act")
        verbose_name_plural = _("acts")

    def __str__(self) -> str:
        """Show kind and reason."""
        return f"{self.kind}: {self.reason}"


class Pulse(models.Model):
    """What one process saw of a sale in five seconds; the desk adds the processes up."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField(_("beginning"))
    source = models.CharField(_("process"), max_length=40)
    viewed = models.PositiveIntegerField(_("landing pages shown"), default=0)
    asked = models.PositiveIntegerField(_("claims asked"), default=0)
    held = models.PositiveIntegerField(_("seats newly held"), default=0)
    refused = models.PositiveIntegerField(_("refused by a rule"), default=0)
    shed = models.PositiveIntegerField(_("turned away, too busy or too often"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    slow_ms = models.PositiveIntegerField(_("95 in 100 were answered within, ms"), default=0)

    class Meta:
        verbose_name = _("pulse")
        verbose_name_plural = _("pulses")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["offer", "at", "source"], name="offers_pulse_once"),
        ]

    def __str__(self) -> str:
        """Show when."""
        return f"{self.at:%T} {self.source}"


class Incident(models.Model):
    """A stretch of a sale in which too few who asked for a seat got an answer; at most one at a time."""

    offer = models.ForeignKey(Offer, on_delete=models.CASCADE, related_name="incidents", verbose_name=_("offer"))
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    asked = models.PositiveIntegerField(_("claims asked"))
    answered = models.PositiveIntegerField(_("answered"))

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["offer"], condition=Q(ended_at=None), name="offers_incident_one_open"),
        ]

    def __str__(self) -> str:
        """Show when it began and how bad it was."""
        return f"{self.began_at:%F %T} {self.answered}/{self.asked}"
