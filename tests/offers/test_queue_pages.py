"""The waiting room by browser: every state, without JavaScript; and that nobody gets past the door by the form."""

import hashlib
import html
import json
import re

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kaiying.offers.actions import claim_seat, lift_waiting_room, reserve
from kaiying.offers.models import Act, Admission, Claim, Offer, PriceTier, Reservation
from kaiying.offers.vocabulary import ReserveRequest
from kaiying.wire.turns import Turn, arrivals, cookie_name, early_place, turn_token
from tests.factories.offers import FIRST, MINUTE, OPENS, STANDARD, an_offer
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOW = OPENS + 10 * MINUTE


@pytest.fixture(autouse=True)
def clock():
    arrivals.__init__()
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def learner(client: Client):
    person = UserFactory()
    client.force_login(person)
    return person


def a_line(*, threshold: int = 500, issued: int = 2_000, rate: int = 4, **facts) -> Offer:
    offer = an_offer(first=30, standard=2_000)
    marks = [[int(NOW.timestamp()) - 30, threshold - 120, 0]]
    Admission.objects.filter(pk=offer.pk).update(
        rate=rate, threshold=threshold, issued=issued, advanced_at=NOW, marks=marks, **facts
    )
    return offer


def stand(client: Client, offer: Offer, learner, number: int | None, *, since: int = 0) -> None:
    client.cookies[cookie_name(offer.pk)] = turn_token(Turn(offer.pk, learner.pk, number, since), at=NOW)


def look(client: Client, offer: Offer) -> str:
    response = client.get(reverse("offers:queue", args=[offer.slug]))
    assert response.status_code == 200
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode())))


def ask(client: Client, offer: Offer):
    return client.post(reverse("offers:claim", args=[offer.slug]), {"max_price": STANDARD, "key": "page-key-1"})


def test_the_waiting_room_is_for_people_we_know(client):
    offer = a_line()

    response = client.get(reverse("offers:queue", args=[offer.slug]))

    assert response.status_code == 302
    assert response.url.startswith(reverse("account_login"))


def test_the_form_obeys_the_door(client, learner):
    offer = a_line()

    response = ask(client, offer)

    assert (response.status_code, response.url) == (302, reverse("offers:queue", args=[offer.slug]))
    assert Claim.objects.count() == 0
    cookie = response.cookies[cookie_name(offer.pk)]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert "1,501 位" in look(client, offer)


def test_asking_again_and_again_is_one_place(client, learner):
    offer = a_line()

    for _time in range(3):
        ask(client, offer)
        look(client, offer)

    assert Admission.objects.get(pk=offer.pk).issued == 2_001


def test_the_page_says_where_one_stands_and_how_the_wait_is_computed(client, learner):
    offer = a_line()
    stand(client, offer, learner, 1_703, since=200)

    page = look(client, offer)

    assert "1,204 位" in page
    assert "约 6 分钟" in page  # 1,204 places by 4 a second: 5 minutes and a second
    assert "最近 30 秒每秒放行的 4 人" in page
    assert Turn(offer.pk, learner.pk, 1_703).code in page
    assert 'http-equiv="refresh" content="10"' in re.sub(
        r"\s+", " ", client.get(reverse("offers:queue", args=[offer.slug])).content.decode()
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (510, "first 席还剩 30 席，轮到你时多半还是 ¥2.8。"),
        (900, "first 席只剩 30 席，轮到你时多半是 ¥99 的standard 席。"),
        (5_000, "排在你前面的人比剩下的 2,030 席还多"),
    ],
)
def test_the_page_says_which_price_is_likely_left(client, learner, number, words):
    offer = a_line(issued=9_000)
    stand(client, offer, learner, number)

    assert words in look(client, offer)


def test_on_ones_turn_the_button_names_the_price_of_now_and_leads_to_a_seat(client, learner):
    offer = a_line(threshold=700)
    stand(client, offer, learner, 600)

    page = client.get(reverse("offers:queue", args=[offer.slug])).content.decode()
    form = re.search(r"<form[^>]*claims/.*?</form>", page, re.DOTALL)[0]
    sent = dict(re.findall(r'name="(max_price|key)"\s+value="([^"]+)"', form))
    response = client.post(reverse("offers:claim", args=[offer.slug]), sent)

    assert sent["max_price"] == str(FIRST)
    assert response.url.startswith("/seats/")
    assert client.get(reverse("offers:queue", args=[offer.slug])).url == response.url


def test_while_nobody_waits_the_form_leads_straight_to_a_seat(client, learner):
    offer = an_offer()

    assert ask(client, offer).url.startswith("/seats/")


def test_who_comes_late_without_a_turn_may_take_one(client, learner):
    offer = a_line()
    assert "1,500" in look(client, offer)
    assert Admission.objects.get(pk=offer.pk).issued == 2_000  # a GET takes nothing

    client.post(reverse("offers:queue", args=[offer.slug]))

    assert "1,501 位" in look(client, offer)


