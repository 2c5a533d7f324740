"""Reservations at the gate: who may ask, what is understood, and that an answer means durable."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from kaiying.offers.models import Offer, Reservation
from kaiying.people.models import User
from kaiying.wire import clock
from tests.factories.offers import an_offer
from tests.factories.people import UserFactory
from tests.gate.caller import Answer, call
from tests.gate.conftest import as_user

OURS = {"origin": "http://testserver", "sec-fetch-site": "same-origin", "content-type": "application/json"}


async def post(gate, said: Any, *, user_id: int = 7, headers: Mapping[str, str] | None = None) -> Answer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return await call(
        gate, "POST", "/gate/reservations", headers={**as_user(user_id), **OURS, **(headers or {})}, body=body
    )


@sync_to_async
def a_coming_sale(learners: int = 1) -> tuple[str, list[int]]:
    offer = an_offer(opens_at=clock.now() + timedelta(days=1))
    people = User.objects.bulk_create(UserFactory.build_batch(learners))
    return offer.slug, [person.pk for person in people]


@sync_to_async
def standing(slug: str) -> tuple[int, int]:
    """Return what the offer says, and how many rows stand."""
    offer = Offer.objects.get(slug=slug)
    return offer.reserved, Reservation.objects.standing().filter(offer=offer).count()


@pytest.mark.django_db(transaction=True)
async def test_a_reservation_is_durable_when_it_is_answered(gate) -> None:
    slug, [learner] = await a_coming_sale()
    before = datetime.now(UTC)

    answer = await post(gate, {"offer": slug, "standing": True}, user_id=learner)

    assert await standing(slug) == (1, 1)
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    said = answer.json()
    assert before <= datetime.fromisoformat(said["reserved_at"]) <= datetime.fromisoformat(said["now"])
    assert datetime.fromisoformat(said["opens_at"]) > before
    assert (said["standing"], said["count"]) == (True, 1)


@pytest.mark.django_db(transaction=True)
async def test_asking_again_is_200_with_the_first_moment_and_taking_it_back_says_so(gate) -> None:
    slug, [learner] = await a_coming_sale()
    first = (await post(gate, {"offer": slug, "standing": True}, user_id=learner)).json()

    again = await post(gate, {"offer": slug, "standing": True}, user_id=learner)
    assert (again.status, again.json()["reserved_at"], again.json()["count"]) == (200, first["reserved_at"], 1)

    gone = await post(gate, {"offer": slug, "standing": False}, user_id=learner)
    assert (gone.status, gone.json()["standing"], gone.json()["reserved_at"], gone.json()["count"]) == (
        200,
        False,
        None,
        0,
    )
    assert await standing(slug) == (0, 0)


@pytest.mark.django_db(transaction=True)
async def test_three_hundred_at_once_are_all_counted(gate) -> None:
    slug, learners = await a_coming_sale(300)

    answers = await asyncio.gather(
        *(post(gate, {"offer": slug, "standing": True}, user_id=learner) for learner in learners)
    )

    assert {answer.status for answer in answers} == {201}
    assert await standing(slug) == (300, 300)
    assert max(answer.json()["count"] for answer in answers) == 300


@pytest.mark.django_db(transaction=True)
async def test_a_refusal_says_why_in_the_readers_language(gate) -> None:
    slug, [learner] = await a_coming_sale()
    await sync_to_async(Offer.objects.filter(slug=slug).update)(opens_at=clock.now() - timedelta(minutes=1))

    late = await post(gate, {"offer": slug, "standing": True}, user_id=learner, headers={"accept-language": "en"})
    nowhere = await post(gate, {"offer": "no", "standing": True}, user_id=learner, headers={"accept-language": "en"})

    assert (late.status, late.json()) == (
        409,
        {"code": "sale_open", "text": "The sale is open now. Go and claim a seat."},
    )
    assert (nowhere.status, nowhere.json()["code"]) == (404, "no_such_offer")


async def test_a_visitor_signs_in_first(gate) -> None:
    answer = await call(gate, "POST", "/gate/reservations", headers=OURS, body=b"{}")

    assert (answer.status, answer.json()["code"]) == (401, "signed_out")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"content-type": "text/plain"}, 415),
    ],
)
async def test_only_our_own_pages_ask(gate, headers, status) -> None:
    answer = await post(gate, {"offer": "x", "standing": True}, headers=headers)

    assert answer.status == status


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b"[" * 900, "not_json"),
        ([], "bad_reservation"),
        ({"offer": "x"}, "bad_reservation"),
        ({"offer": "", "standing": True}, "bad_reservation"),
        ({"offer": "x\x00", "standing": True}, "bad_reservation"),
        ({"offer": "x" * 61, "standing": True}, "bad_reservation"),
        ({"offer": "x", "standing": 1}, "bad_reservation"),
        ({"offer": "x", "standing": True, "learner": 8}, "bad_reservation"),
    ],
)
async def test_what_makes_no_sense_is_400(gate, said, code) -> None:
    answer = await post(gate, said)

    assert (answer.status, answer.json()["code"]) == (400, code)


@pytest.mark.django_db(transaction=True)
async def test_whoever_presses_all_the_time_waits(gate) -> None:
    answers = [await post(gate, {"offer": "nowhere", "standing": True}) for _ in range(30)]

    assert {answer.status for answer in answers} == {404, 429}
    assert answers[-1].status == 429
    assert answers[-1].headers["retry-after"] == "1"
