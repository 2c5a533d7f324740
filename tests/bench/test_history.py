"""The judge finds every kind of violation that is planted, and none in a history that is well."""

import json
import random
from dataclasses import asdict, replace

import pytest

from bench.gate.history import Operation, judge, read_history
from bench.gate.tables import Row, Tables, Tier

LADDER = {280: 2, 9900: 2}
FIRST, STANDARD = 1, 2


def asked(who, t0, status=201, *, seat=None, took=0.1, key=None, **other):
    price = (280 if seat <= 2 else 9900) if seat else None
    told = {"key": key or f"key-{who}", "max_price": 9900, "seat": seat, "price": price} | other
    return Operation(who=who, t0=t0, t1=t0 + took, status=status, **told)


def sold_out(who, t0, **other):
    return asked(who, t0, 409, code="sold_out", **other)


def row(learner, seat, *, state="held", **other):
    tier, price = (FIRST, 280) if seat <= 2 else (STANDARD, 9900)
    facts = {"tier": tier, "price": price, "max_price": 9900, "key": f"key-{learner}", "held_until": 900.0} | other
    return Row(learner=learner, seat=seat, state=state, **facts)


def tables(*claims, seats=4, states=None):
    live = {claim.seat: claim for claim in claims if claim.is_live}
    places = {}
    for number in range(1, seats + 1):
        tier = FIRST if number <= 2 else STANDARD
        places[number] = (live[number].state, live[number].tier) if number in live else ("free", tier)
    used = {tier: sum(claim.tier == tier for claim in claims if claim.is_live) for tier in (FIRST, STANDARD)}
    tiers = {FIRST: Tier(FIRST, 280, 2, used[FIRST]), STANDARD: Tier(STANDARD, 9900, seats - 2, used[STANDARD])}
    return Tables(seats, tiers, places | (states or {}), list(claims))


FULL = [row(1, 1), row(2, 2), row(3, 3), row(4, 4)]
ALL_FOUR = [asked(who, who / 10, seat=who) for who in (1, 2, 3, 4)]


def kinds(history, final, **how):
    return dict(judge(history, final, **how).violations)


def test_a_history_that_is_well_has_no_violation():
    history = [*ALL_FOUR, asked(1, 2.0, 200, seat=1), sold_out(5, 3.0), asked(6, 3.0, 503), asked(7, 3.0, 0)]

    verdict = judge(history, tables(*FULL), ladder=LADDER)

    assert (verdict.violations, verdict.trials, verdict.unknown, verdict.inversions) == ({}, 8, 1, 0)


def test_an_outcome_nobody_knows_may_have_happened_or_not():
    history = [asked(1, 0.0, 0), asked(2, 0.0, 0)]

    assert kinds(history, tables(row(1, 1))) == {}


def test_a_retry_after_an_unknown_outcome_may_find_the_seat_it_already_had():
    history = [asked(1, 0.0, 0, took=5), asked(1, 6.0, 200, seat=1)]

    assert kinds(history, tables(row(1, 1))) == {}


def test_more_seats_than_there_are():
    claims = [*FULL, row(5, 5)]
    final = tables(*claims, seats=4, states={5: ("held", STANDARD)})

    found = kinds([*ALL_FOUR, asked(5, 1.0, seat=5)], final)

    assert found == {"oversold": 1, "tier_oversold": 1}


def test_more_seats_at_a_price_than_the_ladder_has():
    cheap = row(3, 3, tier=FIRST, price=280)
    final = tables(row(1, 1), row(2, 2), cheap)
    final.tiers[FIRST] = Tier(FIRST, 280, 3, 3)  # a product that moves the bound along is caught by the ladder

    found = kinds([*ALL_FOUR[:2], asked(3, 0.3, seat=3, price=280)], final, ladder=LADDER)

    assert found == {"tier_oversold": 1}


def test_a_seat_with_two_live_claims():
    final = tables(row(1, 1), row(2, 1))

    found = kinds([asked(1, 0.1, seat=1), asked(2, 0.2, seat=1)], final)

    assert found == {"seat_twice": 2, "seat_differs": 1}


