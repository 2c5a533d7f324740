"""A person's orders, and a cohort's with what it took in."""

from collections import Counter
from dataclasses import dataclass

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet, Sum

from kaiying.camps.models import Cohort
from kaiying.kit.money import Money
from kaiying.offers.models import Claim, Offer
from kaiying.orders.models import Order, Payment, Refund
from kaiying.orders.vocabulary import OrderState, PaymentKind, RefundState
from kaiying.people.models import User

ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Sales:
    """What a cohort took in; ``kept`` is what is left of it, ``on_its_way`` the part that is about to go back.

    ``fees`` is the part that stayed when seats were ended.
    """

    received: Money
    refunded: Money
    on_its_way: Money
    fees: Money
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
    return Order.objects.filter(learner=user).with_camp().prefetch_related("refunds").order_by("-placed_at", "-pk")


def live_order(claim: Claim) -> Order | None:
    """Return the order that pays or paid for a claim."""
    return Order.objects.live().filter(claim=claim).first()


def sales(cohort: Cohort) -> Sales:
    """Count a cohort's orders by state and its money: four statements, however many orders."""
    currency = Offer.objects.filter(cohort=cohort).values_list("currency", flat=True).first() or "CNY"
    counts = Counter(dict.fromkeys(map(str, OrderState), 0))
    by_state = _orders(cohort).values_list("state").annotate(count=Count("pk"), fees=Sum("fee"))
    fees = 0
    for state, count, kept in by_state:
        counts[state], fees = count, fees + kept
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
        fees=Money(fees, currency),
        counts=dict(counts),
    )


def orders_of(cohort: Cohort, *, state: str = "", search: str = "", page: int = 1) -> Listed:
    """Return a page of a cohort's orders, newest first, by state and by number, name or address."""
    found = (
        _orders(cohort)
        .select_related("learner", "claim__tier")
        .prefetch_related("refunds", "payments")
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


def _orders(cohort: Cohort) -> QuerySet[Order]:
    return Order.objects.filter(claim__offer__cohort=cohort)