def test_a_forged_turn_is_no_turn(client, learner):
    offer = a_line()
    client.cookies[cookie_name(offer.pk)] = turn_token(Turn(offer.pk, learner.pk + 1, 0), at=NOW)

    assert ask(client, offer).url == reverse("offers:queue", args=[offer.slug])
    assert "1,501 位" in look(client, offer)


def test_a_pause_is_said(client, learner):
    offer = a_line(paused_at=NOW)
    stand(client, offer, learner, 1_703)

    assert "放行暂停了" in look(client, offer)


def test_sold_out_and_over_are_said_instead_of_a_place(client, learner):
    sold_out, over = a_line(), a_line()
    for tier in PriceTier.objects.filter(offer=sold_out):
        PriceTier.objects.filter(pk=tier.pk).update(paid=tier.capacity)
    Offer.objects.filter(pk=over.pk).update(closes_at=NOW - MINUTE)

    assert "去看候补" in look(client, sold_out)
    assert "不再放人进场了" in look(client, over)
    assert ask(client, sold_out).url == reverse("offers:waitlist", args=[sold_out.slug])


def test_before_the_opening_entering_is_reserving(client, learner, clock):
    offer = an_offer()
    clock.move_to(OPENS - 60 * MINUTE)
    before = look(client, offer)
    assert Reservation.objects.count() == 0

    client.post(reverse("offers:queue", args=[offer.slug]))
    client.post(reverse("offers:queue", args=[offer.slug]))
    after = look(client, offer)

    line = Admission.objects.get(pk=offer.pk)
    assert Offer.objects.get(pk=offer.pk).reserved == 1
    assert ("进来等开售" in before, "你在其中" in after) == (True, True)
    assert line.commitment in before
    assert line.seed not in before + after


def test_after_the_opening_anybody_can_check_the_lot(client, learner, clock):
    offer = an_offer()
    reserve([ReserveRequest(offer.slug, learner.pk, standing=True)], at=OPENS - MINUTE)
    Offer.objects.filter(pk=offer.pk).update(reserved=100_000)
    seeds = (f"{number:064x}" for number in range(1_000))
    behind = next(seed for seed in seeds if early_place(seed, offer.pk, learner.pk, 100_000) > 10_000)
    Admission.objects.filter(pk=offer.pk).update(seed=behind)  # one in five hundred would be in at once
    clock.move_to(OPENS)

    page = look(client, offer)

    line = Admission.objects.get(pk=offer.pk)
    seed = re.search(r"-hmac ([0-9a-f]{64})", page)[1]
    assert hashlib.sha256(seed.encode()).hexdigest() == line.commitment
    place = early_place(seed, offer.pk, learner.pk, 100_000)
    assert f"{place - line.threshold + 1:,} 位" in page
    assert f"printf %s {offer.pk}:{learner.pk} |" in page


def test_the_script_is_told_what_it_needs_and_nothing_secret(client, learner, clock):
    offer = an_offer()
    reserve([ReserveRequest(offer.slug, learner.pk, standing=True)], at=OPENS - MINUTE)
    clock.move_to(OPENS - MINUTE)

    page = client.get(reverse("offers:queue", args=[offer.slug])).content.decode()

    facts = json.loads(html.unescape(re.search(r'facts="([^"]*)"', page)[1]))
    assert facts == {
        "turn": {"offer": offer.pk, "learner": learner.pk, "number": None, "since": 0},
        "phase": "early",
        "threshold": 0,
        "early": 0,
        "tiers": {"first": ["first 席", "¥2.8"], "standard": ["standard 席", "¥99"]},
    }
    assert Admission.objects.get(pk=offer.pk).seed not in page


def test_a_waiting_room_that_is_switched_off_is_not_there(client, learner):
    offer, owner = a_line(), UserFactory()

    act = lift_waiting_room(offer=offer, lifted=True, by=owner, reason="The ledger can take it", at=NOW)

    assert client.get(reverse("offers:queue", args=[offer.slug])).url == reverse("press:landing", args=[offer.slug])
    assert ask(client, offer).url.startswith("/seats/")
    assert Act.objects.get() == act
    lift_waiting_room(offer=offer, lifted=False, by=owner, reason="Back on", at=NOW)
    client.force_login(UserFactory())
    assert ask(client, offer).url == reverse("offers:queue", args=[offer.slug])


def test_who_has_a_seat_is_sent_to_it(client, learner):
    offer = a_line()
    claim = claim_seat(offer=offer, learner=learner, max_price=FIRST, key="elsewhere", at=NOW)

    assert client.get(reverse("offers:queue", args=[offer.slug])).url == reverse("orders:checkout", args=[claim.pk])
    assert ask(client, offer).url == reverse("orders:checkout", args=[claim.pk])


def test_the_page_costs_the_same_however_long_the_line_is(client, learner, django_assert_max_num_queries):
    offer = a_line(threshold=500, issued=2_000_000)
    stand(client, offer, learner, 1_900_000)

    with django_assert_max_num_queries(14):
        look(client, offer)
