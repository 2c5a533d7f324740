"""P1, P5: everything that can happen to an order, in every order, one after the other and two at a time."""

import itertools
import logging
import os
import random
import threading
import uuid
from collections import defaultdict

import pytest
from django.db import connection, transaction

from kaiying.learning.models import Enrollment
from kaiying.offers.queries import verify
from kaiying.orders.models import Order, Payment
from kaiying.orders.queries import balance_of, verify_money
from kaiying.orders.vocabulary import OrderState
from tests.factories.offers import an_offer
from tests.factories.orders import PAID, an_order
from tests.orders.world import Explored, World

FAMILIES = {
    "money comes": ("paid", "paid_again", "second", "closed_told", "asked", "expires"),
    "money goes": ("paid", "expires", "whole", "part", "ours_told"),
    "money is taken back": ("paid", "whole", "part", "taken_part", "taken_all", "ours_told"),
}
MISFITS = ("wrong_amount", "wrong_currency", "wrong_merchant", "wrong_order")
IS_SLOW = connection.vendor == "postgresql"
IS_DEEP = "KAIYING_LONGEST" in os.environ
LONGEST = int(os.environ.get("KAIYING_LONGEST", "3" if IS_SLOW else "4"))
PAIRS = int(os.environ.get("KAIYING_ROUNDS", "24" if IS_SLOW else "40"))
SEED = 20260715


@pytest.fixture(autouse=True)
def _quiet():
    """What has no effect is logged as an error; here it happens thousands of times."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.figures
@pytest.mark.django_db
@pytest.mark.parametrize("start", ["held", "over", "taken"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_order_of_events_ends_the_same(lab, family, start):
    """From a held seat, after the hold with the seat free, and after the hold with the seat taken by a rival."""
    lab.is_sloppy = True  # it takes money even for what it said was closed
    longest = LONGEST if start == "held" or IS_DEEP else 2
    offer = an_offer(1 if start == "taken" else 2, None)

    explored = Explored(World(lab, offer, start=start), FAMILIES[family], longest)

    count, ends = explored.by_multiset()
    most = max(map(len, ends.values()))
    figure = f"{count} sequences up to length {longest}, {len(ends)} multisets, final states per multiset: {most}"
    print(f"P1 {family}, {start}: {figure}; {len(explored.ends)} places, faults {len(explored.faults)}")
    assert {multiset: found for multiset, found in ends.items() if len(found) > 1} == {}
    assert (explored.faults, explored.backward) == ([], [])
    # Nobody has paid and has nothing: what was booked pays for a seat, or all of it went back.
    for state, enrollments, charges, kept, claims in set().union(*ends.values()):
        assert (state == OrderState.PAID) == (enrollments == 1) == bool(kept)
        assert enrollments <= claims
        assert charges or state in {OrderState.OPEN, OrderState.CLOSED}


@pytest.mark.django_db
@pytest.mark.parametrize("before", [(), ("paid",), ("expires",), ("paid", "part"), ("paid", "whole"), ("taken_all",)])
def test_what_does_not_fit_changes_nothing_wherever_the_order_stands(lab, before):
    lab.is_sloppy = True
    explored = Explored(world := World(lab, an_offer(2, None)), MISFITS, 0)
    for event in before:
        getattr(world, event)()
    place, explored.longest = world.fingerprint(), 1

    for event in MISFITS:
        getattr(world, event)()

    assert world.fingerprint() == place
    assert world.faults() == []


@pytest.mark.figures
@pytest.mark.django_db(transaction=True)
def test_two_at_a_time_they_end_as_one_after_the_other(lab, at_once):
    """Every pair of events, and pairs of pairs by chance, on two connections at the same moment."""
    lab.is_sloppy = True
    chance = random.Random(SEED)
    ways = [
        (family, ((first,), (second,)))
        for family, events in FAMILIES.items()
        for first, second in itertools.combinations_with_replacement(events, 2)
    ]
    ways = chance.sample(ways, PAIRS // 2)
    for family in chance.choices(list(FAMILIES), k=PAIRS // 2):
        ways.append((family, tuple(tuple(chance.choices(FAMILIES[family], k=2)) for _ in range(2))))
    offers, differ = [], []
    for family, (left, right) in ways:
        ends = []
        for is_parallel in (True, False):
            offers.append(an_offer(2, None))
            world = World(lab, offers[-1])
            if family != "money comes":
                world.paid()
            raised = _walk(world, left, right, at_once if is_parallel else None)
            assert raised == [None, None], (family, left, right)
            world.come_to_rest()
            ends.append(world.end())
        if ends[0] != ends[1]:
            differ.append((family, left, right, ends))

    faults = [fault for offer in offers for fault in (*verify(offer), *verify_money(offer))]
    difference = sum(abs(balance_of(offer).difference) for offer in offers)
    figure = f"other ends than one after the other: {len(differ)}, faults {len(faults)}, difference {difference}"
    print(f"P1 {len(ways)} pairs on two connections, seed {SEED}: {figure}")
    assert (differ, faults, difference) == ([], [], 0)


def _walk(world, left, right, at_once):
    def walk(way):
        for event in way:
            getattr(world, event)()

    calls = [lambda: walk(left), lambda: walk(right)]
    return at_once(calls) if at_once else [call() for call in calls]


@pytest.mark.django_db
def test_twin_without_inbox_and_table_the_end_depends_on_the_order(lab):
    """Whoever books each message as it comes and writes down its state, as many do, ends anywhere."""
    order = an_order(an_offer(), name="lab")

    def hear(state):
        if state == OrderState.PAID:
            facts = {"amount": 280, "currency": "CNY", "provider": "lab", "transaction": uuid.uuid4().hex, "at": PAID}
            Payment.objects.create(order=order, kind="charge", **facts)
        Order.objects.filter(pk=order.pk).update(state=state)

    ends, faults = defaultdict(set), 0
    for length in range(1, 4):
        for path in itertools.product((OrderState.PAID, OrderState.CLOSED, OrderState.REFUNDED), repeat=length):
            with transaction.atomic():
                for state in path:
                    hear(state)
                ends[tuple(sorted(path))].add((Order.objects.get().state, Payment.objects.count()))
                faults += bool(verify_money(order.claim.offer))
                transaction.set_rollback(True)

    assert max(map(len, ends.values())) == 3
    assert faults > 0


@pytest.mark.django_db(transaction=True)
def test_twin_without_lock_and_inbox_two_messages_pay_twice(at_once):
    """The same race with the order's lock, the unique event and the unique transaction taken away must fail."""
    order = an_order(an_offer())
    looked = threading.Barrier(2)

    def naive():
        is_open = Order.objects.get(pk=order.pk).state == OrderState.OPEN
        looked.wait()
        if is_open:
            facts = {"amount": 280, "currency": "CNY", "provider": "sandbox", "at": PAID}
            Payment.objects.create(order=order, kind="charge", transaction=uuid.uuid4().hex, **facts)
            Order.objects.filter(pk=order.pk).update(state=OrderState.PAID)

    at_once([naive, naive])

    assert Payment.objects.filter(order=order).count() == 2
    assert Enrollment.objects.count() == 0
    assert verify_money(order.claim.offer) != []
    connection.close()
