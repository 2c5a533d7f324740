"""Money as a ledger: an order, its signed payments, its refunds, and the inbox of what providers told us.

Locks are taken in one order everywhere: the order's row, then (inside the actions of offers) the offer, then seats and
claims, then the enrollment. Nobody who holds an offer locks an order; placing one only adds a row.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from kaiying.kit.money import Money
from kaiying.offers.models import Claim
from kaiying.orders.vocabulary import (
    LIVE,
    WITHOUT_EFFECT,
    OrderState,
    Outcome,
    PaymentKind,
    RefundCause,
    RefundState,
)
from kaiying.people.models import User


class OrderQuerySet(models.QuerySet["Order"]):
    """Ways to pick orders."""

    def live(self) -> "OrderQuerySet":
        """Return those that are paid or may be."""
        return self.filter(state__in=LIVE)

    def open(self) -> "OrderQuerySet":
        """Return those that wait for payment."""
        return self.filter(state=OrderState.OPEN)

    def locked(self) -> "OrderQuerySet":
        """Lock the orders' own rows."""
        return self.select_for_update(of=("self",)).order_by("pk")

    def with_camp(self) -> "OrderQuerySet":
        """Fetch what pages show beside an order."""
        return self.select_related("claim__tier", "claim__offer__cohort__camp")


class Order(models.Model):
    """What a learner pays for one claim; the number is what they quote."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="+", verbose_name=_("claim"))
    learner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("learner"))
    amount = models.PositiveBigIntegerField(_("amount in minor units"))
    fee = models.PositiveBigIntegerField(_("kept when the seat was ended"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    provider = models.CharField(_("provider"), max_length=20)
    provider_ref = models.CharField(_("provider's reference"), max_length=80, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=OrderState, default=OrderState.OPEN)
    placed_at = models.DateTimeField(_("placed"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)
    ended_at = models.DateTimeField(_("closed or refunded"), null=True, blank=True)
    asked_at = models.DateTimeField(_("provider last asked"), null=True, blank=True)

    objects: ClassVar[OrderQuerySet] = OrderQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["claim"], condition=Q(state__in=["open", "paid"]), name="orders_one_live_per_claim"
            ),
            models.CheckConstraint(
                condition=Q(fee=0) | Q(state__in=["refunding", "refunded"], fee__lt=F("amount")), name="orders_fee"
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], condition=Q(state="open"), name="orders_to_ask"),
        ]

    def __str__(self) -> str:
        """Show the number."""
        return self.number

    @property
    def money(self) -> Money:
        """What it costs."""
        return Money(self.amount, self.currency)

    @property
    def returned(self) -> Money:
        """What went back or is on its way."""
        standing = [refund.amount for refund in self.refunds.all() if refund.state != RefundState.FAILED]
        return Money(sum(standing), self.currency)

    @property
    def left(self) -> int:
        """What of the money, in minor units, nobody has asked to give back."""
        return sum(payment.left for payment in self.payments.all() if payment.kind == PaymentKind.CHARGE)

    @property
    def is_turned_down(self) -> bool:
        """Whether money should go back and the provider said no, so that somebody has to ask again."""
        if self.state in {OrderState.REFUNDING, OrderState.REFUNDED}:
            return self.left > self.fee
        newest = {refund.charge_id: refund for refund in sorted(self.refunds.all(), key=lambda refund: refund.pk)}
        return any(refund.state == RefundState.FAILED for refund in newest.values())


class PaymentQuerySet(models.QuerySet["Payment"]):
    """Ways to pick movements of money."""

    def charges(self) -> "PaymentQuerySet":
        """Return money that came in."""
        return self.filter(kind=PaymentKind.CHARGE)

    def kept(self) -> "PaymentQuerySet":
        """Return charges of which something is left that nobody has asked to give back."""
        return self.charges().filter(refunded__lt=F("amount"))


class Payment(models.Model):
    """One movement of money, signed, in minor units; rows are only ever added.

    Of a charge, ``refunded`` is what goes back: the sum of its refunds that were not turned down. It is raised in the
    transaction that writes the refund, so the database itself refuses to give back more than was paid.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="payments", verbose_name=_("order"))
    kind = models.CharField(_("kind"), max_length=6, choices=PaymentKind)
    amount = models.BigIntegerField(_("amount in minor units"))
    refunded = models.PositiveBigIntegerField(_("of which goes back"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    provider = models.CharField(_("provider"), max_length=20)
    transaction = models.CharField(_("provider's transaction"), max_length=80)
    at = models.DateTimeField(_("at"))

    objects: ClassVar[PaymentQuerySet] = PaymentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["provider", "transaction"], name="orders_transaction_once"),
            models.CheckConstraint(
                condition=Q(kind="charge", amount__gt=0) | Q(kind="refund", amount__lt=0), name="orders_payment_sign"
            ),
            models.CheckConstraint(
                condition=Q(kind="charge", refunded__lte=F("amount")) | Q(kind="refund", refunded=0),
                name="orders_refunded_not_above_paid",
            ),
        ]

    def __str__(self) -> str:
        """Show kind and amount."""
        return f"{self.kind} {self.amount}"

    @property
    def money(self) -> Money:
        """How much, signed."""
        return Money(self.amount, self.currency)

    @property
    def left(self) -> int:
        """What of a charge nobody has asked to give back."""
        return self.amount - self.refunded


class Refund(models.Model):
    """A charge, or a part of it, on its way back, why and by whose decision (nobody's: the product's own rule)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("order"))
    charge = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds", verbose_name=_("charge"))
    amount = models.PositiveBigIntegerField(_("amount in minor units"))
    cause = models.CharField(_("cause"), max_length=10, choices=RefundCause, default=RefundCause.DECIDED)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    state = models.CharField(_("state"), max_length=6, choices=RefundState, default=RefundState.ASKED)
    key = models.CharField(_("idempotency key"), max_length=64, unique=True)
    asked_at = models.DateTimeField(_("asked for"))
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="orders_refund_amount"),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["asked_at"], condition=Q(state="asked"), name="orders_refund_waiting"),
        ]

    def __str__(self) -> str:
        """Show amount and state."""
        return f"{self.amount} {self.state}"

    @property
    def money(self) -> Money:
        """How much; an order names the currency of its rows."""
        return Money(self.amount, self.order.currency)

    @property
    def can_be_booked(self) -> bool:
        """Whether news that it went back can be true: one that was turned down may have gone through after all."""
        is_free_again = self.state == RefundState.FAILED and self.charge.left >= self.amount
        return self.state == RefundState.ASKED or is_free_again


class Callback(models.Model):
    """One message from a provider, kept as it came; its event id makes sure it works once."""

    provider = models.CharField(_("provider"), max_length=20)
    event_id = models.CharField(_("event"), max_length=80)
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, null=True, blank=True, related_name="callbacks", verbose_name=_("order")
    )
    body = models.TextField(_("as it came"))
    outcome = models.CharField(_("what it did"), max_length=40, choices=Outcome, blank=True)
    received_at = models.DateTimeField(_("received"))

    class Meta:
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["provider", "event_id"],
                condition=~Q(outcome__in=[*map(str, WITHOUT_EFFECT)]),
                name="orders_callback_once",
            ),
        ]

    def __str__(self) -> str:
        """Show the event."""
        return self.event_id
