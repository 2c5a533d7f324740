"""What a buyer is told: they are in, money is on its way back, money is back. The camp's own words go first."""

from datetime import datetime

from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from kaiying.camps.queries import filled
from kaiying.kit.money import Money
from kaiying.notices.actions import language_of, notify
from kaiying.orders.models import Order, Refund
from kaiying.orders.vocabulary import OrderState, RefundCause


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
            RefundCause.DECIDED: _whose_seat(order),
            RefundCause.NO_SEAT: _("Your payment arrived after the hold was over, and no seat was left."),
            RefundCause.PAID_TWICE: _("It was a second payment for the same seat."),
        }
        parts = [lines[RefundCause(made.cause)]]
        if made.reason:
            parts.append(_("The reason: %(reason)s") % {"reason": made.reason})
        if is_owed:
            parts.append(_("You are now first on the waitlist."))
        parts.append(_("The money returns the way you paid, within three working days."))
        _tell(
            order,
            kind="orders.refund",
            title=_("%(price)s is on its way back to you") % {"price": made.money.text()},
            body="\n".join(parts),
            at=at,
        )


def tell_refunded(order: Order, made: Refund, *, at: datetime) -> None:
    """Tell a learner that money has gone back; who has left the camp reads the camp's own words."""
    with translation.override(language_of(order.learner)):
        has_left = order.state != OrderState.PAID
        places = _places(order) | {"price": made.money.text()}
        words = filled(order.claim.offer.cohort.camp, "refunded", places) if has_left else None
        parts = [_("Depending on your bank it shows within three working days.")]
        if made.cause == RefundCause.PROVIDER or not has_left:  # nothing was announced before, or they stay
            parts.insert(0, _whose_seat(order))
        title, body = words or (_("%(price)s has gone back to you") % places, "\n".join(parts))
        _tell(order, kind="orders.refunded", title=title, body=body, at=at)


def _whose_seat(order: Order) -> str:
    if order.state == OrderState.PAID:
        return _("Your seat stays yours.")
    if order.fee:
        kept = {"price": Money(order.fee, order.currency).text()}
        return _("Your seat has been released; %(price)s stays with the organizer.") % kept
    return _("Your seat has been released.")


def _tell(order: Order, *, kind: str, title: str, body: str, at: datetime) -> None:
    url = reverse("orders:show", args=[order.number])
    notify(to=order.learner, kind=kind, title=title, body=body, url=url, at=at, mail=True)


def _places(order: Order) -> dict[str, str]:
    camp = order.claim.offer.cohort.camp
    return {"name": str(order.learner), "camp": str(camp.title), "price": order.money.text()}
