"""Claims at the gate: who may ask, what is understood, and that an answer means durable."""

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from kaiying.gate import claims as gate_claims
from kaiying.gate.asking import cookie_of, is_same_origin
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import Holders, verify
from kaiying.people.models import User
from kaiying.wire import brakes, clock
from kaiying.wire.batcher import Batcher
from kaiying.wire.brakes import Brakes
from kaiying.wire.buckets import Rate
from kaiying.wire.entry import COOKIE, bearer, entry_pass
from tests.factories.offers import FIRST, STANDARD, an_offer
from tests.factories.people import UserFactory
from tests.gate.caller import Answer, Call, call, until
from tests.gate.conftest import as_user

OURS = {"origin": "http://testserver", "sec-fetch-site": "same-origin", "content-type": "application/json"}
HOUR = timedelta(hours=1)


@pytest.fixture
def gate(gate):
    """Return the gate without its waiting room, which has tests of its own."""
    gate.claims._door = None
    return gate


def a_wish(slug: str, **facts: Any) -> dict[str, Any]:
    return {"offer": slug, "max_price": STANDARD, "key": "0123456789abcdef", **facts}


async def post(gate, said: Any, *, user_id: int = 7, headers: Mapping[str, str] | None = None) -> Answer:
    body = said if isinstance(said, bytes) else json.dumps(said).encode()
    return await call(gate, "POST", "/gate/claims", headers={**as_user(user_id), **OURS, **(headers or {})}, body=body)


@sync_to_async
def a_sale(first: int = 3, standard: int | None = None, *, learners: int = 1, **terms: Any) -> tuple[str, list[int]]:
    """Return an offer that is on sale, and people who may claim."""
    offer = an_offer(first, standard, **{"opens_at": clock.now() - HOUR, **terms})
    people = User.objects.bulk_create(UserFactory.build_batch(learners))
    return offer.slug, [person.pk for person in people]


@sync_to_async
def ledger(slug: str) -> list[tuple[int, int, str]]:
    """Return who has which seat, once the ledger has been verified."""
    offer = Offer.objects.get(slug=slug)
    assert verify(offer) == []
    return list(
        Claim.objects.filter(offer=offer).order_by("seat_number").values_list("learner", "seat_number", "state")
    )


@pytest.mark.django_db(transaction=True)
async def test_a_seat_is_durable_when_it_is_answered(gate) -> None:
    slug, [learner] = await a_sale()
    before = clock.now()

    answer = await post(gate, a_wish(slug), user_id=learner)

    assert await ledger(slug) == [(learner, 1, "held")]
    said = answer.json()
    assert (answer.status, answer.headers["cache-control"]) == (201, "no-store")
    assert answer.headers["content-length"] == str(len(answer.body))
    now = datetime.fromisoformat(said.pop("now"))
    assert before <= now <= clock.now()
    held_until = datetime.fromisoformat(said.pop("held_until"))
    assert before <= held_until - timedelta(minutes=15) <= now
    claim = await Claim.objects.aget()
    assert said == {
        "claim": claim.pk,
        "seat": 1,
        "price": FIRST,
        "currency": "CNY",
        "state": "held",
        "checkout": f"/seats/{claim.pk}/",
    }


@pytest.mark.django_db(transaction=True)
async def test_asking_again_returns_the_same_seat_as_known(gate) -> None:
    slug, [learner] = await a_sale()

    first = await post(gate, a_wish(slug), user_id=learner)
    again = await post(gate, a_wish(slug), user_id=learner)
    other_key = await post(gate, a_wish(slug, key="another-key"), user_id=learner)

    assert [answer.status for answer in (first, again, other_key)] == [201, 200, 200]
    assert len({answer.json()["claim"] for answer in (first, again, other_key)}) == 1
    assert await ledger(slug) == [(learner, 1, "held")]


