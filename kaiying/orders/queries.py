"""Reads of this room: a person's orders, a cohort's takings, and the check that no money is stranded."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum

from kaiying.camps.models import Cohort
from kaiying.kit.money import Money
from kaiying.learning.models import Enrollment
from kaiying.offers.models import Claim, Offer
from kaiying.offers.vocabulary import ClaimState
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.vocabulary import LIVE, OrderState, PaymentKind, RefundState
from kaiying.people.models import User

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Sales:
    """What a cohort took in; ``kept`` is what is left of it, ``on_its_way`` the part that is about to go back."""

    received: Money
    refunded: Money
    on_its_way: Money
    counts: dict[str, int]

    @property
    def kept(self) -> Money:
        """Money received and not given back."""
        return Money(self.received.minor - self.refunded.minor, self.received.currency)

    @property
    def orders(self) -> int:
        """How many orders there are."""
        return sum(self.counts.values())

    @property
    def paid(self) -> int:
        """How many orders are paid."""
        return self.counts[OrderState.PAID]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of a list of orders."""

    orders: list[Order]
    total: int
    page: int
    pages: int


def my_orders(user: User) -> QuerySet[Order]:
    """Return a person's orders, newest first, with what a page shows beside them."""
    return Order.objects.filter(learner=user).with_camp().order_by("-placed_at", "-pk")


def live_order(claim: Claim) -> Order | None:
    """Return the order that pays or paid for a claim."""
    return Order.objects.live().filter(claim=claim).first()


def sales(cohort: Cohort) -> Sales:
    """Count a cohort's orders by state and its money: four statements, however many orders."""
    currency = Offer.objects.filter(cohort=cohort).values_list("currency", flat=True).first() or "CNY"
    counts = Counter(dict.fromkeys(map(str, OrderState), 0))
    counts.update(dict(_orders(cohort).values_list("state").annotate(count=Count("pk"))))
    moved = Payment.objects.filter(order__claim__offer__cohort=cohort).aggregate(
        received=Sum("amount", filter=Q(kind=PaymentKind.CHARGE)),
        refunded=Sum("amount", filter=Q(kind=PaymentKind.REFUND)),
    )
    waiting = Refund.objects.filter(order__claim__offer__cohort=cohort, state=RefundState.ASKED).aggregate(
        sum=Sum("amount")
    )
    return Sales(
        received=Money(moved["received"] or 0, currency),
        refunded=Money(-(moved["refunded"] or 0), currency),
        on_its_way=Money(waiting["sum"] or 0, currency),
        counts=dict(counts),
    )


def orders_of(cohort: Cohort, *, state: str = "", search: str = "", page: int = 1) -> Listed:
    """Return a page of a cohort's orders, newest first, by state and by number, name or address."""
    found = (
        _orders(cohort)
        .select_related("learner", "claim__tier")
        .prefetch_related("refunds")
        .order_by("-placed_at", "-pk")
    )
    if state:
        found = found.filter(state=state)
    if search:
        named = Q(learner__name__icontains=search) | Q(learner__email__icontains=search)
        found = found.filter(Q(number__icontains=search) | named)
    pages = Paginator(found, ON_A_PAGE)
    shown = pages.get_page(page)
    return Listed(list(shown), pages.count, shown.number, pages.num_pages)


def verify_money(offer: Offer) -> list[str]:
    """Check I5 for an offer and say what is wrong: every charge is one paid seat or one refund, and sums agree."""
    orders = list(
        Order.objects.filter(claim__offer=offer).select_related("claim").prefetch_related("payments", "refunds")
    )
    seated = dict(Enrollment.objects.standing().filter(cohort=offer.cohort_id).values_list("learner_id", "source"))
    paid_claims = {order.claim_id for order in orders if order.state == OrderState.PAID}
    faults = [fault for order in orders for fault in _faults_of(order, seated)]
    live = Counter(order.claim_id for order in orders if order.state in LIVE)
    faults += [f"claim {claim} has {count} live orders" for claim, count in live.items() if count > 1]
    unpaid = offer.claims.filter(state=ClaimState.PAID).exclude(pk__in=paid_claims)
    faults += [f"claim {claim.pk} is paid without a paid order" for claim in unpaid]
    return faults


def _orders(cohort: Cohort) -> QuerySet[Order]:
    return Order.objects.filter(claim__offer__cohort=cohort)


def _faults_of(order: Order, seated: dict[int, str]) -> Iterator[str]:
    charges = [payment for payment in order.payments.all() if payment.kind == PaymentKind.CHARGE]
    back = -sum(payment.amount for payment in order.payments.all() if payment.kind == PaymentKind.REFUND)
    standing = [refund for refund in order.refunds.all() if refund.state != RefundState.FAILED]
    done = sum(refund.amount for refund in standing if refund.state == RefundState.DONE)
    returned = Counter(refund.charge_id for refund in standing)
    kept = [charge for charge in charges if not returned[charge.pk]]
    wanted = 1 if order.state == OrderState.PAID and order.amount else 0
    turned_down = order.state == OrderState.REFUNDING and len(order.refunds.all()) > len(standing)
    if len(kept) != wanted and not turned_down:
        yield f"I5 {order.number} is {order.state} and keeps {len(kept)} charges"
    if any(charge.amount != order.amount for charge in charges) or any(count > 1 for count in returned.values()):
        yield f"I5 {order.number} was paid or refunded another sum than its price"
    if done != back or back > sum(charge.amount for charge in charges):
        yield f"I5 {order.number} booked {back} back, its refunds say {done}"
    if order.state == OrderState.PAID and (order.claim.state != ClaimState.PAID or order.learner_id not in seated):
        yield f"I5 {order.number} is paid without a seat or an enrollment"
    if order.state != OrderState.PAID and seated.get(order.learner_id) == order.number:
        yield f"I5 {order.number} is {order.state} and still enrolls its learner"
