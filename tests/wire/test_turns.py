"""Turns: whose they are, where they stand, and that anybody can draw an early place again."""

import hashlib
import hmac
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiying.wire import passes
from kaiying.wire.entry import entry_pass
from kaiying.wire.passes import BadPass, Keys
from kaiying.wire.turns import LIFE, PURPOSE, Arrivals, Turn, cookie_name, early_place, read_turn, turn_token

NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
SEED = "5eed" * 16


@dataclass
class Line:
    seed: str = SEED
    early: int = 0


@pytest.fixture(autouse=True)
def _secret():
    before = passes._secrets
    passes.configure("a secret that is long enough")
    yield
    passes._secrets = before


def read(token: str, *, offer_id: int = 3, learner_id: int = 7, at: datetime = NOON) -> Turn:
    return read_turn(token, offer_id=offer_id, learner_id=learner_id, at=at)


@pytest.mark.parametrize("turn", [Turn(3, 7), Turn(3, 7, 1203), Turn(3, 7, 0, 55)])
def test_a_turn_is_read_as_it_was_given(turn):
    token = turn_token(turn, at=NOON)

    assert read(token) == turn
    assert read(token).code == turn.code


def test_two_turns_have_two_cookies_and_two_codes():
    assert cookie_name(3) == "ky_turn_3"
    assert len({Turn(3, learner, number).code for learner in range(20) for number in (None, 1, 2)}) == 60


@pytest.mark.parametrize(
    ("why", "spoil"),
    [
        ("foreign", lambda: turn_token(Turn(3, 8, 1), at=NOON)),
        ("foreign", lambda: turn_token(Turn(4, 7, 1), at=NOON)),
        ("over", lambda: turn_token(Turn(3, 7, 1), at=NOON - LIFE)),
        ("signature", lambda: turn_token(Turn(3, 7, 1), at=NOON)[:-4] + "AAAA"),
        ("key", lambda: entry_pass(7)),
        ("shape", lambda: ""),
        ("shape", lambda: "a.b"),
        ("shape", lambda: "位置一"),
    ],
)
def test_a_turn_that_is_forged_foreign_or_over_is_no_turn(why, spoil):
    with pytest.raises(BadPass) as refused:
        read(spoil())

    assert refused.value.reason == why


def test_nobody_can_change_their_number():
    head, _dot, signature = turn_token(Turn(3, 7, 5_000), at=NOON).rpartition(".")
    payload = turn_token(Turn(3, 7, 1), at=NOON).split(".")[2]
    forged = ".".join([*head.split(".")[:2], payload, signature])

    with pytest.raises(BadPass):
        read(forged)


def test_the_key_of_turns_opens_nothing_else():
    with pytest.raises(BadPass):
        passes.read(turn_token(Turn(3, 7), at=NOON), key=Keys.of("entry"), at=NOON)
    assert passes.read(turn_token(Turn(3, 7), at=NOON), key=Keys.of(PURPOSE), at=NOON)["u"] == 7


def test_who_comes_after_the_opening_stands_behind_all_who_were_there_before():
    line = Line(early=500)

    assert [Turn(3, 7, number).place(line) for number in (0, 1, 9)] == [500, 501, 509]
    assert all(0 <= Turn(3, learner).place(line) < 500 for learner in range(1, 2_000))


def test_anybody_can_draw_an_early_place_again_from_the_published_seed():
    early = 123_456
    recomputed = int(hmac.new(SEED.encode(), b"3:7", hashlib.sha256).hexdigest(), 16) * early // 2**256

    assert early_place(SEED, 3, 7, early) == recomputed


@given(st.integers(1, 10**7), st.integers(1, 10**9), st.integers(1, 10**9), st.text("0123456789abcdef", min_size=8))
def test_an_early_place_lies_among_the_early_ones(early, offer, learner, seed):
    assert 0 <= early_place(seed, offer, learner, early) < early


@pytest.mark.figures
def test_arriving_early_makes_nobody_faster():
    people, seeds = 2_000, 200
    drawn = random.Random(1)
    ahead = first_tenth = 0
    for _turn in range(seeds):
        seed = f"{drawn.getrandbits(256):064x}"
        places = [early_place(seed, 3, learner, people) for learner in range(1, people + 1)]  # in the order they came
        half = people // 2
        ahead += sum(places[:half]) < sum(places[half:])
        first_tenth += sum(place < people // 10 for place in places[: people // 10])
    share = first_tenth / (seeds * people / 10)

    assert 0.35 < ahead / seeds < 0.65
    assert 0.09 < share < 0.11
    print(
        f"\n  {seeds} seeds, {people} people: who came in the first half stood before the others in {ahead / seeds:.0%};"
        f" of the first tenth to come {share:.1%} stood in the first tenth (10 % is chance)"
    )


@pytest.mark.figures
def test_early_places_are_spread_evenly():
    people, buckets = 100_000, 100
    counts = Counter(early_place(SEED, 1, learner, people) * buckets // people for learner in range(people))
    expected = people / buckets
    chi = sum((counts[bucket] - expected) ** 2 / expected for bucket in range(buckets))

    assert chi < 150  # 99 degrees of freedom: 148.2 is exceeded once in a thousand
    print(f"\n  {people:,} people over {buckets} hundredths of the line: χ² {chi:.0f} (99 expected, 148 at 0.1 %)")


def test_each_person_arrives_once():
    arrivals = Arrivals(most=3)
    for learner in (1, 1, 2, 1, 2):
        arrivals.note(3, learner)
    arrivals.note(4, 1)

    assert (arrivals.take(3), arrivals.take(3), arrivals.take(4)) == ((2, 0), (0, 0), (1, 0))
    arrivals.give_back(3, 2, 1)
    arrivals.note(3, 9, walked=True)
    arrivals.note(3, 9, walked=True)
    assert (arrivals.walked(3), arrivals.has(3, 9), arrivals.has(4, 9)) == (2, True, False)
    assert arrivals.take(3) == (3, 2)
