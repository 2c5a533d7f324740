"""The waiting room: who may ask for a seat now, and how fast the line moves.

A place is a number on one line (``wire.turns``); places below the threshold are in. The threshold moves at most once a
second for all processes together, by the rate, and never stands more than one second of the rate ahead of the last
number given out: a quiet hour saves nothing up, and who comes to an empty line walks straight through.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from kaiying.kit.errors import Refused
from kaiying.offers.actions.operating import log_act
from kaiying.offers.actions.pacing import note_payment_pace, payment_capacity
from kaiying.offers.models import Act, Admission, Offer, PriceTier, Reservation
from kaiying.offers.queries import live_claim
from kaiying.offers.vocabulary import ActKind, Closed, NoSuchOffer, SoldOut, TooEarly
from kaiying.people.models import User
from kaiying.wire.passes import BadPass
from kaiying.wire.turns import Turn, arrivals, read_turn

SECOND = timedelta(seconds=1)
LONGEST = 3.0
"""Seconds that one step may make up for, when nobody was there to let people in: after an outage there is no rush."""
MARK_SECONDS = 10
MARKS = 4
"""Marks of how far the line was, kept to tell its pace and who came: those of the last thirty to forty seconds."""
MOST_FASTER = 50.0
NOTICEABLE = 1.2
"""How many times more places than people make a difference; below it is the unevenness of any crowd."""
ENOUGH = 20
"""Places that must have been let in before we judge how many of their people came."""


class TurnRequest(NamedTuple):
    """A learner without a turn comes to the door of an offer."""

    offer_id: int
    learner_id: int


class Given(NamedTuple):
    """A turn that was given out, and the line as it was then."""

    turn: Turn
    line: Admission


class Way(NamedTuple):
    """Whether somebody may ask for a seat now; the turn to keep, if they have one, and the line."""

    is_in: bool
    turn: Turn | None
    line: Admission | None


def let_in(offer_ids: Iterable[int], *, at: datetime) -> dict[int, Admission]:
    """Let the next people in, where a second has passed; returns the lines of these offers as they stand.

    However many processes ask, a line moves once a second: the step is written only where ``advanced_at`` is still
    what was read.
    """
    return {line.pk: _advance(line, at) for line in _lines(offer_ids)}


def take_turns(requests: Sequence[TurnRequest], *, at: datetime) -> list[Given | Refused]:
    """Give each of these the next number of their line, in their order; no row is written for a number.

    Numbers are taken under the lock of the line, so across processes they are in the order of the asking, but for the
    time a batch takes. Refused where there is no line to stand in: before the opening, at the end, with no seat left.
    """
    given: dict[int, Given | Refused] = {}
    by_offer: dict[int, list[int]] = defaultdict(list)
    for place, request in enumerate(requests):
        by_offer[request.offer_id].append(place)
    with transaction.atomic():
        lines = {line.pk: line for line in _lines(by_offer).select_for_update(of=("self",))}
        for offer_id, places in by_offer.items():
            line = lines.get(offer_id)
            refused = NoSuchOffer() if line is None else _turn_away(line, at)
            if line is None or refused:
                given |= dict.fromkeys(places, refused or NoSuchOffer())
                continue
            first = _hand_out(line, len(places), at=at)
            for step, place in enumerate(places):
                turn = Turn(offer_id, requests[place].learner_id, first + step, line.reached)
                given[place] = Given(turn, line)
    return [given[place] for place in range(len(requests))]


def turn_of(*, offer: Offer, learner: User, token: str, at: datetime) -> Turn | None:
    """Return the best turn somebody has: that of their cookie, or an early one by their reservation."""
    try:
        turn = read_turn(token, offer_id=offer.pk, learner_id=learner.pk, at=at)
    except BadPass:
        turn = None
    if turn is not None and turn.is_early:
        return turn
    reserved = Reservation.objects.standing().filter(learner=learner, offer=offer, reserved_at__lt=offer.opens_at)
    return Turn(offer.pk, learner.pk) if reserved.exists() else turn


def come_in(*, offer: Offer, learner: User, token: str, at: datetime) -> Way:
    """Tell whether this learner may ask for a seat now.

    Who has no turn walks through while nobody waits, and takes the next number while there is a line.

    Where there is no line (switched off, before the opening, sold out, over) anybody may ask: the ledger says the rest.
    """
    line = let_in([offer.pk], at=at).get(offer.pk)
    if line is None or line.lifted_at or _turn_away(line, at):
        return Way(is_in=True, turn=None, line=line)
    if arrivals.has(offer.pk, learner.pk):
        return Way(is_in=True, turn=None, line=line)  # who is in stays in
    turn = turn_of(offer=offer, learner=learner, token=token, at=at)
    if turn is None and line.threshold - line.end > arrivals.walked(offer.pk):
        arrivals.note(offer.pk, learner.pk, walked=True)
        return Way(is_in=True, turn=None, line=line)
    if turn is None:
        [given] = take_turns([TurnRequest(offer.pk, learner.pk)], at=at)
        if isinstance(given, Refused):
            return Way(is_in=True, turn=None, line=line)
        turn, line = given
    if turn.place(line) < line.threshold:
        arrivals.note(offer.pk, learner.pk)
        return Way(is_in=True, turn=turn, line=line)
    return Way(is_in=live_claim(offer, learner) is not None, turn=turn, line=line)


@transaction.atomic
def lift_waiting_room(*, offer: Offer, lifted: bool, by: User, reason: str, at: datetime) -> Act:
    """Switch the waiting room off, so that whoever asks is let in, or on again; doing so twice is two acts.

    For operators who trust the ledger to answer everybody: the door then asks nothing but this.
    """
    Admission.objects.filter(pk=offer.pk).update(lifted_at=at if lifted else None)
    return log_act(offer, ActKind.LIFT if lifted else ActKind.RESTORE, by=by, reason=reason, at=at)


@contextmanager
def payments_timed(*, at: datetime) -> Iterator[None]:
    """Measure a call to a payment provider, answered or not: how many people are let in follows what it can bear."""
    begun = time.monotonic()
    try:
        yield
    finally:
        note_payment_pace(seconds=time.monotonic() - begun, at=at)


def _lines(offer_ids: Iterable[int]) -> Any:
    seats = PriceTier.objects.filter(offer=OuterRef("pk"), capacity__gt=F("held") + F("paid") + F("void"))
    found = Admission.objects.filter(pk__in=set(offer_ids)).order_by("pk")
    return found.select_related("offer").annotate(has_seats=Exists(seats))


def _turn_away(line: Admission, at: datetime) -> Refused | None:
    if at < line.offer.opens_at:
        return TooEarly()
    if not line.offer.is_open(at=at):
        return Closed()
    return None if line.has_seats else SoldOut()  # type: ignore[attr-defined]


def _advance(line: Admission, at: datetime) -> Admission:
    came, walked = arrivals.take(line.pk)
    _apply(line, {"came": line.came + came, "issued": line.issued + walked})
    changes = _step(line, at)
    if not changes and not came:
        return line
    written = Admission.objects.filter(pk=line.pk, advanced_at=line.advanced_at).update(
        **changes, came=F("came") + came, issued=F("issued") + walked
    )
    if not written:
        arrivals.give_back(line.pk, came, walked)
        return _lines([line.pk]).get()  # type: ignore[no-any-return]
    _apply(line, changes)
    return line


def _hand_out(line: Admission, count: int, *, at: datetime) -> int:
    """Give out the next ``count`` numbers of a locked line; returns the first."""
    came, walked = arrivals.take(line.pk)
    _apply(line, {"came": line.came + came, "issued": line.issued + walked})
    changes = _step(line, at)
    _apply(line, changes)
    if line.threshold >= line.end + line.pace:
        changes["advanced_at"] = at  # the line was empty: its next second begins now
    first = line.issued
    changes |= {"issued": first + count, "came": line.came}
    _apply(line, changes)
    Admission.objects.filter(pk=line.pk).update(**changes)
    return first


def _apply(line: Admission, changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        setattr(line, name, value)


def _step(line: Admission, at: datetime) -> dict[str, Any]:
    """Return what changes when the next people are let in at ``at``; nothing when it is not time, or nobody may."""
    if at < line.offer.opens_at:
        return {}
    if line.advanced_at is None:
        early, rate = line.offer.reserved, 0 if line.paused_at else line.pace
        return {"early": early, "threshold": rate, "advanced_at": at, "marks": [[int(at.timestamp()), 0, 0]]}
    if at - line.advanced_at < SECOND or line.paused_at or line.lifted_at or _turn_away(line, at):
        return {}
    changes = _move(line, (at - line.advanced_at).total_seconds(), at=at)
    measured = payment_capacity(at=at)
    if measured not in {None, line.measured}:
        changes["measured"] = measured
    return changes


def _move(line: Admission, elapsed: float, *, at: datetime) -> dict[str, Any]:
    rate, spent = line.pace, min(elapsed, LONGEST)
    wanted = rate * line.speed * spent
    reach = line.threshold + int(wanted)
    if line.threshold < line.early:  # beyond the early places everybody is there: no haste past their end
        reach = min(reach, max(line.early, line.threshold + int(rate * spent)))
    threshold = max(line.threshold, min(reach, line.end + rate))
    if threshold == line.threshold and not _mark_is_due(line, at):
        return {}
    whole = threshold == line.threshold + int(wanted) and elapsed <= LONGEST
    # What is left of a person is kept for the next second, so that a slow rate is not rounded down.
    left = timedelta(seconds=(wanted - int(wanted)) / (rate * line.speed)) if whole else timedelta(0)
    changes = {"threshold": threshold, "advanced_at": at - left}
    return changes | _look_back(line, threshold, at)


def _mark_is_due(line: Admission, at: datetime) -> bool:
    last, reached, _came = line.marks[-1]
    return bool(at.timestamp() - last >= MARK_SECONDS and reached != line.reached)


def _look_back(line: Admission, threshold: int, at: datetime) -> dict[str, Any]:
    """Note how far the line is now and then, and how many of those who were let in have come.

    Those who came in some twenty seconds are compared with the places let in during the twenty seconds that began one
    mark before: people need some time, and as long as the line moves evenly it does not matter how long.
    """
    mark = [int(at.timestamp()), min(threshold, line.end), line.came]
    if line.threshold < line.early <= threshold:  # another kind of people begins: judge them anew
        return {"marks": [mark], "speed": 1.0}
    if mark[0] - line.marks[-1][0] < MARK_SECONDS:
        return {}
    marks = [*line.marks, mark][-MARKS:]
    return {"marks": marks, "speed": _speed(line.speed, marks)}


def _speed(before: float, marks: list[list[int]]) -> float:
    """Return how many times faster the line moves, so that as many people come as the rate says."""
    if len(marks) < MARKS or marks[2][1] - marks[0][1] < ENOUGH:
        return before
    wanted = (marks[2][1] - marks[0][1]) / max(1, marks[3][2] - marks[1][2])
    if wanted < NOTICEABLE:
        return 1.0
    faster = min((before + wanted) / 2, 2 * before, MOST_FASTER)
    return min(wanted, faster)  # slower at once, faster by and by
