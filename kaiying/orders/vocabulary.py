"""Words of this room, and how it says no."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused


class OrderState(models.TextChoices):
    """Where an order stands; the seat's state is a separate matter."""

    OPEN = "open", _("Waiting for payment")
    PAID = "paid", _("Paid")
    CLOSED = "closed", _("Closed unpaid")
    REFUNDING = "refunding", _("Being refunded")
    REFUNDED = "refunded", _("Refunded")


class PaymentKind(models.TextChoices):
    """A signed movement of money: charges are positive, refunds negative."""

    CHARGE = "charge", _("Charge")
    REFUND = "refund", _("Refund")


class RefundState(models.TextChoices):
    """Where a refund stands."""

    ASKED = "asked", _("Asked for")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class NotPayable(Refused):
    """The order is closed, paid or refunded."""

    code: ClassVar[str] = "not_payable"
    text = _("This order can no longer be paid.")


class NotRefundable(Refused):
    """There is nothing left to give back."""

    code: ClassVar[str] = "not_refundable"
    text = _("There is nothing left to refund on this order.")


class Forged(Refused):
    """A callback whose signature, amount, currency or order does not fit; it has no effect."""

    code: ClassVar[str] = "forged"
    status: ClassVar[int] = 400
    text = _("This message was not signed by the payment provider.")
