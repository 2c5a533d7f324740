"""What was acknowledged over the wire is there after the whole tree was killed, again and again."""

import asyncio
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from tests.e2e.house import House

BUYERS = 300
SEATS = (30, 20)
KILLS = 4
TOKEN = "k" * 32

OPEN = """
from datetime import date, timedelta
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from kaiying.camps.models import Camp, Cohort
from kaiying.offers.actions import open_offer
from kaiying.people.models import Organizer, User
from kaiying.wire import clock
at = clock.now()
with transaction.atomic():
    camp = Camp.objects.create(organizer=Organizer.objects.create(slug="rush", name="Rush"), slug="rush", title={"en": "Rush"})
    cohort = Cohort.objects.create(camp=camp, slug="rush", number=1, starts_on=date.today() + timedelta(days=9), zone="Asia/Shanghai")
    terms = {"currency": "CNY", "list_price": "99.00", "hold_minutes": 15, "seats": sum(facts["seats"]), "tiers": [
        {"id": "first", "name": {"en": "First"}, "price": "2.80", "seats": facts["seats"][0]},
        {"id": "standard", "name": {"en": "Standard"}, "price": "99.00", "seats": facts["seats"][1]},
    ]}
    open_offer(cohort=cohort, slug="rush", terms=terms, opens_at=at, closes_at=None, at=at)
    keys = []
    for number in range(facts["buyers"]):
        user = User.objects.create_user(f"rush-{number}@example.org", name=f"Rush {number}")
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.save()
        keys.append([user.pk, session.session_key])
print(json.dumps(keys))
"""

READ = """
from kaiying.offers.models import Claim, Offer
from kaiying.offers.queries import verify
offer = Offer.objects.get(slug="rush")
rows = Claim.objects.filter(offer=offer, state__in=["held", "paid"]).values_list("pk", "learner", "seat_number", "price")
print(json.dumps({"rows": list(map(list, rows)), "faults": [str(fault) for fault in verify(offer)]}))
"""


@pytest.fixture
def rush(tmp_path):
    house = House(data=tmp_path / "data")
    house.start()
    yield house
    house.stop()


async def buy(house, learner, session, told, *, max_price):
    """Ask for a seat with one key until there is an answer; what the server says is written down."""
    cookies = {"sessionid": session, "csrftoken": TOKEN}
    form = {"max_price": str(max_price), "key": f"rush-key-{learner}", "csrfmiddlewaretoken": TOKEN}
    async with httpx2.AsyncClient(base_url=house.url, cookies=cookies, timeout=10, follow_redirects=False) as client:
        for _ in range(60):
            try:
                answer = await client.post("/c/rush/claims/", data=form)
            except (httpx2.TransportError, OSError):
                await asyncio.sleep(random.uniform(0.2, 0.6))
                continue
            if answer.status_code in {429, 500, 502, 503}:
                await asyncio.sleep(random.uniform(0.2, 0.6))
                continue
            seat = re.search(r"/seats/(\d+)/", answer.headers.get("location", ""))
            told[learner] = (answer.headers.get("location", answer.status_code), int(seat.group(1)) if seat else None)
            return


async def storm(house, people, told, *, kills):
    buyers = [asyncio.create_task(buy(house, pk, session, told, max_price=9900)) for pk, session in people]
    killed = 0
    for _ in range(kills):
        await asyncio.sleep(random.uniform(0.25, 0.6))
        if all(buyer.done() for buyer in buyers):
            break
        house.kill()
        killed += 1
        await asyncio.to_thread(house.start)
    await asyncio.gather(*buyers)
    return killed


@pytest.mark.figures
def test_every_acknowledged_claim_survives_kill_9_of_the_tree(rush):
    seed = random.randrange(10**6)
    random.seed(seed)
    people = rush.script(OPEN, buyers=BUYERS, seats=SEATS)
    told = {}

    begun = time.monotonic()
    with ThreadPoolExecutor(1) as thread:  # the browser tests may have left a loop running in this one
        killed = thread.submit(asyncio.run, storm(rush, people, told, kills=KILLS)).result()
    spent = time.monotonic() - begun
    ledger = rush.script(READ)

    acked = {(seat, learner) for learner, (_where, seat) in told.items() if seat is not None}
    kept = {(row[0], row[1]) for row in ledger["rows"]}
    prices = sorted(row[3] for row in ledger["rows"])
    print(
        f"\nFIGURE kill -9: {len(told)}/{BUYERS} answered, {len(acked)} acknowledged, lost {len(acked - kept)},"
        f" oversold {max(0, len(kept) - sum(SEATS))}, kills {killed}, {spent:.1f} s, seed {seed}"
    )
    assert killed >= 1
    assert len(told) == BUYERS
    assert acked == kept
    assert ledger["faults"] == []
    assert prices == [280] * SEATS[0] + [9900] * SEATS[1]
    assert {where for where, seat in told.values() if seat is None} == {"/c/rush/waitlist/"}
