"""The back office shows money as people read it."""

import re

import pytest

from kaiying.offers.actions import join_waitlist
from kaiying.orders.actions import refund
from kaiying.orders.models import Order, Payment
from tests.factories.offers import STANDARD, an_offer
from tests.factories.orders import PAID, an_order, hear
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer():
    found = an_offer(1, 1)
    order = an_order(found)
    hear(order)
    an_order(found)
    join_waitlist(offer=found, learner=UserFactory(), max_price=STANDARD, at=PAID)
    refund(order=Order.objects.get(pk=order.pk), by=UserFactory(), reason="Ill", at=PAID)
    return found


@pytest.mark.parametrize(
    "rows",
    ["offers/offer", "offers/claim", "offers/waitlistentry", "orders/order", "orders/payment", "orders/refund"],
)
def test_money_is_written_as_money_in_lists_and_on_the_rows_own_page(offer, admin_client, rows):
    listed = admin_client.get(f"/admin/{rows}/").content.decode()
    first = re.search(r'<th[^>]*><a href="([^"]+)"', listed)[1]
    page = admin_client.get(first).content.decode()

    for text in (listed, page):
        assert "¥2.80" in text or "¥99.00" in text
        assert not re.search(r">\s*-?(280|9900|9,900)\s*<", text)


def test_money_that_went_back_has_its_sign(offer, admin_client):
    order = Order.objects.order_by("pk").first()
    Payment.objects.create(
        order=order, kind="refund", amount=-280, currency="CNY", provider="sandbox", transaction="R-1", at=PAID
    )

    assert "−¥2.80" in admin_client.get("/admin/orders/payment/").content.decode()