def test_a_learner_with_two_live_claims():
    final = tables(row(1, 1), row(1, 2, key="key-other"))

    found = kinds([asked(1, 0.1, seat=1), asked(1, 0.2, 0, key="key-other")], final)

    assert found == {"learner_twice": 1}


def test_one_key_that_made_two_claims():
    final = tables(row(1, 1, state="released"), row(1, 2))
    released = Operation(who=1, t0=0.5, t1=0.6, status=200, op="release")

    found = kinds([asked(1, 0.1, 0), released, asked(1, 1.0, 0)], final)

    assert found == {"duplicate": 1}


def test_a_seat_that_was_told_and_is_lost():
    assert kinds(ALL_FOUR, tables(*FULL[:3])) == {"lost": 1}


def test_a_seat_that_became_another_one():
    assert kinds([asked(1, 0.1, seat=2)], tables(row(1, 1))) == {"lost": 1}


def test_a_price_that_is_not_the_one_that_was_told():
    assert kinds([asked(3, 0.1, seat=3, price=280)], tables(row(3, 3))) == {"price_differs": 1}


def test_a_price_above_what_the_buyer_agreed_to():
    history = [asked(3, 0.1, seat=3, max_price=280)]

    assert kinds(history, tables(row(3, 3, max_price=280))) == {"surprise_price": 2}


def test_a_price_that_is_not_its_tiers():
    assert kinds([asked(3, 0.1, seat=3, price=5000)], tables(row(3, 3, price=5000))) == {"wrong_price": 1}


def test_a_claim_whose_seat_is_free():
    final = tables(row(1, 1), states={1: ("free", FIRST)})

    assert kinds([asked(1, 0.1, seat=1)], final) == {"seat_differs": 2}


def test_a_count_that_drifted_from_the_claims():
    final = tables(row(1, 1))
    final.tiers[FIRST] = replace(final.tiers[FIRST], used=2)

    assert kinds([asked(1, 0.1, seat=1)], final) == {"count_differs": 1}


def test_a_seat_nobody_asked_for():
    assert kinds([], tables(row(9, 1))) == {"phantom": 1}


def test_a_claim_for_another_price_than_was_asked():
    assert kinds([asked(1, 0.1, seat=1)], tables(row(1, 1, max_price=500))) == {"phantom": 1}


def test_one_key_answered_with_two_seats():
    history = [asked(1, 0.1, seat=1), asked(1, 1.0, 200, seat=2)]

    assert kinds(history, tables(row(1, 1))) == {"two_answers": 1, "lost": 1}


def test_two_seats_told_to_one_learner():
    history = [asked(1, 0.1, seat=1), asked(1, 1.0, seat=2, key="key-other")]
    final = tables(row(1, 1, state="lapsed", ended_at=901.0), row(1, 2, key="key-other"))

    assert kinds(history, final, hold=900) == {"two_seats": 1}


def test_a_seat_told_to_a_second_person_while_the_first_still_had_it():
    history = [asked(1, 0.1, seat=1), asked(2, 5.0, seat=1)]
    final = tables(row(1, 1, state="lapsed", ended_at=901.0), row(2, 1))

    assert kinds(history, final, hold=60) == {"seat_twice": 1}
    assert kinds([history[0], replace(history[1], t0=61.0, t1=61.1)], final, hold=60) == {}


def test_a_seat_that_was_paid_for_and_given_away_when_its_hold_was_over():
    paid = Operation(who=1, t0=1.0, t1=1.1, status=200, op="pay")
    history = [asked(1, 0.1, seat=1), paid, asked(2, 99.0, seat=1)]
    final = tables(row(1, 1, state="lapsed", ended_at=901.0), row(2, 1))

    assert kinds(history, final, hold=60) == {"seat_twice": 1, "ended_early": 1}


def test_a_hold_that_ended_before_its_time():
    final = tables(row(1, 1, state="lapsed", ended_at=500.0, held_until=900.0))

    assert kinds([asked(1, 0.1, seat=1)], final, hold=900) == {"ended_early": 1}