@pytest.mark.django_db(transaction=True)
async def test_a_price_that_moved_takes_nothing_and_names_the_new_one(gate) -> None:
    slug, [one, other] = await a_sale(1, 1, learners=2)
    await post(gate, a_wish(slug), user_id=one)

    answer = await post(gate, a_wish(slug, max_price=FIRST), user_id=other, headers={"accept-language": "en"})

    assert answer.status == 412
    assert answer.json() == {
        "code": "price_moved",
        "text": "The price is now ¥99. Nothing was taken; choose whether to go on.",
        "price": STANDARD,
        "currency": "CNY",
    }
    assert await ledger(slug) == [(one, 1, "held")]


@pytest.mark.django_db(transaction=True)
async def test_a_sale_that_has_not_opened_answers_from_memory_and_opens_to_the_millisecond(gate) -> None:
    slug, [learner] = await a_sale(opens_at=clock.now() + timedelta(seconds=1.2))
    opens_at = (await Offer.objects.aget()).opens_at
    asked = count_asks(gate)

    early = await post(gate, a_wish(slug), user_id=learner)
    while (answer := await post(gate, a_wish(slug), user_id=learner)).status == 409:
        before = clock.now()

    assert (early.status, early.json()["code"]) == (409, "too_early")
    assert datetime.fromisoformat(early.json()["opens_at"]) == opens_at
    assert before < opens_at + timedelta(milliseconds=20)
    assert (answer.status, asked) == (201, [learner])
    assert (await Claim.objects.aget()).claimed_at >= opens_at


@pytest.mark.django_db(transaction=True)
async def test_a_sale_that_is_over_says_so_and_who_has_a_seat_still_finds_it(gate) -> None:
    slug, [holder, other] = await a_sale(learners=2)
    await post(gate, a_wish(slug), user_id=holder)
    await Offer.objects.aupdate(closes_at=clock.now() - timedelta(minutes=1))
    await gate.sales.look()

    first = await post(gate, a_wish(slug), user_id=other)
    await gate.sales.look()
    asked = count_asks(gate)
    answers = [await post(gate, a_wish(slug), user_id=who) for who in (other, holder)]

    assert (first.status, first.json()["code"]) == (409, "closed")
    assert [(answer.status, answer.json().get("code")) for answer in answers] == [(409, "closed"), (200, None)]
    assert asked == [holder]


def count_asks(gate) -> list[int]:
    """Keep a list of who gets as far as the ledger."""
    asked: list[int] = []
    queue = gate.claims._queue

    class Counted:
        is_full = False

        async def ask(self, item, *, patience):
            asked.append(item.learner_id)
            return await queue.ask(item, patience=patience)

    gate.claims._queue = Counted()
    return asked


@pytest.mark.django_db(transaction=True)
async def test_an_offer_nobody_knows_is_looked_up_once(gate, count_statements) -> None:
    answers = [await post(gate, a_wish("no-such-sale"), headers={"accept-language": "en"}) for _ in range(3)]

    assert {(answer.status, answer.json()["code"]) for answer in answers} == {(404, "no_such_offer")}
    assert len(count_statements) == 1


