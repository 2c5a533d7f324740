"""Money on its way back: decided in our transaction, moved outside of it, booked when the provider has done it."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from kaiying.kit.money import Money
from kaiying.orders.actions.booking import book_refund, count_back, new_refund, stand
from kaiying.orders.actions.telling import tell_refunding
from kaiying.orders.actions.truth import News
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.providers import Declined, at_provider
from kaiying.orders.tasks import move_refund
from kaiying.orders.vocabulary import NotRefundable, OrderState, OverRefund, RefundCause, RefundMoved, RefundState
from kaiying.outbox.actions import later, publish
from kaiying.people.models import User

logger = logging.getLogger(__name__)

FORGOTTEN = timedelta(hours=3)
"""By then the job of a refund has been given up; it is started again."""


@transaction.atomic
def refund(
    *,
    order: Order,
    by: User,
    reason: str,
    at: datetime,
    amount: int | None = None,
    ends_seat: bool = False,
    seen: int | None = None,
) -> Refund:
    """Give back all that is left of an order, or a part of it; raises ``NotRefundable`` or ``OverRefund``.

    When nothing is left, or with ``ends_seat``, the seat becomes free and the enrollment ends; what then stays with the
    organizer is the order's fee. ``seen`` is what had gone back when ``by`` looked: pressing twice returns the first
    refund, and who looked before another refund began gets ``RefundMoved``. Asking for all of it again returns the
    refund there is; what the provider turned down is asked for anew.
    """
    locked = Order.objects.locked().get(pk=order.pk)
    newest = locked.refunds.exclude(state=RefundState.FAILED).order_by("-pk").first()
    if seen is not None and locked.returned.minor != seen:
        return _pressed_before(locked, newest, by=by, amount=amount, seen=seen)
    charges = list(locked.payments.kept().order_by("pk"))
    if not charges:
        if newest is None or locked.state == OrderState.PAID:  # a free seat, or only what was paid twice went back
            raise NotRefundable
        return newest
    if amount is not None:
        charges = [_charge_with(amount, charges)]
    elif locked.state != OrderState.PAID and locked.is_turned_down:
        return _anew(locked, by=by, reason=reason, at=at)[0]
    decided = RefundCause.DECIDED
    made = [
        new_refund(order=locked, charge=one, amount=amount or one.left, cause=decided, by=by, reason=reason, at=at)
        for one in charges
    ]
    if ends_seat and locked.state == OrderState.PAID:
        locked.fee = locked.left
    stand(locked, news=News.DECIDED, at=at)
    for one in made:
        _announce(locked, one, at=at)
    return made[0]


@transaction.atomic
def refund_again(*, order: Order, by: User, at: datetime) -> list[Refund]:
    """Ask once more for what the provider turned down, for the same cause; raises ``NotRefundable`` if nothing was.

    A seat that is paid for otherwise stays its learner's.
    """
    return _anew(Order.objects.locked().get(pk=order.pk), by=by, reason="", at=at)


def give_back(
    *, charge: Payment, order: Order, amount: int, cause: RefundCause, at: datetime, is_owed: bool = False
) -> Refund:
    """Have money go back by a rule of ours; the order's row is locked by the caller.

    ``is_owed``: the learner now stands first on the waitlist, which they are told.
    """
    made = new_refund(order=order, charge=charge, amount=amount, cause=cause, at=at)
    _announce(order, made, at=at, is_owed=is_owed)
    return made


def send_refund(*, refund_id: int, at: datetime) -> None:
    """Have the provider move the money, then book it; repeating it moves nothing twice. Raises ``Unreachable``."""
    found = Refund.objects.select_related("order", "charge").get(pk=refund_id)
    if found.state != RefundState.ASKED:
        return
    order, charge = found.order, found.charge
    moved, no = "", ""
    try:
        with at_provider(order.provider) as service:
            moved = service.refund(
                ref=order.provider_ref, transaction=charge.transaction, amount=found.amount, key=found.key
            )
    except Declined as error:
        # An order that was to end stays "being refunded": the operator sees it and decides.
        logger.exception("refund %s was turned down", found.key)
        no = str(error)
    with transaction.atomic():
        locked = Order.objects.locked().get(pk=order.pk)
        fresh = Refund.objects.select_related("charge").get(pk=found.pk)
        if moved and fresh.can_be_booked:
            book_refund(order=locked, refund=fresh, transaction_id=moved, at=at)
        elif not moved and fresh.state == RefundState.ASKED:
            _turn_down(fresh, no, at)


def resend_refunds(*, at: datetime) -> int:
    """Start refunds again whose job was given up because the provider was away too long; return how many."""
    waiting = list(Refund.objects.filter(state=RefundState.ASKED, asked_at__lte=at - FORGOTTEN))
    for found in waiting:
        _start(found, at)
    return len(waiting)


def _pressed_before(order: Order, newest: Refund | None, *, by: User, amount: int | None, seen: int) -> Refund:
    """Return the refund that the same press began; what another one changed meanwhile has to be looked at first."""
    if newest is None or newest.by_id != by.pk or order.returned.minor - newest.amount != seen:
        raise RefundMoved
    is_whole = amount is None and not order.payments.kept().exists()
    if not is_whole and newest.amount != amount:
        raise RefundMoved
    return newest


def _charge_with(amount: int, charges: list[Payment]) -> Payment:
    """Return the first charge of which so much is left."""
    found = next((charge for charge in charges if 0 < amount <= charge.left), None)
    if found is None:
        most = max(charges, key=lambda charge: charge.left)
        raise OverRefund(left=Money(most.left, most.currency).text())
    return found


def _anew(order: Order, *, by: User, reason: str, at: datetime) -> list[Refund]:
    made = []
    for charge in order.payments.kept().order_by("pk"):
        last = charge.refunds.order_by("-pk").first()
        amount = _owed(order, charge, last)
        if last is not None and 0 < amount <= charge.left:
            cause = RefundCause(last.cause)
            made.append(new_refund(order=order, charge=charge, amount=amount, cause=cause, by=by, reason=reason, at=at))
    if not made:
        raise NotRefundable
    stand(order, news=News.DECIDED, at=at)
    for one in made:
        _announce(order, one, at=at, is_anew=True)
    return made


def _owed(order: Order, charge: Payment, last: Refund | None) -> int:
    """Return what of a charge should go back and does not: of an order that ended all but its fee."""
    if order.state != OrderState.PAID:
        return min(charge.left, order.left - order.fee)
    return last.amount if last and last.state == RefundState.FAILED else 0


def _turn_down(refund: Refund, why: str, at: datetime) -> None:
    count_back(refund.charge, -refund.amount)
    refund.state, refund.done_at = RefundState.FAILED, at
    refund.reason = f"{refund.reason} ({why})"[:200]
    refund.save(update_fields=["state", "done_at", "reason"])


def _announce(order: Order, made: Refund, *, at: datetime, is_owed: bool = False, is_anew: bool = False) -> None:
    publish("orders.refunding", channel=f"learner:{order.learner_id}", order=order.number)
    publish("orders.moved", channel=f"cohort:{order.claim.offer.cohort_id}", order=order.number)
    if not is_anew:  # asked for anew: they know
        tell_refunding(order, made, at=at, is_owed=is_owed)
    _start(made, at)


def _start(refund: Refund, at: datetime) -> None:
    later(move_refund, at=at, key=f"refund:{refund.key}", refund=refund.pk)