def test_a_seat_that_nobody_let_go():
    assert kinds([asked(1, 0.1, seat=1)], tables(row(1, 1, state="released"))) == {"ended_early": 1}


def test_sold_out_told_to_somebody_who_has_a_seat():
    history = [*ALL_FOUR, sold_out(1, 2.0), asked(1, 3.0, 200, seat=1)]

    assert kinds(history, tables(*FULL)) == {"sold_out_with_seat": 1}


def test_sold_out_as_the_last_word_to_somebody_who_has_a_seat():
    history = [*ALL_FOUR[:3], asked(4, 0.4, 0), sold_out(4, 1.0)]

    assert kinds(history, tables(*FULL)) == {"sold_out_with_seat": 1}


def test_sold_out_while_a_seat_was_free_all_the_while():
    history = [*ALL_FOUR[:3], sold_out(5, 1.0), asked(4, 2.0, seat=4)]

    assert kinds(history, tables(*FULL)) == {"sold_out_with_free": 1}


def test_sold_out_while_the_last_seat_may_just_have_been_taken_is_right():
    history = [*ALL_FOUR[:3], sold_out(5, 1.0, took=2.0), asked(4, 2.0, seat=4, took=5.0)]

    assert kinds(history, tables(*FULL)) == {}


def test_sold_out_from_memory_after_a_seat_came_back():
    released = Operation(who=4, t0=1.0, t1=1.1, status=200, op="release")
    final = tables(*FULL[:3], row(4, 4, state="released"))

    assert kinds([*ALL_FOUR, released, sold_out(5, 2.0)], final) == {"sold_out_with_free": 1}
    assert kinds([*ALL_FOUR, released, sold_out(5, 1.05)], final) == {}


def test_a_price_that_moved_while_cheap_seats_were_free():
    moved = asked(5, 1.0, 412, code="price_moved", max_price=280)

    assert kinds([ALL_FOUR[0], moved, asked(2, 2.0, seat=2)], tables(*FULL[:2])) == {"price_moved_with_free": 1}
    assert kinds([*ALL_FOUR[:2], moved], tables(*FULL[:2])) == {}


def test_who_was_overtaken_by_more_than_a_second_is_counted():
    history = [asked(1, 0.0, seat=2, took=3.0), asked(2, 1.5, seat=1)]
    final = tables(row(1, 2), row(2, 1))

    verdict = judge(history, final)

    assert (verdict.inversions, verdict.count) == (1, 0)
    assert judge([history[0], replace(history[1], t0=0.9)], final).inversions == 0


def test_a_retry_is_as_old_as_its_first_try():
    history = [asked(2, 0.0, 0), asked(1, 0.5, seat=2), asked(2, 5.0, 200, seat=1)]

    assert judge(history, tables(row(1, 2), row(2, 1))).inversions == 0


@pytest.mark.parametrize("seed", range(20))
def test_every_history_of_a_ledger_that_keeps_its_promises_passes(seed):
    """A sale in memory that is right by construction: random delays, lost answers, retries."""
    dice = random.Random(seed)
    seats, moment, history, taken = 4, 0.0, [], {}
    for turn in range(60):
        who, moment = dice.randrange(1, 8), moment + dice.random()
        t0, t1 = moment - dice.random() * 2, moment + dice.random() * 2
        if dice.random() < 0.2:
            if dice.random() < 0.5 and who not in taken and len(taken) < seats:
                taken[who] = len(taken) + 1
            history.append(Operation(who=who, t0=t0, t1=t1, status=0, key=f"key-{who}", max_price=9900, n=turn))
            continue
        is_new = who not in taken and len(taken) < seats
        if is_new:
            taken[who] = len(taken) + 1
        seat = taken.get(who)
        history.append(
            asked(who, t0, 201 if is_new else 200, seat=seat, took=t1 - t0) if seat else sold_out(who, t0, took=t1 - t0)
        )

    verdict = judge(history, tables(*(row(who, seat) for who, seat in taken.items())), ladder=LADDER)

    assert verdict.shown == []


def test_a_history_is_read_from_lines(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in ALL_FOUR), encoding="utf-8")

    assert read_history(path) == ALL_FOUR