async def refused(gate, status: int, code: str, said: Any = None, **facts: Any) -> Answer:
    answer = await post(gate, a_wish("x") if said is None else said, **facts)
    assert (answer.status, answer.json()["code"]) == (status, code)
    assert answer.json()["text"]
    assert answer.headers["cache-control"] == "no-store"
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://evil.example://testserver"},
        {"origin": "http://testserver:81"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_another_sites_page_cannot_claim(gate, headers) -> None:
    await refused(gate, 403, "foreign", headers=headers)


async def test_who_does_not_say_where_it_comes_from_is_refused(gate) -> None:
    headers = {**as_user(7), "content-type": "application/json"}

    answer = await call(gate, "POST", "/gate/claims", headers=headers, body=b"{}")

    assert (answer.status, answer.json()["code"]) == (403, "foreign")


@pytest.mark.parametrize("cookie", ["", "ky_pass=", "ky_pass=1.a.b.c", "other=1", 'ky_pass="', "xky_pass=1"])
async def test_who_is_not_signed_in_is_told_so(gate, cookie) -> None:
    await refused(gate, 401, "signed_out", headers={"cookie": cookie})


async def test_who_was_signed_out_everywhere_is_told_so(gate) -> None:
    headers = as_user(7)
    gate.revocations.note({"user": 7, "everywhere": True}, moment=clock.real())

    await refused(gate, 401, "signed_out", headers=headers)


BAD = [
    (b"", "not_json", ""),
    (b"{", "not_json", ""),
    (b"[" * 4000, "not_json", ""),
    (b"\xff\xfe", "not_json", ""),
    (b'{"offer":"a","max_price":NaN,"key":"0123456789"}', "not_json", ""),
    (b'{"offer":"a","max_price":' + b"9" * 3000 + b',"key":"0123456789"}', "bad_claim", "max_price"),
    ([], "bad_claim", "body"),
    ({}, "bad_claim", "offer"),
    (a_wish(""), "bad_claim", "offer"),
    (a_wish("a b"), "bad_claim", "offer"),
    (a_wish("x" * 61), "bad_claim", "offer"),
    (a_wish("x\n"), "bad_claim", "offer"),
    (a_wish("席位"), "bad_claim", "offer"),
    (a_wish(7), "bad_claim", "offer"),  # type: ignore[arg-type]
    (a_wish("x", max_price=-1), "bad_claim", "max_price"),
    (a_wish("x", max_price=True), "bad_claim", "max_price"),
    (a_wish("x", max_price=2.8), "bad_claim", "max_price"),
    (a_wish("x", max_price="280"), "bad_claim", "max_price"),
    (a_wish("x", max_price=None), "bad_claim", "max_price"),
    (a_wish("x", max_price=2**63), "bad_claim", "max_price"),
    (a_wish("x", key="short"), "bad_claim", "key"),
    (a_wish("x", key="x" * 65), "bad_claim", "key"),
    (a_wish("x", key="again:1234"), "bad_claim", "key"),
    (a_wish("x", key="01234567\n"), "bad_claim", "key"),
    (a_wish("x", key=None), "bad_claim", "key"),
    (a_wish("x", captcha=1), "bad_claim", "captcha"),
    (a_wish("x", captcha="x" * 2049), "bad_claim", "captcha"),
    (a_wish("x", learner=8), "bad_claim", "learner"),
    (a_wish("x", held_until="2030"), "bad_claim", "held_until"),
]


@pytest.mark.parametrize(("said", "code", "field"), BAD)
async def test_what_is_not_as_it_should_be_is_refused_by_name(gate, said, code, field) -> None:
    answer = await refused(gate, 400, code, said, headers={"accept-language": "en"})

    assert field in answer.json()["text"]


async def test_a_body_that_is_too_big_is_refused(gate) -> None:
    await refused(gate, 413, "too_big", a_wish("x", captcha="x" * 5000))


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_only_json_is_taken(gate, kind) -> None:
    await refused(gate, 415, "content_type", headers={"content-type": kind})


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_claims_are_only_posted(gate, method) -> None:
    answer = await call(gate, method, "/gate/claims", headers=as_user(7))

    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_sender_that_dawdles_is_told_to_stop(gate, monkeypatch) -> None:
    monkeypatch.setattr("kaiying.gate.hot.SLOWEST_BODY", 0.05)
    monkeypatch.setattr("kaiying.gate.hot.SWEEP", 0.02)
    slow = Call(gate, "POST", "/gate/claims", {**as_user(7), **OURS}, b"")
    slow._inbox.get_nowait()  # nothing has arrived

    async with asyncio.timeout(2):
        await slow.task

    assert (slow.answer.status, slow.answer.json()["code"]) == (408, "too_slow")


async def test_who_hangs_up_before_the_body_is_there_is_not_answered(gate) -> None:
    gone = Call(gate, "POST", "/gate/claims", {**as_user(7), **OURS}, b"")
    gone._inbox.get_nowait()
    gone.hang_up()

    await gone.task

    assert gone.answer.status == 0


@pytest.mark.django_db(transaction=True)
async def test_one_account_cannot_ask_without_end_and_its_neighbours_can(gate) -> None:
    brakes.configure(Brakes(account=Rate(2, 0.5)))
    slug, [greedy, calm] = await a_sale(learners=2)

    greedys = [(await post(gate, a_wish(slug), user_id=greedy)).status for _ in range(3)]
    answer = await refused(gate, 429, "too_often", a_wish(slug), user_id=greedy)

    assert greedys == [201, 200, 429]
    assert answer.headers["retry-after"] == "2"
    assert 1 < answer.json()["retry_after"] <= 2
    assert answer.json()["captcha"] is False
    assert (await post(gate, a_wish(slug), user_id=calm)).status == 201


@pytest.mark.django_db(transaction=True)
async def test_a_class_behind_one_router_gets_in_and_a_script_does_not(gate) -> None:
    brakes.configure(Brakes(network=Rate(300, 0.01)))
    slug, learners = await a_sale(400, learners=320)

    statuses = [(await post(gate, a_wish(slug), user_id=learner)).status for learner in learners]

    assert statuses == [201] * 300 + [429] * 20


@pytest.mark.django_db(transaction=True)
async def test_the_word_of_a_client_about_its_address_counts_only_from_our_proxies(gate) -> None:
    slug, learners = await a_sale(10, learners=6)

    async def ask(learner: int, forwarded: str) -> int:
        return (await post(gate, a_wish(slug), user_id=learner, headers={"x-forwarded-for": forwarded})).status

    brakes.configure(Brakes(network=Rate(1, 0.001)))
    liars = [await ask(learner, f"10.0.0.{learner % 250}") for learner in learners[:2]]
    brakes.configure(Brakes(network=Rate(1, 0.001), proxies=1))
    behind = [await ask(learner, f"6.6.6.6, 10.0.0.{place}") for place, learner in enumerate(learners[2:4])]
    same = [await ask(learner, f"7.7.7.{place}, 10.0.9.9") for place, learner in enumerate(learners[4:6])]

    assert (liars, behind, same) == ([201, 429], [201, 201], [201, 429])


def a_captcha(token: str, learner_id: int, address: str) -> bool:
    """Stand for a service that knows people by their word."""
    if token == "broken":
        raise ConnectionError
    return token == f"person-{learner_id}@{address}"


@pytest.mark.django_db(transaction=True)
async def test_whom_a_captcha_knows_as_a_person_goes_on(gate) -> None:
    brakes.configure(Brakes(account=Rate(1, 0.01), captcha=f"{__name__}.a_captcha"))
    slug, [learner] = await a_sale()
    await post(gate, a_wish(slug), user_id=learner)

    braked = await refused(gate, 429, "too_often", a_wish(slug), user_id=learner)
    wrong = await refused(gate, 429, "too_often", a_wish(slug, captcha="robot"), user_id=learner)
    broken = await refused(gate, 429, "too_often", a_wish(slug, captcha="broken"), user_id=learner)
    right = await post(gate, a_wish(slug, captcha=f"person-{learner}@127.0.0.1"), user_id=learner)

    assert [answer.json()["captcha"] for answer in (braked, wrong, broken)] == [True, True, True]
    assert right.status == 200


@pytest.mark.django_db(transaction=True)
async def test_an_overload_is_answered_at_once_and_says_when_to_come_back(gate) -> None:
    slug, learners = await a_sale(learners=50)
    full = Batcher(gate_claims.commit, most_waiting=0)
    gate.claims._queue = full
    await gate.sales.find(slug)

    begun = time.perf_counter()
    answers = await asyncio.gather(*(post(gate, a_wish(slug), user_id=learner) for learner in learners))
    taken = time.perf_counter() - begun

    assert {(answer.status, answer.json()["code"]) for answer in answers} == {(503, "overloaded")}
    assert {answer.headers["retry-after"] for answer in answers} <= {"2", "3", "4"}
    waits = {answer.json()["retry_after"] for answer in answers}
    assert all(1.5 <= wait <= 4 for wait in waits)
    assert len(waits) > 20
    assert taken < 0.1 * len(answers)
    assert await ledger(slug) == []
    tally = gate.pulse.of(gate.sales.known(slug).id)
    assert (tally.asked, tally.shed) == (50, 50)


@pytest.mark.django_db(transaction=True)
async def test_a_full_queue_does_not_hide_what_memory_knows(gate) -> None:
    slug, _ = await a_sale(1)
    later, _ = await a_sale(1, opens_at=clock.now() + HOUR)
    for address in (slug, later):
        await gate.sales.find(address)
    gate.claims._queue = Batcher(gate_claims.commit, most_waiting=0)

    early = await post(gate, a_wish(later))
    wrong = await post(gate, {"offer": slug})
    gate.sales.known(slug).free = 0
    gate.sales.known(slug).holders = Holders(set(), 0, 0)
    out = await post(gate, a_wish(slug))

    assert [one.json()["code"] for one in (early, wrong, out)] == ["too_early", "bad_claim", "sold_out"]


@pytest.mark.django_db(transaction=True)
async def test_what_breaks_is_a_500_for_its_asker_and_nobody_else(gate, caplog) -> None:
    slug, [learner, poison] = await a_sale(learners=2)
    commit = gate_claims.commit
    held = threading.Event()

    def breaking(requests):
        held.wait(5)
        if any(request.learner_id == poison for request in requests):
            raise LookupError
        return commit(requests)

    gate.ledger._commit = breaking
    tasks = [asyncio.ensure_future(post(gate, a_wish(slug), user_id=one)) for one in (learner, poison)]
    await until(lambda: gate.ledger.waiting == 1)
    held.set()
    answers = await asyncio.gather(*tasks)

    assert [answer.status for answer in answers] == [201, 500]
    assert answers[1].json()["code"] == "failed"
    assert await ledger(slug) == [(learner, 1, "held")]


@pytest.mark.django_db(transaction=True)
async def test_a_stop_answers_who_waits_and_sends_who_comes_elsewhere(gate) -> None:
    slug, learners = await a_sale(10, learners=6)
    commit, held = gate_claims.commit, threading.Event()

    def slow(requests):
        held.wait(5)
        return commit(requests)

    gate.ledger._commit = slow
    tasks = [asyncio.ensure_future(post(gate, a_wish(slug), user_id=one)) for one in learners[:5]]
    await until(lambda: gate.ledger.waiting == 4)
    closing = asyncio.ensure_future(gate.ledger.close())
    await asyncio.sleep(0)
    late = await post(gate, a_wish(slug), user_id=learners[5])
    held.set()
    await closing

    assert [answer.status for answer in await asyncio.gather(*tasks)] == [201] * 5
    assert (late.status, late.json()["code"]) == (503, "overloaded")
    assert len(await ledger(slug)) == 5


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
async def test_a_thousand_buyers_at_once_for_fifty_seats(gate) -> None:
    brakes.configure(Brakes(network=None))
    slug, learners = await a_sale(30, 20, learners=1000)

    async def twice(learner: int) -> list[Answer]:
        return await asyncio.gather(*(post(gate, a_wish(slug), user_id=learner) for _ in range(2)))

    answers = await asyncio.gather(*map(twice, learners))

    rows = await ledger(slug)
    seated = {learner: seat for learner, seat, _state in rows}
    told: dict[int, set[int | None]] = {
        learner: {answer.json().get("seat") for answer in pair} for learner, pair in zip(learners, answers, strict=True)
    }
    assert sorted(seated.values()) == list(range(1, 51))
    assert {learner: {seated.get(learner)} for learner in learners} == told
    assert {answer.status for pair in answers for answer in pair} == {201, 200, 409}
    assert sum(answer.status == 201 for pair in answers for answer in pair) == 50
    two = sum(len(seats) > 1 for seats in told.values())
    print(f"1000 buyers asking twice, 50 seats: {len(rows)} holds, {two} told two things")


PASS = f"{COOKIE}=1.abc.def.ghi"
COOKIES = [
    PASS,
    f"a=1; {PASS}",
    f"{PASS}; b=2",
    f"a=1;{PASS};b=2",
    f"a=1;  {PASS} ; b=2",
    f"x{PASS}",
    f"x{PASS}; {PASS}2",
    f"{PASS}; {PASS}2",
    f'{COOKIE}="1.abc"; a=1',
    f"{COOKIE}=",
    f"{COOKIE}=; {PASS}",
    f"a={PASS}",
    f"a=b {PASS}",
    f"{COOKIE} =1.abc",
    f"{COOKIE}=1.\tabc",
    "",
    ";",
    COOKIE,
    f'{COOKIE}="\\101"',
]


@pytest.mark.parametrize("header", COOKIES)
def test_a_cookie_is_found_as_if_all_had_been_parsed(header: str) -> None:
    from django.http import parse_cookie

    assert cookie_of(header, COOKIE) == parse_cookie(header).get(COOKIE, "")


def test_headers_that_come_twice_are_joined(gate) -> None:
    from kaiying.gate.hot import asking_of

    cookies = [(b"cookie", b"a=1"), (b"cookie", PASS.encode()), (b"origin", b"http://a"), (b"origin", b"http://b")]
    asking = asking_of({"headers": [(b"host", b"a"), *cookies], "client": None})

    assert asking.headers == {b"cookie": f"a=1; {PASS}".encode(), b"host": b"a", b"origin": b"http://a, http://b"}
    assert not asking.is_ours


def test_an_origin_is_ours_by_scheme_and_host(settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://camp.example.org"]

    assert is_same_origin(b"same-origin", None, b"a")
    assert is_same_origin(None, b"https://a", b"a")
    assert is_same_origin(None, b"https://camp.example.org", b"127.0.0.1:8000")
    assert not is_same_origin(None, b"http://", b"")
    assert not is_same_origin(None, b"ftp://a", b"a")
    assert not is_same_origin(None, b"https://b", b"a")
    assert not is_same_origin(None, None, b"a")


async def test_a_pass_that_is_over_opens_nothing(gate) -> None:
    over = entry_pass(7, until=datetime(2020, 1, 1, tzinfo=UTC))

    await refused(gate, 401, "signed_out", headers={"cookie": f"{COOKIE}={over}"})


@pytest.mark.django_db(transaction=True)
async def test_when_nothing_is_left_a_forged_pass_hears_what_all_hear(gate) -> None:
    slug, [holder, other] = await a_sale(1, learners=2)
    await post(gate, a_wish(slug), user_id=holder)
    await gate.sales.look()
    first = await post(gate, a_wish(slug), user_id=other)
    await gate.sales.look()
    asked = count_asks(gate)
    good = as_user(holder)["cookie"]
    forged = [
        {"cookie": good[:-1] + ("0" if good[-1] != "0" else "1")},
        {"cookie": f"{COOKIE}=2.nokey.1.{other}-1.x"},
        {"cookie": f"{COOKIE}=junk"},
        {"cookie": ""},
    ]

    answers = [await call(gate, "POST", "/gate/claims", headers={**OURS, **one}, body=json.dumps(a_wish(slug)).encode()) for one in forged]  # fmt: skip
    theirs = await post(gate, a_wish(slug), user_id=holder)

    assert {(answer.status, answer.body) for answer in answers} == {(first.status, first.body)}
    assert first.json()["code"] == "sold_out"
    assert (theirs.status, asked) == (200, [holder])


@pytest.mark.parametrize(
    ("cookies", "who"),
    [
        ("ky_pass=2.ab12.1700000000000.42-1699.ff", 42),
        ("a=1; ky_pass=2.ab12.1700000000000.42-1699.ff; b=2", 42),
        ("not_ky_pass=2.ab12.1700000000000.42-1699.ff", 0),
        ("ky_pass=2.ab12.1700000000000.-1699.ff", 0),
        ("ky_pass=2.ab12.1700000000000.99999999999999999999-1.ff", 0),
        ("", 0),
    ],
)
def test_whom_a_pass_names_is_read_without_verifying_it(cookies: str, who: int) -> None:
    assert bearer(cookies.encode()) == who


def test_a_pass_of_ours_names_its_bearer() -> None:
    assert bearer(f"x=1; {COOKIE}={entry_pass(123456)}".encode()) == 123456
