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


LIVE = (OrderState.OPEN, OrderState.PAID)


class PaymentKind(models.TextChoices):
    """A signed movement of money: charges are positive, refunds negative."""

    CHARGE = "charge", _("Charge")
    REFUND = "refund", _("Refund")


class RefundState(models.TextChoices):
    """Where a refund stands."""

    ASKED = "asked", _("Asked for")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class RefundCause(models.TextChoices):
    """Why money goes back: somebody decided it, or a rule of the product did."""

    DECIDED = "decided", _("Decided by the organizer")
    NO_SEAT = "no_seat", _("Paid after the hold was over, and no seat was left")
    PAID_TWICE = "paid_twice", _("Paid a second time")
    PROVIDER = "provider", _("Given back by the payment service")


class Outcome(models.TextChoices):
    """What a message or an answer of a provider did."""

    PAID = "paid", _("Seated and enrolled")
    GIVEN_BACK = "refunding", _("Money goes back")
    BOOKED = "booked", _("Refund booked")
    CLOSED = "closed", _("Closed unpaid")
    KNOWN = "known", _("Known already")
    IGNORED = "ignored", _("Nothing to do")
    REPEATED = "repeated", _("Repeated message")
    MISMATCH = "mismatch", _("Amount, currency, reference or merchant does not fit")
    UNKNOWN_ORDER = "unknown_order", _("No such order")
    EARLY = "early", _("About money we have not heard of yet")


WITHOUT_EFFECT = (Outcome.MISMATCH, Outcome.UNKNOWN_ORDER, Outcome.EARLY)
"""Messages that are kept but do not use up their event: the right one, or the right moment, may still come."""


class NotPayable(Refused):
    """The order is closed, paid or refunded."""

    code: ClassVar[str] = "not_payable"
    text = _("This order can no longer be paid.")


class NotRefundable(Refused):
    """There is nothing left to give back."""

    code: ClassVar[str] = "not_refundable"
    text = _("There is nothing left to refund on this order.")


class OverRefund(Refused):
    """More should go back than is left."""

    code: ClassVar[str] = "over_refund"
    status: ClassVar[int] = 422
    text = _("Only %(left)s of this order is left to refund.")


class RefundMoved(Refused):
    """Something was refunded since the person looked; nothing was sent."""

    code: ClassVar[str] = "refund_moved"
    text = _("A refund of this order was started meanwhile. Nothing was sent now; look at what is left.")


class NoProvider(Refused):
    """The buyer chose a way to pay that is not set up."""

    code: ClassVar[str] = "no_provider"
    status: ClassVar[int] = 422
    text = _("Choose how you want to pay.")


class Forged(Refused):
    """A callback whose signature, time, merchant, amount or currency does not fit; it has no effect."""

    code: ClassVar[str] = "forged"
    status: ClassVar[int] = 400
    text = _("This message was not signed by the payment provider.")


class Early(Refused):
    """A signed callback that money went back which we have not heard of yet; the provider should send it again."""

    code: ClassVar[str] = "early"
    text = _("This message came before the one it follows.")


class UnknownOrder(Refused):
    """A signed callback about an order we do not have (yet); the provider should send it again."""

    code: ClassVar[str] = "unknown_order"
    status: ClassVar[int] = 404
    text = _("There is no such order.")
