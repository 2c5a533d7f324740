"""What operators read, and the check of the books itself."""

import pytest

from kaiying.kit.money import Money
from kaiying.learning.models import Enrollment
from kaiying.offers.models import Claim
from kaiying.orders.actions import reconcile, refund, send_refund
from kaiying.orders.models import Order, Payment
from kaiying.orders.queries import orders_of, sales, verify_money
from kaiying.orders.vocabulary import OrderState
from tests.factories.offers import an_offer
from tests.factories.orders import PAID, an_order, hear, pay_silently
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def sold(offer, count):
    orders = [an_order(offer) for _ in range(count)]
    for order in orders:
        pay_silently(order)
    reconcile(at=PAID)
    return list(Order.objects.filter(pk__in=[order.pk for order in orders]))


def test_sales_add_up():
    offer = an_offer()
    back, waiting, _kept = sold(offer, 3)
    an_order(offer)
    made = refund(order=back, by=UserFactory(), reason="", at=PAID)
    send_refund(refund_id=made.pk, at=PAID)
    refund(order=waiting, by=UserFactory(), reason="", at=PAID)

    takings = sales(offer.cohort)

    assert (takings.received, takings.refunded, takings.on_its_way, takings.kept) == (
        Money(840),
        Money(280),
        Money(280),
        Money(560),
    )
    assert takings.counts == {"open": 1, "paid": 1, "closed": 0, "refunding": 1, "refunded": 1}
    assert (takings.orders, takings.paid) == (4, 1)


@pytest.mark.parametrize("count", [1, 3])
def test_reading_costs_the_same_however_many_orders(django_assert_num_queries, count):
    offer = an_offer()
    sold(offer, count)

    with django_assert_num_queries(4):
        sales(offer.cohort)
    with django_assert_num_queries(4):
        listed = orders_of(offer.cohort)
        [(order.learner.name, order.claim.tier.name, order.is_turned_down) for order in listed.orders]


def test_the_list_is_searched_by_number_name_and_address():
    offer = an_offer()
    first, second = an_order(offer, learner=UserFactory(name="苏晓")), an_order(offer)
    hear(second)

    assert orders_of(offer.cohort).orders == [second, first]
    assert orders_of(offer.cohort, search=first.number[-5:].lower()).orders == [first]
    assert orders_of(offer.cohort, search="苏").orders == [first]
    assert orders_of(offer.cohort, search=second.learner.email).orders == [second]
    assert orders_of(offer.cohort, state="paid").orders == [second]
    page = orders_of(offer.cohort, page=99)
    assert (page.total, page.page, page.pages) == (2, 1, 1)


def test_another_cohorts_orders_are_not_listed():
    an_order(an_offer())

    assert orders_of(an_offer().cohort).orders == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda _order: Payment.objects.all().delete(),
        lambda _order: Payment.objects.update(amount=281),
        lambda _order: Claim.objects.update(state="lapsed"),
        lambda _order: Enrollment.objects.update(ended_at=PAID),
        lambda _order: Order.objects.update(state=OrderState.CLOSED),
        lambda _order: Order.objects.update(state=OrderState.REFUNDED),
        lambda order: Payment.objects.create(
            order=order, kind="refund", amount=-280, currency="CNY", provider="sandbox", transaction="R", at=PAID
        ),
    ],
)
def test_the_check_of_the_books_sees_every_damage(damage):
    offer = an_offer()
    [order] = sold(offer, 1)
    assert verify_money(offer) == []

    damage(order)

    assert verify_money(offer) != []
