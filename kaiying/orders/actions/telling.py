"""What a buyer is told: they are in, money is on its way back, money is back. The camp's own words go first."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kaiying.camps.queries import filled
from kaiying.kit.money import Money
from kaiying.notices.actions import language_of, notify
from kaiying.orders.models import Order, Refund
from kaiying.orders.vocabulary import RefundCause


def tell_paid(order: Order, *, at: datetime) -> None:
    """Welcome a learner whose seat is paid for; the seat, the price and the order's number stand below."""
    cohort = order.claim.offer.cohort
    with translation.override(language_of(order.learner)):
        facts = {"seat": order.claim.seat_number, "price": order.money.text(), "number": order.number}
        paid = _("Seat %(seat)s, %(price)s paid. Order %(number)s.") % facts
        words = filled(cohort.camp, "welcome", _places(order))
        title, body = words or (_("You are in: %(camp)s") % {"camp": str(cohort.camp.title)}, "")
        notify(
            to=order.learner,
            kind="orders.paid",
            title=title,
            body=f"{body}\n\n{paid}".strip(),
            url=reverse("pages:welcome", args=[cohort.slug]),
            at=at,
            mail=True,
        )


def tell_refunding(order: Order, made: Refund, *, at: datetime, is_owed: bool) -> None:
    """Tell a buyer that money is on its way back, and why; ``is_owed``: they are first on the waitlist now."""
    with translation.override(language_of(order.learner)):
        lines = {
            RefundCause.DECIDED: _("Your seat has been released."),
            RefundCause.NO_SEAT: _("Your payment arrived after the hold was over, and no seat was left."),
            RefundCause.PAID_TWICE: _("It was a second payment for the same seat."),
        }
        parts = [lines[RefundCause(made.cause)]]
        if made.reason:
            parts.append(_("The reason: %(reason)s") % {"reason": made.reason})
        if is_owed:
            parts.append(_("You are now first on the waitlist."))
        parts.append(_("The money returns the way you paid, within three working days."))
        notify(
            to=order.learner,
            kind="orders.refund",
            title=_("%(price)s is on its way back to you") % {"price": Money(made.amount, order.currency).text()},
            body="\n".join(parts),
            url=reverse("orders:show", args=[order.number]),
            at=at,
            mail=True,
        )


def tell_refunded(order: Order, *, at: datetime) -> None:
    """Tell a learner who has left the camp that their money has gone back."""
    with translation.override(language_of(order.learner)):
        places = _places(order)
        title, body = filled(order.claim.offer.cohort.camp, "refunded", places) or (
            _("%(price)s has gone back to you") % {"price": places["price"]},
            _("Depending on your bank it shows within three working days."),
        )
        notify(
            to=order.learner,
            kind="orders.refunded",
            title=title,
            body=body,
            url=reverse("orders:show", args=[order.number]),
            at=at,
            mail=True,
        )


def _places(order: Order) -> dict[str, str]:
    camp = order.claim.offer.cohort.camp
    return {"name": str(order.learner), "camp": str(camp.title), "price": order.money.text()}
