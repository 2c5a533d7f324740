"""Nothing that can be typed, replayed or bent in a request costs a seat, money, or the page."""

import json

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kaiying.offers.models import Claim, WaitlistEntry
from kaiying.offers.queries import verify
from kaiying.orders.models import Callback, Order, Payment
from kaiying.orders.queries import verify_money
from kaiying.orders.vocabulary import OrderState
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer, tier
from tests.factories.orders import PAID, an_order, hear, signed
from tests.factories.people import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = OPENS + 2 * MINUTE
ODD = [
    *("", " ", "0x118", "2.80", "-1", "1e3", "NaN", "Infinity", "٢٨٠", "280\x00", "280; DROP TABLE", "９" * 5),
    *("9" * 400, str(2**63), str(-(2**63)), "[280]", "null", "true", "💥", "\u202e280", "280,280"),
]
KEYS = [
    *("", "short", "again:1", "waitlist:1", "x" * 65, "x" * 100_000, "key\x00-long", "key\n-long-1", "clé-unicode"),
    *("💥💥💥💥💥💥💥💥", "' OR 1=1 --", "../../etc/passwd", "１２３４５６７８"),
]
PLACES = [
    "0",
    "-1",
    str(2**31),
    str(2**63),
    "9" * 60,
    "1.0",
    "%00",
    "%F0%9F%92%A5",
    "..%2f1",
    "1%20",
    "K%00",
    "x" * 3_000,
]


@pytest.fixture(autouse=True)
def _at_the_sale():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def offer():
    return an_offer(2, 2)


@pytest.fixture
def buyer():
    return UserFactory()


@pytest.fixture
def browser(buyer):
    made = Client()
    made.force_login(buyer)
    return made


def claim(browser, offer, **sent):
    return browser.post(reverse("offers:claim", args=[offer.slug]), {"max_price": FIRST, "key": "page-key-1", **sent})


@pytest.mark.parametrize("price", ODD)
def test_a_price_that_is_none_takes_nothing(browser, offer, price):
    answers = [
        claim(browser, offer, max_price=price),
        browser.get(reverse("offers:claim", args=[offer.slug]), {"max_price": price, "key": "page-key-1"}),
        browser.post(reverse("offers:waitlist", args=[offer.slug]), {"max_price": price}),
    ]

    held = Claim.objects.values_list("price", "max_price")
    assert all(answer.status_code in {200, 302, 412} for answer in answers)
    assert all(0 <= price <= most <= 10**12 for price, most in held)
    assert verify(offer) == []


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_none_takes_nothing(browser, offer, key):
    assert claim(browser, offer, key=key).status_code == 302
    assert not Claim.objects.exists()


def test_a_lower_price_than_the_step_is_refused_and_a_higher_one_pays_no_more(browser, buyer, offer):
    assert claim(browser, offer, max_price=FIRST - 1).status_code == 412
    assert claim(browser, offer, max_price=0, key="page-key-2").status_code == 412
    assert not Claim.objects.exists()

    claim(browser, offer, max_price=10**12, key="page-key-3")

    assert Claim.objects.get(learner=buyer).price == FIRST


def test_a_key_used_again_for_another_price_offer_or_learner_takes_no_second_seat(browser, buyer, offer):
    claim(browser, offer)
    other, stranger = an_offer(2, 2), Client()
    stranger.force_login(UserFactory())

    for answer in (claim(browser, offer, max_price=STANDARD), claim(browser, other)):
        assert answer.status_code == 302
    claim(stranger, offer)

    assert Claim.objects.filter(learner=buyer).count() == 1
    assert Claim.objects.count() == 2
    assert verify(offer) == verify(other) == []


def test_a_replayed_claim_after_letting_go_takes_nothing(browser, offer):
    claim(browser, offer)
    browser.post(reverse("offers:release", args=[Claim.objects.get().pk]))

    claim(browser, offer)

    assert [one.state for one in Claim.objects.all()] == ["released"]


