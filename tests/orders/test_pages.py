"""The pages: paying for a seat, one's order, one's orders."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import strip_tags

from kaiying.offers.actions import expire_claims, release_claim
from kaiying.offers.models import Claim
from kaiying.orders.actions import place_order, reconcile, refund, send_refund
from kaiying.orders.models import Order
from kaiying.orders.providers.sandbox.models import SandboxCharge
from kaiying.orders.vocabulary import OrderState
from kaiying.wire import clock
from tests.factories.offers import OPENS, a_claim, an_offer, tier
from tests.factories.orders import LATE, PAID, PLACED, an_order, hear, pay_silently
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _then():
    with clock.frozen(PLACED):
        yield


@pytest.fixture
def claim():
    return a_claim(an_offer())


@pytest.fixture
def buyer(client, claim):
    client.force_login(claim.learner)
    return client


def words_of(page):
    """What a reader sees, on one line."""
    return " ".join(strip_tags(page).split())


def test_the_page_shows_seat_price_and_the_way_to_pay(buyer, claim):
    page = buyer.get(f"/seats/{claim.pk}/").content.decode()

    for words in (
        "确认席位",
        "¥99.00",
        "−¥96.20",
        "沙箱支付",
        "开营前可全额退款，原路退回",
        "放弃席位",
        f"/seats/{claim.pk}/return/",
    ):
        assert words in page
    assert "沙箱支付 ¥2.80" in words_of(page)
    assert not Order.objects.exists()


def test_the_page_speaks_english(buyer, claim):
    page = buyer.get(f"/seats/{claim.pk}/", headers={"accept-language": "en"}).content.decode()

    for words in ("Confirm your seat", "Sandbox payment", "Full refund until the camp starts", "Give the seat back"):
        assert words in page


def test_paying_places_the_order_and_goes_to_the_providers_page(buyer, claim):
    answer = buyer.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})

    assert (answer.status_code, answer["Location"]) == (302, f"/pay/sandbox/{SandboxCharge.objects.get().ref}/")
    again = buyer.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})
    assert again["Location"] == answer["Location"]
    assert Order.objects.count() == 1


@pytest.mark.parametrize("path", ["/seats/{claim}/", "/orders/{number}/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_elses_seat_or_order_exists(client, path, method):
    order = an_order(an_offer())
    client.force_login(UserFactory())
    url = path.format(claim=order.claim_id, number=order.number)

    status = getattr(client, method)(url, {"provider": "sandbox"}).status_code

    assert status == (405 if method == "post" and "orders" in url else 404)


@pytest.mark.parametrize("url", ["/seats/1/", "/orders/", "/orders/K1/"])
def test_a_stranger_is_asked_to_sign_in(client, url):
    assert client.get(url)["Location"] == f"{reverse('account_login')}?next={url}"


def test_what_was_not_offered_cannot_be_chosen(buyer, claim):
    answer = buyer.post(f"/seats/{claim.pk}/", {"provider": "nobody"})

    assert answer.status_code == 422
    assert "请选择付款方式" in answer.content.decode()


def test_a_free_seat_is_taken_without_choosing_how_to_pay(client):
    claim = a_claim(an_offer(tiers=[tier("gift", "0", 3)]))
    client.force_login(claim.learner)

    page = words_of(client.get(f"/seats/{claim.pk}/").content.decode())
    answer = client.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})

    assert "确认报名" in page
    assert "沙箱支付" not in page
    order = Order.objects.get()
    assert (order.state, answer["Location"]) == (OrderState.PAID, f"/orders/{order.number}/")


def test_an_unreachable_provider_is_said_plainly_and_nothing_is_lost(lab, buyer, claim):
    lab.down = {"open"}
    answer = buyer.post(f"/seats/{claim.pk}/", {"provider": "lab"})

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "没有扣款，席位还为你保留" in answer.content.decode()
    lab.down = set()
    assert buyer.post(f"/seats/{claim.pk}/", {"provider": "lab"})["Location"].startswith("https://pay.example/lab-K")


def test_a_hold_that_ended_while_the_page_was_open_is_said_plainly(buyer, claim):
    with clock.frozen(LATE):
        answer = buyer.post(f"/seats/{claim.pk}/", {"provider": "sandbox"})

    assert answer.status_code == 409
    assert "这个席位的保留时间已过" in answer.content.decode()
    assert not Order.objects.exists()


def test_each_end_of_a_hold_has_its_page(buyer, claim):
    url = f"/seats/{claim.pk}/"
    with clock.frozen(LATE):
        gone = buyer.get(url)
        expire_claims(offer=claim.offer, at=LATE)
        lapsed = buyer.get(url)
    Claim.objects.update(state="released")
    released = buyer.get(url)
    Claim.objects.update(state="refunded")
    refunded = buyer.get(url)

    assert [page.status_code for page in (gone, lapsed, released, refunded)] == [410] * 4
    assert "保留时间已过" in gone.content.decode()
    assert "保留时间已过" in lapsed.content.decode()
    assert "你已放弃这个席位" in released.content.decode()
    assert "这个席位已退款" in refunded.content.decode()


def test_a_hold_that_ended_during_the_payment_says_that_we_ask(client):
    order = an_order(an_offer())
    client.force_login(order.learner)

    with clock.frozen(LATE):
        page = client.get(f"/seats/{order.claim_id}/")

    assert page.status_code == 200
    assert "正在向支付方确认你有没有付款" in page.content.decode()


def test_a_paid_seat_leads_to_its_order(client):
    order = an_order(an_offer())
    hear(order)
    client.force_login(order.learner)

    page = client.get(f"/seats/{order.claim_id}/").content.decode()
    posted = client.post(f"/seats/{order.claim_id}/", {"provider": "sandbox"})

    assert "这个席位已经付过款了" in page
    assert f'href="/orders/{order.number}/"' in page
    assert posted["Location"] == f"/orders/{order.number}/"


def test_an_open_order_says_not_to_pay_twice_and_looks_again_by_itself(client):
    order = an_order(an_offer())
    client.force_login(order.learner)

    page = client.get(f"/orders/{order.number}/").content.decode()

    assert "还没收到沙箱支付的付款结果。" in page
    assert "先别重复付" in page
    assert 'events="orders.paid orders.refunding orders.refunded" every="2"' in " ".join(page.split())
    assert "<live-stream" in page
    part = client.get(f"/orders/{order.number}/", headers={"hx-request": "true"}).content.decode()
    assert "先别重复付" in part
    assert "<html" not in part


def test_looking_at_an_open_order_asks_the_provider(client):
    order = an_order(an_offer())
    pay_silently(order)
    client.force_login(order.learner)

    part = client.get(f"/orders/{order.number}/", headers={"hx-request": "true"})

    assert part["HX-Redirect"] == f"/orders/{order.number}/"
    order.refresh_from_db()
    assert order.state == OrderState.PAID


def test_a_paid_order_leads_into_the_camp_once(client):
    offer = an_offer()
    order = an_order(offer)
    hear(order)
    client.force_login(order.learner)

    first, second = client.get(f"/orders/{order.number}/"), client.get(f"/orders/{order.number}/")

    assert first["Location"] == f"/learn/{offer.cohort.slug}/welcome/"
    assert second.status_code == 200
    assert "付款成功，第 1 席是你的了" in second.content.decode()


def test_a_script_that_reads_the_page_does_not_use_the_welcome_up(client):
    order = an_order(an_offer())
    hear(order)
    client.force_login(order.learner)

    read = client.get(f"/orders/{order.number}/", headers={"sec-fetch-dest": "empty"})
    opened = client.get(f"/orders/{order.number}/", headers={"sec-fetch-dest": "document"})

    assert (read.status_code, opened.status_code) == (200, 302)


def test_a_closed_order_says_that_nothing_was_charged(client):
    order = an_order(an_offer())
    client.force_login(order.learner)
    with clock.frozen(LATE):
        reconcile(at=LATE)
        page = client.get(f"/orders/{order.number}/").content.decode()

    assert "订单已关闭，没有扣款" in page


def test_money_on_its_way_back_says_why_and_how_long(client):
    offer = an_offer(1, None)
    order = an_order(offer)
    reconcile(at=LATE)
    hear(place_order(claim=a_claim(offer, at=LATE), provider_name="sandbox", at=LATE), at=LATE)
    hear(order, at=LATE)
    client.force_login(order.learner)

    page = client.get(f"/orders/{order.number}/").content.decode()

    assert "¥2.80 正在退给你" in page
    assert "席位保留时间已过，席位也满了" in page
    assert "三个工作日内原路退回" in page


def test_a_refunded_order_says_so(client):
    order = an_order(an_offer())
    pay_silently(order)
    reconcile(at=PAID)
    made = refund(order=order, by=UserFactory(), reason="", at=PAID)
    send_refund(refund_id=made.pk, at=PAID)
    client.force_login(order.learner)

    page = client.get(f"/orders/{order.number}/").content.decode()

    assert "¥2.80 已退给你" in page
    assert "主办方已为你退款" in page


def test_an_order_of_which_a_part_went_back_says_how_much_and_that_the_seat_stays(client):
    order = an_order(an_offer())
    hear(order, transaction=pay_silently(order).transaction)
    made = refund(order=order, by=UserFactory(), reason="开营晚了一天", amount=100, at=PAID)
    client.force_login(order.learner)

    assert client.get(f"/orders/{order.number}/")["Location"].endswith("/welcome/")
    on_its_way = client.get(f"/orders/{order.number}/").content.decode()
    send_refund(refund_id=made.pk, at=PAID)
    page = client.get(f"/orders/{order.number}/").content.decode()

    assert "¥2.80 中的 ¥1.00 正在退给你，席位仍是你的。" in on_its_way
    assert "order-watch.js" in on_its_way
    for words in ("¥2.80 中的 ¥1.00 已退给你，席位仍是你的。", "开营晚了一天", "¥2.80 中的 ¥1.00"):
        assert words in page
    assert "已退 ¥1.00" in client.get("/orders/").content.decode()


def test_an_order_that_ended_with_a_fee_says_what_stays(client):
    order = an_order(an_offer())
    hear(order, transaction=pay_silently(order).transaction)
    made = refund(order=order, by=UserFactory(), reason="", amount=200, ends_seat=True, at=PAID)
    send_refund(refund_id=made.pk, at=PAID)
    client.force_login(order.learner)

    page = client.get(f"/orders/{order.number}/").content.decode()

    assert "¥2.00 已退给你" in page
    assert "由主办方保留" in page
    assert "¥0.80" in page


def test_the_list_shows_ones_own_orders_with_few_queries(client, django_assert_num_queries):
    learner = UserFactory()
    client.force_login(learner)
    assert "还没有订单" in client.get("/orders/").content.decode()
    for _ in range(3):
        an_order(an_offer(), learner=learner)
    other = an_order(an_offer())

    client.get("/orders/")
    page = client.get("/orders/").content.decode()

    assert page.count('href="/orders/K') == 3
    assert other.number not in page


def test_giving_the_seat_back_from_the_page_works(buyer, claim):
    answer = buyer.post(f"/seats/{claim.pk}/return/")

    assert answer.status_code == 302
    assert Claim.objects.get().state == "released"


def test_a_form_from_elsewhere_cannot_order():
    claim = a_claim(an_offer())
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(claim.learner)

    assert strict.post(f"/seats/{claim.pk}/", {"provider": "sandbox"}).status_code == 403
    assert not Order.objects.exists()


def test_pages_about_money_are_not_kept(client):
    order = an_order(an_offer())
    client.force_login(order.learner)

    for url in (f"/seats/{order.claim_id}/", f"/orders/{order.number}/", "/orders/"):
        assert "no-store" in client.get(url)["Cache-Control"]


def test_nothing_is_drawn_that_the_policy_would_block(client):
    order = an_order(an_offer())
    client.force_login(order.learner)

    for url in (
        f"/seats/{order.claim_id}/",
        f"/orders/{order.number}/",
        "/orders/",
        f"/pay/sandbox/{order.provider_ref}/",
    ):
        page = client.get(url).content.decode()
        assert "style=" not in page
        assert " onclick" not in page


def test_a_released_seat_whose_payment_is_open_says_that_we_ask(client):
    order = an_order(an_offer())
    release_claim(claim=order.claim, at=PLACED)
    client.force_login(order.learner)

    assert "正在向支付方确认" in client.get(f"/seats/{order.claim_id}/").content.decode()
    assert OPENS < PLACED
