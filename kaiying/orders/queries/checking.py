"""The check of the books: no money is stranded, none moved twice, and the sums agree, recomputed on a live system."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kaiying.learning.models import Enrollment
from kaiying.offers.models import Offer
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.models import Order, Payment
from kaiying.orders.vocabulary import LIVE, OrderState, PaymentKind, RefundState


@dataclass(frozen=True, slots=True)
class Balance:
    """Where the money of orders is, in minor units; each figure is read from other rows than the next.

    ``received`` and ``refunded`` are movements, ``waiting`` is asked back or owed, ``kept`` pays for seats, ``fees``
    stayed when seats were ended.
    """

    received: int
    refunded: int
    waiting: int
    kept: int
    fees: int

    @property
    def difference(self) -> int:
        """What is unaccounted for; always nothing."""
        return self.received - self.refunded - self.waiting - self.kept - self.fees


def balance(orders: Iterable[Order]) -> Balance:
    """Add up orders that come with their payments and refunds."""
    received = refunded = waiting = kept = fees = 0
    for order in orders:
        received += sum(charge.amount for charge in _charges(order))
        refunded += _back(order)
        waiting += sum(refund.amount for refund in order.refunds.all() if refund.state == RefundState.ASKED)
        fees += order.fee
        if order.state == OrderState.PAID:
            kept += order.left
        elif order.is_turned_down:  # owed: the provider said no, and somebody has to ask again
            waiting += order.left - order.fee
    return Balance(received, refunded, waiting, kept, fees)


def verify_money(offer: Offer) -> list[str]:
    """Check I5 for an offer and say what is wrong: every charge pays for one seat or goes back, and sums agree."""
    orders = _with_books(offer)
    seated = dict(Enrollment.objects.standing().filter(cohort=offer.cohort_id).values_list("learner_id", "source"))
    paid_claims = {order.claim_id for order in orders if order.state == OrderState.PAID}
    faults = [fault for order in orders for fault in _faults_of(order, seated)]
    live = Counter(order.claim_id for order in orders if order.state in LIVE)
    faults += [f"claim {claim} has {count} live orders" for claim, count in live.items() if count > 1]
    unpaid = offer.claims.filter(state=ClaimState.PAID).exclude(pk__in=paid_claims)
    faults += [f"claim {claim.pk} is paid without a paid order" for claim in unpaid]
    difference = balance(orders).difference
    return [*faults, f"I5 {difference} is unaccounted for"] if difference else faults


def balance_of(offer: Offer) -> Balance:
    """Add up an offer's orders."""
    return balance(_with_books(offer))


def _with_books(offer: Offer) -> list[Order]:
    orders = Order.objects.filter(claim__offer=offer).select_related("claim")
    return list(orders.prefetch_related("payments", "refunds"))


def _charges(order: Order) -> Sequence[Payment]:
    return [payment for payment in order.payments.all() if payment.kind == PaymentKind.CHARGE]


def _back(order: Order) -> int:
    return -sum(payment.amount for payment in order.payments.all() if payment.kind == PaymentKind.REFUND)


def _faults_of(order: Order, seated: dict[int, str]) -> Iterator[str]:
    yield from _faults_of_sums(order)
    is_paid = order.state == OrderState.PAID
    kept = [charge for charge in _charges(order) if charge.left]
    if is_paid and order.amount and (not kept or (len(kept) > 1 and not order.is_turned_down)):
        yield f"I5 {order.number} is paid and keeps {len(kept)} charges"
    is_owed = order.is_turned_down and order.refunds.all()
    if not is_paid and order.left != order.fee and not is_owed:
        yield f"I5 {order.number} is {order.state} and keeps {order.left}, of which {order.fee} as a fee"
    if is_paid and (order.claim.state != ClaimState.PAID or order.learner_id not in seated):
        yield f"I5 {order.number} is paid without a seat or an enrollment"
    if not is_paid and seated.get(order.learner_id) == order.number:
        yield f"I5 {order.number} is {order.state} and still enrolls its learner"


def _faults_of_sums(order: Order) -> Iterator[str]:
    standing = [refund for refund in order.refunds.all() if refund.state != RefundState.FAILED]
    going = Counter[int]()
    for refund in standing:
        going[refund.charge_id] += refund.amount
    if any(charge.amount != order.amount for charge in _charges(order)):
        yield f"I5 {order.number} was paid another sum than its price"
    if any(charge.refunded != going[charge.pk] or charge.left < 0 for charge in _charges(order)):
        yield f"I5 {order.number} gives back another sum than its refunds say, or more than was paid"
    done = sum(refund.amount for refund in standing if refund.state == RefundState.DONE)
    if done != _back(order):
        yield f"I5 {order.number} booked {_back(order)} back, its refunds say {done}"
