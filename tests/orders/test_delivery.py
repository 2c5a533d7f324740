"""The sandbox from end to end, its messages sent over real HTTP."""

from datetime import timedelta

import pytest

from kaiying.learning.models import Enrollment
from kaiying.orders.actions import refund
from kaiying.orders.models import Callback, Order
from kaiying.orders.providers.sandbox.models import SandboxCharge
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState, Outcome
from kaiying.outbox.actions import run_due
from kaiying.outbox.models import Job
from kaiying.wire import clock
from tests.factories.offers import a_claim, an_offer
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
SOON = timedelta(seconds=10)


@pytest.mark.parametrize("comes_back", ["before the message", "after the message"])
def test_a_buyer_pays_on_the_sandboxs_page_and_its_message_arrives(live_server, settings, client, comes_back):
    settings.KAIYING_URL = live_server.url
    now = clock.now()
    offer = an_offer(opens_at=now - timedelta(hours=1))
    buyer = UserFactory.create()
    claim = a_claim(offer, learner=buyer, at=now)
    client.force_login(buyer)

    page = client.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})["Location"]
    order = Order.objects.get()
    assert client.get(page).status_code == 200
    back = client.post(page, {"copies": "3", "delay": "0"})["Location"]
    assert back == f"/orders/{order.number}/"
    if comes_back == "before the message":
        welcome = client.get(back)["Location"]  # the page asks the sandbox itself
        assert Order.objects.get().state == OrderState.PAID
    run_due(at=clock.now() + SOON, tolerant=True)

    order.refresh_from_db()
    assert order.state == OrderState.PAID
    if comes_back == "after the message":
        welcome = client.get(back)["Location"]
    assert welcome == f"/learn/{offer.cohort.slug}/welcome/"
    assert client.get(back).status_code == 200
    expected = Outcome.PAID if comes_back == "after the message" else Outcome.KNOWN
    assert list(Callback.objects.values_list("outcome", flat=True)) == [expected]
    assert not Job.objects.filter(task__endswith=".deliver").exclude(state="done").exists()
    assert Enrollment.objects.standing().count() == 1

    refund(order=order, by=UserFactory.create(), reason="", at=clock.now())
    run_due(at=clock.now() + 2 * SOON, tolerant=True)

    order.refresh_from_db()
    assert order.state == OrderState.REFUNDED
    assert Callback.objects.filter(outcome=Outcome.KNOWN, body__contains="refunded").count() == 1
    assert verify_money(offer) == []


def test_a_shop_that_does_not_answer_is_told_again(live_server, settings, client):
    settings.KAIYING_URL = live_server.url
    now = clock.now()
    offer = an_offer(opens_at=now - timedelta(hours=1))
    claim = a_claim(offer, at=now)
    client.force_login(claim.learner)
    page = client.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})["Location"]
    Order.objects.update(number="K000000GONE")  # the shop answers 404
    client.post(page, {"copies": "1"})
    run_due(at=clock.now() + SOON, tolerant=True)
    job = Job.objects.get(task__endswith=".deliver")
    assert (job.state, job.attempts) == ("waiting", 1)
    assert "404" in job.last_error

    Order.objects.update(number=SandboxCharge.objects.get().number)
    run_due(at=clock.now() + timedelta(minutes=2), tolerant=True)

    assert Order.objects.get().state == OrderState.PAID