def test_somebody_elses_seat_and_order_are_not_there(browser, offer):
    order = an_order(offer)
    seat = order.claim_id

    answers = [
        browser.get(reverse("orders:checkout", args=[seat])),
        browser.post(reverse("orders:checkout", args=[seat]), {"provider": "sandbox"}),
        browser.post(reverse("offers:release", args=[seat])),
        browser.get(reverse("orders:show", args=[order.number])),
        browser.get(reverse("orders:show", args=[order.number]), headers={"hx-request": "true"}),
        browser.get(f"/desk/{offer.cohort.slug}/orders/"),
        browser.post(f"/desk/{offer.cohort.slug}/orders/{order.number}/refund/", {"reason": "mine"}),
        browser.post(f"/desk/{offer.cohort.slug}/orders/{order.number}/refund/", {"again": "1"}),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert Order.objects.get().state == OrderState.OPEN


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "address",
    [
        "/seats/{}/",
        "/seats/{}/return/",
        "/orders/{}/",
        "/pay/sandbox/{}/",
        "/pay/callbacks/{}/",
        "/c/{}/",
        "/c/{}/claims/",
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_address_that_names_nothing_is_not_found(browser, address, place, method):
    answer = getattr(browser, method)(address.format(place), {"max_price": FIRST, "key": "page-key-1"})

    assert answer.status_code in {404, 405}


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace", "head"])
def test_other_methods_change_nothing(browser, buyer, offer, method):
    held = a_claim(offer, learner=buyer, at=NOW)
    order = an_order(offer, at=NOW)
    asked = {
        reverse("offers:claim", args=[offer.slug]),
        reverse("offers:waitlist", args=[offer.slug]),
        reverse("offers:leave", args=[offer.slug]),
        reverse("offers:release", args=[held.pk]),
        reverse("orders:checkout", args=[held.pk]),
        reverse("orders:show", args=[order.number]),
        reverse("orders:callbacks", args=["sandbox"]),
        reverse("sandbox:page", args=[order.provider_ref]),
    }

    statuses = {getattr(browser, method)(address).status_code for address in asked}

    assert statuses <= ({200, 302, 404, 405} if method == "head" else {405, 404})
    assert (Claim.objects.count(), WaitlistEntry.objects.count(), Payment.objects.count()) == (2, 0, 0)


def test_a_form_from_another_site_is_refused(buyer, offer):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(buyer)
    held = a_claim(offer, learner=buyer, at=NOW)

    answers = [
        claim(strict, offer),
        strict.post(reverse("offers:release", args=[held.pk])),
        strict.post(reverse("offers:waitlist", args=[offer.slug]), {"max_price": FIRST}),
        strict.post(reverse("orders:checkout", args=[held.pk]), {"provider": "sandbox"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert not Order.objects.exists()


@pytest.mark.parametrize("provider", ["", "nobody", "sandbox\x00", "x" * 100_000, "💥", "../sandbox"])
def test_a_provider_that_is_none_places_no_order(browser, buyer, offer, provider):
    held = a_claim(offer, learner=buyer, at=NOW)

    assert browser.post(reverse("orders:checkout", args=[held.pk]), {"provider": provider}).status_code == 422
    assert not Order.objects.exists()


def test_checkout_twice_is_one_order_and_after_paying_none(browser, buyer, offer):
    held = a_claim(offer, learner=buyer, at=NOW)
    pay = reverse("orders:checkout", args=[held.pk])

    first, second = (browser.post(pay, {"provider": "sandbox"}).url for _ in range(2))
    hear(Order.objects.get(), at=NOW)
    third = browser.post(pay, {"provider": "sandbox"}).url

    assert first == second
    assert third == reverse("orders:show", args=[Order.objects.get().number])
    assert verify_money(offer) == []


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{}", b"[]", b"null", b"\x00", b"\xff\xfe", b'{"a":' * 5_000, b"9" * 70_000, b"x" * 5_000_000),
        json.dumps({"event_id": "e", "number": "\x00"}).encode(),
    ],
)
def test_a_callback_that_nobody_signed_is_refused_and_not_kept(body):
    answer = Client().post("/pay/callbacks/sandbox/", data=body, content_type="application/json")

    assert answer.status_code in {400, 413}
    assert not Callback.objects.exists()


@pytest.mark.parametrize("number", ["K\x00", "💥", "x" * 81, "K'--", ""])
def test_a_signed_callback_about_an_odd_order_is_refused(offer, number):
    order = an_order(offer)
    body, headers = signed(order, at=NOW, number=number)
    rest = {name: value for name, value in headers.items() if name != "Content-Type"}

    answer = Client().post("/pay/callbacks/sandbox/", data=body, content_type="application/json", headers=rest)

    assert answer.status_code in {400, 404}
    assert Order.objects.get().state == OrderState.OPEN


def test_the_operators_search_takes_anything(offer, browser, buyer):
    RoleFactory(organizer=offer.cohort.camp.organizer, user=buyer)
    hear(an_order(offer), at=PAID)
    for query in ("%00", "%F0%9F%92%A5", "%25%27%22--", "x" * 4_000, "%ff"):
        for page in ("0", "-1", "9" * 30, "9" * 5_000, "%00", "１"):
            for listed in ("orders", "learners"):
                answer = browser.get(f"/desk/{offer.cohort.slug}/{listed}/?q={query}&page={page}&state={query}")
                assert answer.status_code == 200


def test_a_price_that_ended_by_the_clock_is_not_said_to_be_sold_out(browser):
    first = tier("first", "2.80", 2, ends_at="2026-07-15T20:01:00+08:00")
    offer = an_offer(tiers=[first, tier("standard", "99.00", 2)])

    answer = browser.post(
        reverse("offers:claim", args=[offer.slug]),
        {"max_price": FIRST, "key": "page-key-1"},
        headers={"accept-language": "en"},
    )
    page = " ".join(answer.content.decode().split())

    assert answer.status_code == 412
    assert "The price you saw has ended." in page
    assert f'name="max_price" value="{STANDARD}"' in page
    assert reverse("offers:waitlist", args=[offer.slug]) not in page
    assert not Claim.objects.exists()


def test_coming_back_from_signing_in_to_a_lower_price_agrees_to_that_one_only(browser, offer):
    page = browser.get(
        reverse("offers:claim", args=[offer.slug]),
        {"max_price": STANDARD, "key": "page-key-1"},
        headers={"accept-language": "en"},
    ).content.decode()

    assert 'name="max_price" value="280"' in " ".join(page.split())
    assert "Claim a seat for ¥2.8" in page
