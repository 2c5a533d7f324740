"""How true the estimate of a wait is: ten thousand people in virtual time."""

import random
from datetime import timedelta

import pytest

from kaiying.offers.actions.admitting import TurnRequest, let_in, take_turns
from kaiying.offers.models import Admission, Offer
from kaiying.offers.queries import ladder
from kaiying.offers.queries.queue import Queue, Sale
from kaiying.wire.turns import Turn, arrivals
from tests.factories.offers import OPENS, an_offer

pytestmark = [pytest.mark.django_db, pytest.mark.figures]
EARLY, LATE, RATE = 8_000, 2_000, 50


@pytest.mark.parametrize(("share", "allowed"), [(1.0, 0.05), (0.6, 0.4)])
def test_ten_thousand_people_are_told_how_long_they_will_wait(share, allowed):
    arrivals.__init__()
    offer = an_offer(first=20_000, standard=None)
    Admission.objects.filter(pk=offer.pk).update(rate=RATE)
    Offer.objects.filter(pk=offer.pk).update(reserved=EARLY)
    dice = random.Random(7)
    turns = [Turn(offer.pk, learner) for learner in range(1, EARLY + 1) if dice.random() < share]
    places, waits, told, let = {}, {}, {}, []
    shown = ladder(offer, OPENS)

    for second in range(400):
        at = OPENS + timedelta(seconds=second)
        line = let_in([offer.pk], at=at)[offer.pk]
        if second < 100:
            asked = [TurnRequest(offer.pk, EARLY + second * 20 + one + 1) for one in range(20)]
            turns += [given.turn for given in take_turns(asked, at=at)]
        places |= {turn.learner_id: turn.place(line) for turn in turns if turn.learner_id not in places}
        now_in = [one for one, place in places.items() if one not in waits and place < line.threshold]
        for learner in now_in:
            waits[learner] = second
            arrivals.note(offer.pk, learner)
        let.append(len(now_in))
        if second == 40:
            for turn in turns:
                seen = Queue(Sale(offer, shown), line, turn, at)
                if turn.learner_id not in waits:
                    told[turn.learner_id] = seen.number / seen.per_second
        if len(waits) == len(turns) and second > 100:
            break

    errors = sorted(told[one] / max(1, waits[one] - 40) - 1 for one in told if waits[one] >= 70)
    median, worst = errors[len(errors) // 2], max(map(abs, errors))
    assert len(waits) == len(turns)
    assert worst <= allowed
    assert max(let) <= 2 * RATE
    print(
        f"\n  {len(turns):,} of {EARLY + LATE:,} came, {RATE} a second: all in after {second} s, at most {max(let)} in a"
        f" second; told after 40 s how long they wait (30 s and more): median error {median:+.0%}, worst {worst:.0%}"
    )
