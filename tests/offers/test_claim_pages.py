"""Claiming by browser, with and without a session, and without JavaScript."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kaiying.offers.actions import expire_claims, join_waitlist, settle_claim
from kaiying.offers.models import Claim, WaitlistEntry
from kaiying.offers.vocabulary import ClaimState, WaitState
from kaiying.wire import brakes
from kaiying.wire.brakes import Brakes
from kaiying.wire.buckets import Rate
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, a_claim, an_offer
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOW = OPENS + 10 * MINUTE


@pytest.fixture(autouse=True)
def _at_the_sale():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def learner(client: Client):
    person = UserFactory()
    client.force_login(person)
    return person


def ask(client: Client, offer, *, max_price: int = FIRST, key: str = "page-key-1"):
    return client.post(reverse("offers:claim", args=[offer.slug]), {"max_price": max_price, "key": key})


def test_a_claim_leads_to_its_seat(client, learner):
    offer = an_offer()

    response = ask(client, offer)

    claim = Claim.objects.get(learner=learner)
    assert (response.status_code, response.url) == (302, reverse("orders:checkout", args=[claim.pk]))
    assert (claim.price, claim.key) == (FIRST, "page-key-1")


def test_pressing_twice_is_one_claim(client, learner):
    offer = an_offer()

    assert ask(client, offer).url == ask(client, offer).url
    assert Claim.objects.count() == 1


def test_the_form_on_the_landing_page_is_all_a_browser_needs(client, learner):
    offer = an_offer()
    page = client.get(reverse("press:landing", args=[offer.slug])).content.decode()

    form = re.search(r"<form[^>]*claims/.*?</form>", page, re.DOTALL)[0]
    sent = dict(re.findall(r'name="(max_price|key)"\s+value="([^"]+)"', form))
    response = client.post(reverse("offers:claim", args=[offer.slug]), sent)

    assert response.url.startswith("/seats/")
    assert Claim.objects.get().price == FIRST


def test_a_visitor_signs_in_first_and_comes_back_with_the_price_they_saw(client):
    offer = an_offer()

    to_sign_in = ask(client, offer)
    back = parse_qs(urlsplit(to_sign_in.url).query)["next"][0]
    assert urlsplit(to_sign_in.url).path == reverse("account_login")
    assert Claim.objects.count() == 0

    client.force_login(UserFactory())
    page = client.get(back)
    assert page.status_code == 200
    assert 'name="max_price" value="280"' in re.sub(r"\s+", " ", page.content.decode())
    assert Claim.objects.count() == 0  # a GET takes nothing

    assert ask(client, offer, **{k: v[0] for k, v in parse_qs(urlsplit(back).query).items()}).url.startswith("/seats/")
    assert Claim.objects.get().price == FIRST


def test_who_comes_back_after_the_price_moved_is_asked_again(client, learner):
    offer = an_offer(first=1, standard=1)
    a_claim(offer)

    page = client.get(reverse("offers:claim", args=[offer.slug]), {"max_price": FIRST, "key": "page-key-1"})

    assert "现在是 ¥99" in page.content.decode()
    assert Claim.objects.filter(learner=learner).count() == 0


def test_a_moved_price_answers_412_with_both_ways_and_takes_nothing(client, learner):
    offer = an_offer(first=1, standard=3)
    a_claim(offer)

    response = ask(client, offer)
    page = response.content.decode()

    assert response.status_code == 412
    assert "现在是 ¥99" in page
    assert reverse("offers:waitlist", args=[offer.slug]) in page
    assert f'name="max_price" value="{STANDARD}"' in re.sub(r"\s+", " ", page)
    assert not Claim.objects.filter(learner=learner).exists()


def test_a_sold_out_sale_leads_to_the_waitlist(client, learner):
    offer = an_offer(first=1, standard=None)
    a_claim(offer)

    assert ask(client, offer).url == reverse("offers:waitlist", args=[offer.slug])


def test_an_early_claim_leads_back_to_the_page_with_a_word(client, learner):
    offer = an_offer(opens_at=NOW + MINUTE)

    response = client.post(
        reverse("offers:claim", args=[offer.slug]), {"max_price": FIRST, "key": "page-key-1"}, follow=True
    )

    assert "发售还没开始" in response.content.decode()


@pytest.mark.parametrize(
    "sent", [{}, {"max_price": "x", "key": "page-key-1"}, {"max_price": "280", "key": "again:000001"}]
)
def test_a_damaged_form_takes_nothing(client, learner, sent):
    offer = an_offer()

    assert client.post(reverse("offers:claim", args=[offer.slug]), sent).url == reverse(
        "press:landing", args=[offer.slug]
    )
    assert Claim.objects.count() == 0


def test_joining_and_leaving_the_waitlist(client, learner):
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    address = reverse("offers:waitlist", args=[offer.slug])

    joined = client.post(address, {"max_price": FIRST}, follow=True).content.decode()
    entry = WaitlistEntry.objects.get(learner=learner)
    assert (entry.state, entry.max_price) == (WaitState.WAITING, FIRST)
    assert "你在候补" in joined

    client.post(reverse("offers:leave", args=[offer.slug]))
    entry.refresh_from_db()
    assert entry.state == WaitState.LEFT


def test_the_waitlist_page_says_how_far_the_last_line_got(client, learner):
    offer = an_offer(first=1, standard=None)
    before = an_offer(first=1, standard=None, cohort=None)
    before.cohort.camp = offer.cohort.camp
    before.cohort.number, offer.cohort.number = 9_100, 9_101
    before.cohort.save(), offer.cohort.save()
    a_claim(before)
    for _ in range(2):
        join_waitlist(offer=before, learner=UserFactory(), max_price=FIRST, at=OPENS)
    expire_claims(offer=before, at=OPENS + 16 * MINUTE)
    a_claim(offer)
    join_waitlist(offer=offer, learner=UserFactory(), max_price=FIRST, at=OPENS)

    page = client.get(reverse("offers:waitlist", args=[offer.slug])).content.decode()

    assert "上期补到第 1 位" in page
    assert "机会不大，先跟你说清楚" in page


def test_whose_turn_it_is_goes_straight_to_the_seat(client, learner):
    offer = an_offer(first=1, standard=None)
    a_claim(offer)
    join_waitlist(offer=offer, learner=learner, max_price=FIRST, at=OPENS)
    expire_claims(offer=offer, at=OPENS + 16 * MINUTE)

    response = client.get(reverse("offers:waitlist", args=[offer.slug]))

    assert response.url == reverse("orders:checkout", args=[Claim.objects.get(learner=learner).pk])


def test_the_waitlist_is_for_people_who_signed_in(client):
    offer = an_offer()

    assert client.get(reverse("offers:waitlist", args=[offer.slug])).status_code == 302
    assert client.post(reverse("offers:leave", args=[offer.slug])).status_code == 302


def test_letting_a_seat_go(client, learner):
    offer = an_offer()
    claim = a_claim(offer, learner=learner)

    response = client.post(reverse("offers:release", args=[claim.pk]), follow=True)

    claim.refresh_from_db()
    assert claim.state == ClaimState.RELEASED
    assert "席位已放出来" in response.content.decode()


def test_a_paid_seat_is_not_let_go_by_a_click(client, learner):
    offer = an_offer()
    claim = a_claim(offer, learner=learner)
    settle_claim(claim_id=claim.pk, generation=0, at=NOW)

    client.post(reverse("offers:release", args=[claim.pk]))

    claim.refresh_from_db()
    assert claim.state == ClaimState.PAID


@pytest.mark.parametrize("signed_in", [True, False])
def test_nobody_lets_go_of_somebody_elses_seat(client, signed_in):
    claim = a_claim(an_offer())
    if signed_in:
        client.force_login(UserFactory())

    response = client.post(reverse("offers:release", args=[claim.pk]))

    assert response.status_code == (404 if signed_in else 302)
    claim.refresh_from_db()
    assert claim.state == ClaimState.HELD


def test_letting_go_needs_a_post(client, learner):
    claim = a_claim(an_offer(), learner=learner)

    assert client.get(reverse("offers:release", args=[claim.pk])).status_code == 405


def test_who_claims_too_often_is_told_so_and_may_try_again(client, learner):
    brakes.configure(Brakes(account=Rate(1, 0.25)))
    offer = an_offer()
    ask(client, offer)

    answer = ask(client, offer)

    assert (answer.status_code, answer["Retry-After"]) == (429, "4")
    assert re.search(r'name="key"\s+value="page-key-1"', answer.content.decode())


def test_the_brakes_know_a_network_by_what_our_proxy_saw(client, learner):
    offer = an_offer()

    def asked(proxies, *forwarded):
        brakes.configure(Brakes(network=Rate(1, 0.01), proxies=proxies))
        address, facts = reverse("offers:claim", args=[offer.slug]), {"max_price": FIRST, "key": "page-key-1"}
        return [client.post(address, facts, headers={"X-Forwarded-For": one}).status_code for one in forwarded]

    assert asked(0, "10.0.0.1", "10.0.0.2") == [302, 429]
    assert asked(1, "10.0.0.1", "10.0.0.2", "6.6.6.6, 10.0.0.1") == [302, 302, 429]


def test_the_live_parts_name_the_version_they_show(client):
    offer = an_offer()
    a_claim(offer)
    offer.refresh_from_db()

    page = re.sub(r"\s+", " ", client.get(reverse("offers:numbers", args=[offer.slug])).content.decode())

    assert f'data-version="{offer.epoch}" data-phase="open"' in page
    assert 'data-part="card"' in page
    assert 'data-part="buybar"' in page
