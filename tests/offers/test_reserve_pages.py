"""Reserving by browser: before the opening, with and without a session, without JavaScript."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from kaiying.offers.actions import reserve
from kaiying.offers.models import Offer, Reservation
from kaiying.offers.vocabulary import ReserveRequest
from tests.factories.offers import MINUTE, OPENS, an_offer
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db
NOW = OPENS - 90 * MINUTE


@pytest.fixture(autouse=True)
def _before_the_sale():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def learner(client: Client):
    person = UserFactory()
    client.force_login(person)
    return person


def address(offer: Offer) -> str:
    return reverse("offers:reservation", args=[offer.slug])


def landing(client: Client, offer: Offer, **headers: str) -> str:
    page = client.get(reverse("press:landing", args=[offer.slug]), headers=headers).content.decode()
    return re.sub(r"\s+", " ", page)


def forms(page: str) -> list[tuple[str, str, bool]]:
    """Return for each form to reserve with: whether the page has it for who reserved, what it sends, if it is hidden."""
    found = re.findall(
        r'<form method="post" action="/c/[^"]+/reservation/" data-when="(\w+)" ?(hidden)?.*?</form>', page
    )
    sent = re.findall(r'name="standing" value="(\d)"', page)
    return [(when, value, bool(hidden)) for (when, hidden), value in zip(found, sent, strict=True)]


def test_before_the_opening_the_page_offers_to_reserve(client, learner):
    offer = an_offer()
    Offer.objects.filter(pk=offer.pk).update(reserved=1204)

    page = landing(client, offer, **{"accept-language": "en"})

    assert "Reserved so far: <b data-reserved>1,204</b>" in page
    assert "Whoever reserves is reminded 10 minutes before the opening. A reservation holds no seat." in page
    assert forms(page) == [("open", "1", False), ("standing", "0", True)] * 2  # in the card and in the bar


def test_pressing_it_reserves_and_the_page_says_so(client, learner):
    offer = an_offer()

    page = client.post(address(offer), {"standing": "1"}, follow=True, headers={"accept-language": "en"})

    assert page.redirect_chain == [(reverse("press:landing", args=[offer.slug]), 302)]
    text = re.sub(r"\s+", " ", page.content.decode())
    assert "You have reserved. A reservation holds no seat; be here when the sale opens." in text
    assert forms(text) == [("open", "1", True), ("standing", "0", False)] * 2
    assert Reservation.objects.standing().get().learner == learner


def test_it_can_be_taken_back(client, learner):
    offer = an_offer()
    client.post(address(offer), {"standing": "1"})

    client.post(address(offer), {"standing": "0"})

    assert not Reservation.objects.standing().exists()
    assert Offer.objects.get().reserved == 0


def test_a_visitor_signs_in_and_confirms(client):
    offer = an_offer()

    asked = client.post(address(offer), {"standing": "1"})
    assert urlsplit(asked.url).path == reverse("account_login")
    back = parse_qs(urlsplit(asked.url).query)["next"][0]
    client.force_login(UserFactory())
    page = client.get(back, headers={"accept-language": "en"}).content.decode()

    assert not Reservation.objects.exists()
    assert "One step to go" in page
    assert ("open", "1", False) in forms(re.sub(r"\s+", " ", page))
    client.post(back, {"standing": "1"})
    assert Reservation.objects.standing().count() == 1


def test_in_the_last_ten_minutes_no_reminder_is_promised(client, learner):
    offer = an_offer(opens_at=NOW + 9 * MINUTE)

    page = landing(client, offer, **{"accept-language": "en"})

    assert "is reminded" not in page
    assert "The sale opens in a few minutes." in page


def test_once_the_sale_is_open_the_page_leads_to_the_seats(client, learner):
    offer = an_offer(opens_at=NOW)

    assert client.get(address(offer)).url == reverse("press:landing", args=[offer.slug])
    page = client.post(address(offer), {"standing": "1"}, follow=True, headers={"accept-language": "en"})

    assert "The sale is open now. Go and claim a seat." in page.content.decode()
    assert not Reservation.objects.exists()


def test_an_address_of_nothing_is_not_found(client, learner):
    assert client.post("/c/nothing/reservation/", {"standing": "1"}).status_code == 404


def test_somebody_elses_reservation_changes_nothing_of_mine(client, learner):
    offer = an_offer()
    reserve([ReserveRequest(offer.slug, UserFactory().pk)], at=NOW)

    assert forms(landing(client, offer)) == [("open", "1", False), ("standing", "0", True)] * 2
