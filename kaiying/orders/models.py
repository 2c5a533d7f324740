"""Money as a ledger: an order, its signed payments, its refunds, and the inbox of what providers told us."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from kaiying.offers.models import Claim
from kaiying.orders.vocabulary import OrderState, PaymentKind, RefundState
from kaiying.people.models import User


class Order(models.Model):
    """What a learner pays for one claim; the number is what they quote."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="+", verbose_name=_("claim"))
    learner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("learner"))
    amount = models.PositiveBigIntegerField(_("amount in minor units"))
    currency = models.CharField(_("currency"), max_length=3)
    provider = models.CharField(_("provider"), max_length=20)
    provider_ref = models.CharField(_("provider's reference"), max_length=80, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=OrderState, default=OrderState.OPEN)
    placed_at = models.DateTimeField(_("placed"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    ended_at = models.DateTimeField(_("closed or refunded"), null=True, blank=True)
    asked_at = models.DateTimeField(_("provider last asked"), null=True, blank=True)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["claim"], condition=Q(state__in=["open", "paid"]), name="orders_one_live_per_claim"),
        ]

    def __str__(self) -> str:
        """Show the number."""
        return self.number


class Payment(models.Model):
    """One movement of money, signed, in minor units; rows are only ever added."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=6, choices=PaymentKind)
    amount = models.BigIntegerField(_("amount in minor units"))
    currency = models.CharField(_("currency"), max_length=3)
    provider = models.CharField(_("provider"), max_length=20)
    transaction = models.CharField(_("provider's transaction"), max_length=80)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "transaction"], name="orders_transaction_once"),
            models.CheckConstraint(
                condition=Q(kind="charge", amount__gt=0) | Q(kind="refund", amount__lt=0), name="orders_payment_sign"
            ),
        ]

    def __str__(self) -> str:
        """Show kind and amount."""
        return f"{self.kind} {self.amount}"


class Refund(models.Model):
    """Money on its way back, why and by whose decision (nobody's: the product's own rule)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("order"))
    amount = models.PositiveBigIntegerField(_("amount in minor units"))
    reason = models.CharField(_("reason"), max_length=200)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"))
    state = models.CharField(_("state"), max_length=6, choices=RefundState, default=RefundState.ASKED)
    key = models.CharField(_("idempotency key"), max_length=64, unique=True)
    asked_at = models.DateTimeField(_("asked for"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")

    def __str__(self) -> str:
        """Show amount and state."""
        return f"{self.amount} {self.state}"


class Callback(models.Model):
    """One message from a provider, kept as it came; its event id makes sure it works once."""

    provider = models.CharField(_("provider"), max_length=20)
    event_id = models.CharField(_("event"), max_length=80)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, null=True, blank=True, related_name="callbacks", verbose_name=_("order"))
    body = models.TextField(_("as it came"))
    outcome = models.CharField(_("what it did"), max_length=40)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "event_id"], name="orders_callback_once"),
        ]

    def __str__(self) -> str:
        """Show the event."""
        return self.event_id
