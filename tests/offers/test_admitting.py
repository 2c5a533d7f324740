"""The waiting room: how far the line is, who may ask, and what no crowd and no outage can do to it."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F

from kaiying.offers.actions import admitting, reserve
from kaiying.offers.actions.admitting import Given, TurnRequest, come_in, let_in, take_turns
from kaiying.offers.actions.pacing import forget_payment_pace, note_payment_pace, payment_capacity
from kaiying.offers.models import Admission, Offer, PriceTier
from kaiying.offers.vocabulary import Closed, NoSuchOffer, ReserveRequest, SoldOut, TooEarly
from kaiying.people.models import User
from kaiying.wire.turns import arrivals, early_place, turn_token
from tests.factories.offers import MINUTE, OPENS, a_claim, an_offer
from tests.factories.people import UserFactory
from tests.offers.crowds import rush

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _fresh():
    forget_payment_pace()
    arrivals.__init__()


def a_line(*, rate: int | None = 10, reserved: int = 0, seats: int = 1_000, **facts) -> Offer:
    offer = an_offer(first=seats, standard=None, **facts)
    Admission.objects.filter(pk=offer.pk).update(rate=rate)
    Offer.objects.filter(pk=offer.pk).update(reserved=reserved)
    return Offer.objects.get(pk=offer.pk)


def line_of(offer: Offer) -> Admission:
    return Admission.objects.get(pk=offer.pk)


def after(seconds: float) -> datetime:
    return OPENS + timedelta(seconds=seconds)


def advance(offer: Offer, seconds: float) -> int:
    return let_in([offer.pk], at=after(seconds))[offer.pk].threshold


def come(offer: Offer, count: int, seconds: float) -> list[Given]:
    return take_turns([TurnRequest(offer.pk, learner) for learner in range(1, count + 1)], at=after(seconds))


def in_at_once(offer: Offer, count: int, seconds: float) -> int:
    """How many of ``count`` newcomers walk straight through."""
    return sum(turn.place(line) < line.threshold for turn, line in come(offer, count, seconds))


def test_every_offer_has_a_waiting_room_with_a_seed_nobody_knows():
    one, two = an_offer(), an_offer()

    assert line_of(one).seed != line_of(two).seed
    assert len(line_of(one).seed) == 64
    assert line_of(one).revealed(at=OPENS - SECOND) is None
    assert line_of(one).revealed(at=OPENS) == line_of(one).seed


def test_before_the_opening_nobody_is_let_in_and_no_number_is_given():
    offer = a_line(reserved=50)

    assert advance(offer, -1) == 0
    assert [type(answer) for answer in come(offer, 2, -1)] == [TooEarly, TooEarly]
    assert line_of(offer).advanced_at is None


def test_the_opening_settles_how_many_were_early_and_lets_the_first_second_in():
    offer = a_line(reserved=500)

    threshold = advance(offer, 0)
    Offer.objects.filter(pk=offer.pk).update(reserved=900)
    advance(offer, 1)

    line = line_of(offer)
    assert (threshold, line.early, line.threshold) == (10, 500, 20)


def test_the_line_moves_by_the_rate_once_a_second():
    offer = a_line(reserved=500)

    moved = [advance(offer, moment) for moment in (0, 0.4, 0.9, 1.0, 1.5, 2.0, 3.0)]

    assert moved == [10, 10, 10, 20, 20, 30, 40]


def test_a_slow_rate_is_not_rounded_down(monkeypatch):
    monkeypatch.setattr(admitting, "MOST_FASTER", 1.0)  # nobody comes here, and nobody shall be skipped
    offer = a_line(rate=1, reserved=500)
    advance(offer, 0)

    for tick in range(1, 100):
        advance(offer, tick * 1.3)

    assert line_of(offer).threshold == 1 + int(99 * 1.3)


def test_late_turns_stand_behind_the_early_ones_in_the_order_they_came():
    offer = a_line(reserved=500)
    advance(offer, 0)

    first, second = come(offer, 3, 1), come(offer, 2, 2)

    assert [given.turn.number for given in [*first, *second]] == [0, 1, 2, 3, 4]
    assert [given.turn.place(given.line) for given in second] == [503, 504]
    assert line_of(offer).issued == 5


def test_who_comes_to_an_empty_line_walks_straight_through():
    offer = a_line(rate=10)

    through = [in_at_once(offer, 8, second) for second in range(60)]

    assert through == [8] * 60


def test_a_quiet_hour_saves_nothing_up():
    offer = a_line(rate=10)
    advance(offer, 0)
    come(offer, 3, 1)

    through = [in_at_once(offer, 300, 3_600), in_at_once(offer, 300, 3_600.2), in_at_once(offer, 300, 3_600.9)]
    a_second_later = advance(offer, 3_601) - 3

    assert through == [10, 0, 0]
    assert a_second_later == 20


def test_an_outage_is_not_made_up_for_in_a_rush():
    offer = a_line(rate=10, reserved=10_000)
    before = advance(offer, 0)

    assert advance(offer, 600) - before == 3 * 10


def test_after_an_outage_the_next_second_is_a_second():
    offer = a_line(rate=10, reserved=10_000)
    advance(offer, 0)
    advance(offer, 600)

    assert advance(offer, 600.5) == 40
    assert advance(offer, 601) == 50


def test_a_paused_line_stands_still_and_goes_on_where_it_was():
    offer = a_line(reserved=10_000)
    advance(offer, 0)
    Admission.objects.filter(pk=offer.pk).update(paused_at=after(1))
    stood = [advance(offer, moment) for moment in (1, 2, 60)]

    Admission.objects.filter(pk=offer.pk).update(paused_at=None)

    assert stood == [10, 10, 10]
    assert [advance(offer, 61), advance(offer, 62)] == [40, 50]


def test_a_line_that_is_paused_before_the_opening_lets_nobody_in():
    offer = a_line(reserved=100)
    Admission.objects.filter(pk=offer.pk).update(paused_at=after(-60))

    assert advance(offer, 0) == 0
    assert line_of(offer).early == 100


def test_a_sale_that_is_sold_out_or_over_lets_nobody_in():
    sold_out, over = a_line(reserved=100), a_line(reserved=100, closes_at=after(5))
    for offer in (sold_out, over):
        advance(offer, 0)
    PriceTier.objects.filter(offer=sold_out).update(paid=F("capacity"))

    assert [advance(sold_out, 10), advance(over, 10)] == [10, 10]
    assert [type(answer) for answer in (*come(sold_out, 1, 10), *come(over, 1, 10))] == [SoldOut, Closed]


def test_an_offer_that_is_not_there_gives_no_number():
    assert [type(answer) for answer in take_turns([TurnRequest(999, 1)], at=OPENS)] == [NoSuchOffer]


def test_a_batch_over_two_lines_answers_in_the_order_it_was_asked():
    one, two = a_line(), a_line()
    asked = [TurnRequest(offer.pk, learner) for learner in (1, 2) for offer in (one, two)]

    answers = take_turns(asked, at=OPENS)

    assert [(given.turn.offer_id, given.turn.learner_id, given.turn.number) for given in answers] == [
        (one.pk, 1, 0), (two.pk, 1, 0), (one.pk, 2, 1), (two.pk, 2, 1),
    ]  # fmt: skip


def test_a_hundred_arrivals_cost_as_many_statements_as_one(django_assert_num_queries):
    offer = a_line()
    come(offer, 1, 0)

    with django_assert_num_queries(4):
        come(offer, 100, 5)


# --- who may ask --------------------------------------------------------------------------------------------------


def ask(offer: Offer, learner: User, *, token: str = "", seconds: float = 0):
    return come_in(offer=offer, learner=learner, token=token, at=after(seconds))


def test_a_person_with_a_reservation_has_an_early_turn_on_every_device():
    offer, learner = a_line(), UserFactory()
    reserve([ReserveRequest(offer.slug, learner.pk, standing=True)], at=after(-600))
    Offer.objects.filter(pk=offer.pk).update(reserved=5_000)

    way = ask(offer, learner)

    assert way.turn.is_early
    assert way.turn.place(way.line) == early_place(way.line.seed, offer.pk, learner.pk, 5_000)
    assert line_of(offer).issued == 0


def test_a_late_number_gives_way_to_a_reservation():
    offer, learner = a_line(reserved=5_000), UserFactory()
    [given] = take_turns([TurnRequest(offer.pk, learner.pk)], at=OPENS)
    reserve([ReserveRequest(offer.slug, learner.pk, standing=True)], at=after(-600))

    assert ask(offer, learner, token=turn_token(given.turn, at=OPENS), seconds=1).turn.is_early


def test_a_reservation_that_was_taken_back_is_worth_nothing():
    offer, learner = a_line(reserved=5_000), UserFactory()
    reserve([ReserveRequest(offer.slug, learner.pk, standing=True)], at=after(-600))
    reserve([ReserveRequest(offer.slug, learner.pk, standing=False)], at=after(-500))

    assert ask(offer, learner).turn.number == 0


def test_a_turn_is_kept_over_reload_restart_and_pause():
    offer, learner = a_line(reserved=500), UserFactory()
    first = ask(offer, learner)
    token = turn_token(first.turn, at=OPENS)

    again = [ask(offer, learner, token=token, seconds=later).turn for later in (1, 20, 30)]

    assert again == [first.turn] * 3
    assert line_of(offer).issued == 1


def test_a_turn_of_somebody_else_or_of_another_offer_is_a_new_number():
    offer, other, learner = a_line(reserved=500), a_line(reserved=500), UserFactory()
    mine = ask(offer, learner).turn
    stolen = turn_token(mine, at=OPENS)

    assert ask(offer, UserFactory(), token=stolen).turn.number == 1
    assert ask(other, learner, token=stolen).turn.number == 0


def test_a_second_device_waits_longer_and_one_person_still_has_one_seat():
    offer, learner = a_line(reserved=500), UserFactory()
    phone, laptop = ask(offer, learner).turn, ask(offer, learner).turn

    assert (phone.number, laptop.number) == (0, 1)
    assert a_claim(offer, learner=learner) == a_claim(offer, learner=learner)


def test_who_waits_is_let_in_when_the_line_has_come_to_them():
    offer, learner = a_line(rate=10, reserved=95), UserFactory()
    first = ask(offer, learner)
    token = turn_token(first.turn, at=OPENS)

    let = [ask(offer, learner, token=token, seconds=second).is_in for second in range(1, 11)]

    assert first.is_in is False
    assert let == [False] * 8 + [True] * 2


def test_who_holds_a_seat_may_always_come_back_for_it():
    offer, learner = a_line(reserved=500), UserFactory()
    a_claim(offer, learner=learner)

    assert ask(offer, learner).is_in is True


def test_where_there_is_no_line_anybody_may_ask():
    lifted, early, over = a_line(reserved=500), a_line(reserved=500), a_line(reserved=500, closes_at=after(60))
    Admission.objects.filter(pk=lifted.pk).update(lifted_at=OPENS)
    learner = UserFactory()

    ways = [ask(lifted, learner), ask(early, learner, seconds=-5), ask(over, learner, seconds=61)]

    assert [(way.is_in, way.turn) for way in ways] == [(True, None)] * 3


# --- how fast -----------------------------------------------------------------------------------------------------


def test_the_operators_number_goes_before_what_was_measured():
    line = line_of(a_line(rate=None))
    assert line.pace == 200
    line.measured = 40
    assert line.pace == 40
    line.rate = 3
    assert line.pace == 3


def test_what_payments_bear_is_how_many_calls_are_answered_in_a_second():
    assert payment_capacity(at=OPENS) is None
    for _call in range(10):
        note_payment_pace(seconds=0.1, at=OPENS)

    assert payment_capacity(at=OPENS + MINUTE) == 80
    assert payment_capacity(at=OPENS + 4 * MINUTE) is None


@pytest.mark.parametrize(("seconds", "people"), [(30.0, 5), (0.0, 1_000), (2.0, 5), (0.02, 400)])
def test_what_was_measured_is_kept_within_bounds(seconds, people):
    for _call in range(5):
        note_payment_pace(seconds=seconds, at=OPENS)

    assert payment_capacity(at=OPENS) == people


def test_a_provider_that_slows_down_slows_the_line_and_every_process_goes_by_it():
    offer = a_line(rate=None, reserved=100_000)
    advance(offer, 0)
    for _call in range(20):
        note_payment_pace(seconds=0.4, at=after(1))

    advance(offer, 1)
    forget_payment_pace()  # the next step is another process's, which has called nobody
    before = advance(offer, 2)

    assert line_of(offer).measured == 20
    assert advance(offer, 3) - before == 20


def people_come(offer: Offer, share: float, seconds: int, *, lag: int = 4) -> list[int]:
    """Let time pass; of each place let in, ``share`` of the people come ``lag`` seconds later. Returns who came when."""
    counted, came = [advance(offer, 0)], []
    for second in range(1, seconds):
        ready = counted[max(0, second - lag)]
        arriving = int(ready * share) - sum(came)
        came.append(arriving)
        arrivals._came[offer.pk] += arriving
        counted.append(advance(offer, second))
    return came


@pytest.mark.figures
def test_people_who_do_not_come_do_not_slow_the_line():
    offer = a_line(rate=50, reserved=100_000)

    came = people_come(offer, 0.1, 240)

    last = came[-30:]
    line = line_of(offer)
    assert 40 <= sum(last) / 30 <= 60
    assert max(came) <= 100
    print(
        f"\n  100,000 places of which one in ten comes, 50 a second: after {240} s {line.threshold:,} places are through"
        f" (without looking: {240 * 50:,}), {sum(last) / 30:.0f} people a second came in the last 30 s, at most {max(came)}"
    )


def test_when_everybody_comes_the_line_keeps_its_rate():
    offer = a_line(rate=50, reserved=100_000)

    people_come(offer, 1.0, 120)

    assert line_of(offer).speed == 1.0
    assert line_of(offer).threshold == 120 * 50


def test_the_haste_ends_with_the_early_places():
    offer = a_line(rate=10, reserved=300)
    advance(offer, 0)
    come(offer, 500, 0)
    Admission.objects.filter(pk=offer.pk).update(speed=40.0, threshold=290)

    assert [advance(offer, 1), advance(offer, 2)] == [300, 310]
    assert line_of(offer).speed == 1.0


# --- races --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.figures
def test_two_processes_that_advance_at_once_let_one_second_in():
    offer = a_line(rate=10, reserved=100_000)
    advance(offer, 0)

    for second in range(1, 11):
        rush(lambda _turn, at=second: advance(offer, at), range(16))

    assert line_of(offer).threshold == 110
    print(f"\n  {connection.vendor}: 8 threads advanced a line 160 times within 10 s: 11 seconds of people were let in")


@pytest.mark.django_db(transaction=True)
@pytest.mark.figures
def test_twin_that_does_not_compare_lets_the_same_second_in_twice(monkeypatch):
    offer = a_line(rate=10, reserved=100_000)
    advance(offer, 0)

    def naive(line: Admission, at: datetime) -> Admission:
        changes = admitting._step(line, at)
        if changes:
            moved = changes["threshold"] - line.threshold
            Admission.objects.filter(pk=line.pk).update(threshold=F("threshold") + moved, advanced_at=at)
        return line

    monkeypatch.setattr(admitting, "_advance", naive)
    for second in range(1, 11):
        rush(lambda _turn, at=second: advance(offer, at), range(16))

    threshold = line_of(offer).threshold
    assert threshold > 110
    print(f"\n  {connection.vendor}, twin without the comparison: {threshold} let in instead of 110")


@pytest.mark.django_db(transaction=True)
def test_no_number_is_given_twice():
    offer = a_line(rate=10)

    batches = rush(lambda turn: come(offer, 1 + turn % 7, 1), range(120))

    numbers = [given.turn.number for batch in batches for given in batch]
    assert sorted(numbers) == list(range(len(numbers)))
    assert line_of(offer).issued == len(numbers)
