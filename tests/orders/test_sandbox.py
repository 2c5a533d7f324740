"""The sandbox as a payment service: its page, and what it refuses."""

from datetime import timedelta

import pytest

from kaiying.orders.models import Order
from kaiying.orders.providers import Declined, Unreachable, provider
from kaiying.orders.providers.sandbox.actions import ChargeOver, give_back, pay
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxRefund
from kaiying.outbox.models import Job
from kaiying.wire import clock
from tests.factories.offers import an_offer
from tests.factories.orders import LATE, PAID, PLACED, an_order, pay_silently

pytestmark = pytest.mark.django_db


@pytest.fixture
def order():
    with clock.frozen(PLACED):
        yield an_order(an_offer())


@pytest.fixture
def page(order):
    return f"/pay/sandbox/{order.provider_ref}/"


def test_the_page_names_camp_number_and_price(client, order, page):
    shown = client.get(page).content.decode()

    for words in ("不会真的扣款", "测试营", order.number, "付款 ¥2.80"):
        assert words in shown


@pytest.mark.parametrize(("copies", "delays"), [("1", [0]), ("3", [0, 2, 4]), ("0", []), ("999", [0]), ("", [0])])
def test_it_tells_the_camp_as_often_as_chosen(client, order, page, copies, delays):
    answer = client.post(page, {"copies": copies, "delay": "0"})

    jobs = Job.objects.filter(task__endswith=".deliver").order_by("run_at")
    assert answer["Location"] == f"/orders/{order.number}/"
    assert [(job.run_at - PLACED).total_seconds() for job in jobs] == delays


def test_it_waits_as_long_as_chosen(client, page):
    client.post(page, {"copies": "1", "delay": "20"})

    assert Job.objects.get(task__endswith=".deliver").run_at == PLACED + timedelta(seconds=20)


def test_paying_twice_is_one_payment(client, order, page):
    client.post(page)
    first = SandboxCharge.objects.get().transaction
    client.post(page)

    assert SandboxCharge.objects.get().transaction == first
    assert Job.objects.filter(task__endswith=".deliver").count() == 1
    assert "已经付过了" in client.get(page).content.decode()


def test_a_declined_payment_stays_open(client, page):
    answer = client.post(page, {"result": "declined"})

    assert answer.status_code == 402
    assert "银行拒绝了这笔付款" in answer.content.decode()
    assert SandboxCharge.objects.get().state == "open"


def test_a_closed_or_late_payment_is_refused(client, order, page):
    with clock.frozen(LATE):
        assert client.get(page).status_code == client.post(page).status_code == 410
    provider("sandbox").close(order.provider_ref)
    assert client.post(page).status_code == 410
    with pytest.raises(ChargeOver):
        pay(ref=order.provider_ref, at=PLACED)


def test_nobody_finds_a_page_by_guessing(client):
    assert client.get("/pay/sandbox/sb_0/").status_code == 404


def test_the_way_back_never_leaves_the_site(client, order, page):
    SandboxCharge.objects.update(return_url=f"https://elsewhere.example/orders/{order.number}/")

    assert client.post(page)["Location"] == f"/orders/{order.number}/"


def test_it_gives_no_more_back_than_was_paid(order):
    with pytest.raises(Declined):
        give_back(ref=order.provider_ref, amount=280, key="a", at=PAID)
    pay_silently(order)
    give_back(ref=order.provider_ref, amount=200, key="a", at=PAID)
    again = give_back(ref=order.provider_ref, amount=200, key="a", at=PAID)
    with pytest.raises(Declined):
        give_back(ref=order.provider_ref, amount=81, key="b", at=PAID)

    assert SandboxRefund.objects.get() == again


def test_it_closes_what_ran_out_when_asked(order):
    with clock.frozen(LATE):
        assert provider("sandbox").ask(order.provider_ref).state == "closed"


def test_a_reference_it_does_not_know_is_no_answer():
    with pytest.raises(Unreachable):
        provider("sandbox").ask("sb_nobody")


def test_opening_again_is_the_same_charge(order):
    from kaiying.orders.actions.registering import register

    Order.objects.update(provider_ref="")
    order.refresh_from_db()
    register(order=order, at=PAID)

    assert order.provider_ref == SandboxCharge.objects.get().ref
