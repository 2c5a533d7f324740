"""Whatever happens in whatever order: charged = the price of the seat ≤ what was agreed to, and the ledger is in order."""

from contextlib import suppress
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaiying.kit.errors import Refused
from kaiying.offers import actions
from kaiying.offers.models import Claim, Offer, Seat, WaitlistEntry
from kaiying.offers.queries import ladder, verify
from kaiying.offers.vocabulary import ClaimRequest, ClaimState, SeatState, Taken, Turn
from kaiying.people.models import User
from tests.factories.offers import MINUTE, OPENS, a_key, an_offer, tier
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db

PRICES = {"2.80": 280, "49.00": 4_900, "99.00": 9_900}
PEOPLE = 6

who = st.integers(0, PEOPLE - 1)
price = st.sampled_from([*PRICES.values()])
acts = st.one_of(
    st.tuples(st.just("claim"), st.lists(st.tuples(who, price), min_size=1, max_size=5)),
    st.tuples(st.just("release"), who),
    st.tuples(st.just("pay"), who),
    st.tuples(st.just("pay_late"), who),
    st.tuples(st.just("expect"), who),
    st.tuples(st.just("lapse"), who),
    st.tuples(st.just("refund"), who),
    st.tuples(st.just("wait"), who, price, st.sampled_from(Turn)),
    st.tuples(st.just("leave"), who),
    st.tuples(st.just("expire")),
    st.tuples(st.just("grow"), st.integers(0, 2)),
    st.tuples(st.just("pass"), st.integers(1, 20)),
)
ladders = st.builds(
    lambda quotas, ends: [
        tier(f"t{place}", text, quota, ends_at=(OPENS + end * MINUTE).isoformat() if end else None)
        for place, (text, quota, end) in enumerate(zip(PRICES, quotas, ends, strict=True))
    ],
    st.lists(st.integers(1, 3), min_size=3, max_size=3),
    st.tuples(st.sampled_from([0, 25]), st.sampled_from([0, 50]), st.just(0)),
)


class World:
    """One offer and a few people, changed one act after the other."""

    def __init__(self, tiers: list[dict], *, policy: str) -> None:
        self.tiers = tiers
        self.offer: Offer = an_offer(tiers=tiers, on_return=policy)
        self.people: list[User] = UserFactory.create_batch(PEOPLE)
        self.at: datetime = OPENS

    def mine(self, person: int, *states: str) -> Claim | None:
        claims = self.offer.claims.filter(learner=self.people[person]).order_by("-pk")
        return (claims.filter(state__in=states) if states else claims).first()

    def do(self, name: str, *given: object) -> None:
        with suppress(Refused):
            getattr(self, f"do_{name}")(*given)

    def do_claim(self, asks: list[tuple[int, int]]) -> None:
        requests = [ClaimRequest(self.offer.pk, self.people[person].pk, most, a_key()) for person, most in asks]
        before = {claim.learner_id for claim in self.offer.claims.live()}
        for request, result in zip(requests, actions.claim_seats(requests, at=self.at), strict=True):
            if isinstance(result, Taken) and result.is_new:
                assert request.learner_id not in before
                assert result.price <= request.max_price

    def do_release(self, person: int) -> None:
        if claim := self.mine(person):
            actions.release_claim(claim=claim, at=self.at)

    def do_pay(self, person: int) -> None:
        if claim := self.mine(person, "held"):
            actions.settle_claim(claim_id=claim.pk, generation=claim.generation, at=self.at)

    def do_pay_late(self, person: int) -> None:
        if claim := self.mine(person, "lapsed", "released"):
            settled = actions.settle_claim(claim_id=claim.pk, generation=claim.generation, at=self.at)
            assert settled.outcome == "no_seat" or settled.claim.price == claim.price
            again = actions.settle_claim(claim_id=claim.pk, generation=claim.generation, at=self.at)
            assert again.outcome == "no_seat" or again.claim.pk == settled.claim.pk or settled.outcome == "no_seat"

    def do_expect(self, person: int) -> None:
        if claim := self.mine(person, "held"):
            actions.expect_payment(claim=claim, at=self.at)

    def do_lapse(self, person: int) -> None:
        if claim := self.mine(person):
            actions.lapse_claim(claim=claim, at=self.at)

    def do_refund(self, person: int) -> None:
        if claim := self.mine(person):
            actions.refund_claim(claim=claim, at=self.at)

    def do_wait(self, person: int, most: int, turn: Turn) -> None:
        actions.join_waitlist(offer=self.offer, learner=self.people[person], max_price=most, at=self.at, turn=turn)

    def do_leave(self, person: int) -> None:
        actions.leave_waitlist(offer=self.offer, learner=self.people[person], at=self.at)

    def do_expire(self) -> None:
        actions.expire_claims(offer=self.offer, at=self.at)

    def do_grow(self, place: int) -> None:
        self.tiers = [{**step, "seats": step["seats"] + (place == here)} for here, step in enumerate(self.tiers)]
        actions.change_ladder(offer=self.offer, tiers=self.tiers, at=self.at)

    def do_pass(self, minutes: int) -> None:
        self.at += minutes * MINUTE

    def check(self) -> None:
        assert verify(self.offer) == []
        for claim in self.offer.claims.live():
            assert claim.price == PRICES[self.tiers[claim.tier.position]["price"]] <= claim.max_price
        shown = ladder(self.offer, self.at)
        assert shown.free == Seat.objects.filter(offer=self.offer, state=SeatState.FREE).count()
        assert shown.held == self.offer.claims.filter(state=ClaimState.HELD).count()


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(tiers=ladders, policy=st.sampled_from(["reopen", "void"]), script=st.lists(acts, max_size=20))
def test_nobody_is_charged_more_than_agreed_and_the_ledger_stays_in_order(tiers, policy, script):
    world = World(tiers, policy=policy)

    for act in script:
        world.do(*act)
        world.check()

    # When all is said: whoever waits and accepts the price of a free seat has been served by the next act.
    if world.offer.is_open(at=world.at):
        actions.serve_waitlist(offer=world.offer, at=world.at)
        shown = ladder(world.offer, world.at)
        line = WaitlistEntry.objects.waiting().filter(offer=world.offer)
        assert shown.current is None or not line.filter(max_price__gte=shown.price.minor).exists()
    world.check()
