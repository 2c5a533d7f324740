"""Reservations: a learner's word that they will be there at the opening. A batch of any size, decided under one lock.

An offer's count is written as a difference in the transaction that changes its rows, so it is always how many stand.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction

from kaiying.kit.errors import Refused
from kaiying.offers.actions.statements import AMONG, adapted, among, lift_planner, moment, rows, run, send, together
from kaiying.offers.vocabulary import Closed, HasSeat, NoSuchOffer, Reserved, ReserveRequest, SaleOpen

type Pair = tuple[int, int]
"""A learner and an offer."""

NEW_PAIRS = {
    "sqlite": "%s, value ->> 0, value ->> 1 FROM json_each(%s) WHERE true",
    "postgresql": (
        "%s::timestamptz, (pair ->> 0)::bigint, (pair ->> 1)::bigint FROM json_array_elements(%s::json) AS pair"
    ),
}


class Terms(NamedTuple):
    """What the holder of an offer's lock knows of it."""

    pk: int
    opens_at: datetime
    closes_at: datetime | None
    reserved: int
    has_seated: bool


class Before(NamedTuple):
    """A reservation as it was before this batch."""

    pk: int
    reserved_at: datetime
    stands: bool


def reserve(requests: Sequence[ReserveRequest], *, at: datetime) -> list[Reserved | Refused]:
    """Let each of these stand, or take it back; returns what stands then, or a refusal, for each.

    Asking again changes nothing. Of what a learner asks twice in one batch the last counts, and both are told of it.
    The number of statements depends on the offers of a batch, not on how many people ask.
    """
    with transaction.atomic():
        offers = _lock({request.offer for request in requests})
        someone_sits = any(offer.has_seated for offer in offers.values())
        seated = _seated({request.learner_id for request in requests if request.standing}) if someone_sits else set()
        refusals = [_turn_away(offers.get(request.offer), request, seated, at=at) for request in requests]
        asked = [
            ((request.learner_id, offers[request.offer].pk), request.standing)
            for request, refusal in zip(requests, refusals, strict=True)
            if refusal is None
        ]
        batch = _Batch(dict(asked), at=at)
        batch.write()
    return [
        refusal or batch.answer(offers[request.offer], request)
        for request, refusal in zip(requests, refusals, strict=True)
    ]


class _Batch:
    """What people wish, what stood before, and what that changes; the offers are locked."""

    def __init__(self, wishes: dict[Pair, bool], *, at: datetime) -> None:
        self.at, self.wishes = at, wishes
        self.before: dict[Pair, Before] = {}
        self.new: set[Pair] = set()
        self.moved: Counter[int] = Counter()

    def write(self) -> None:
        """Write the rows, then the counts. Most people ask once: their rows are there with one statement."""
        # In the order of the index, so that neighbours are written together.
        self.new = _insert(sorted(pair for pair, wish in self.wishes.items() if wish), at=self.at)
        self.moved.update(offer_id for _learner_id, offer_id in self.new)
        if len(self.new) < len(self.wishes):
            self._change({pair: wish for pair, wish in self.wishes.items() if pair not in self.new})
        for offer_id, difference in sorted(self.moved.items()):
            run("UPDATE offers_offer SET reserved = reserved + %s WHERE id = %s", difference, offer_id)

    def _change(self, wishes: dict[Pair, bool]) -> None:
        """Bring rows that were there in line with what is wished."""
        self.before = _standing({learner_id for learner_id, _offer_id in wishes})
        changed = [pair for pair in self.before if pair in wishes and self.before[pair].stands != wishes[pair]]
        back = [pair for pair in changed if wishes[pair]]
        gone = [pair for pair in changed if not wishes[pair]]
        if back:
            _update("cancelled_at = NULL, reserved_at = %s", [self.before[pair].pk for pair in back], at=self.at)
        if gone:
            _update("cancelled_at = %s", [self.before[pair].pk for pair in gone], at=self.at)
        self.new.update(back)
        self.moved.update(offer_id for _learner_id, offer_id in back)
        self.moved.subtract(offer_id for _learner_id, offer_id in gone)

    def answer(self, offer: Terms, request: ReserveRequest) -> Reserved:
        """Return what one person is told."""
        pair = request.learner_id, offer.pk
        is_new = pair in self.new
        since = self.at if is_new else self.before[pair].reserved_at if self.wishes[pair] else None
        return Reserved(request.learner_id, since, is_new, offer.reserved + self.moved[offer.pk], offer.opens_at)


def _turn_away(offer: Terms | None, request: ReserveRequest, seated: set[Pair], *, at: datetime) -> Refused | None:
    if offer is None:
        return NoSuchOffer()
    if not request.standing:
        return None  # one's word can be taken back at any time
    if at >= offer.opens_at:
        return SaleOpen() if offer.closes_at is None or at < offer.closes_at else Closed()
    return HasSeat() if (request.learner_id, offer.pk) in seated else None


def _lock(slugs: Iterable[str]) -> dict[str, Terms]:
    """Lock the offers in the order of their ids; SQLite has one writer, so the transaction itself is the lock."""
    with together():
        lift_planner()
        locked = send(
            "SELECT slug, id, opens_at, closes_at, reserved, EXISTS (SELECT 1 FROM offers_claim WHERE"  # noqa: S608 — no text here is from outside
            " offer_id = offers_offer.id AND state IN ('held', 'paid')) FROM offers_offer"
            f" WHERE slug {AMONG[connection.vendor]} ORDER BY id" + " FOR UPDATE" * (connection.vendor == "postgresql"),
            among(slugs),
        )
    return {
        slug: Terms(pk, moment(opens_at), closes_at and moment(closes_at), reserved, bool(has_seated))
        for slug, pk, opens_at, closes_at, reserved, has_seated in locked.rows
    }


def _seated(learner_ids: Iterable[int]) -> set[Pair]:
    """Return which of these learners has a seat, and where."""
    found = rows(
        "SELECT learner_id, offer_id FROM offers_claim"  # noqa: S608 — as above
        f" WHERE learner_id {AMONG[connection.vendor]} AND state IN ('held', 'paid')",
        among(learner_ids),
    )
    return {(learner_id, offer_id) for learner_id, offer_id in found}


def _standing(learner_ids: Iterable[int]) -> dict[Pair, Before]:
    """Return every reservation of these learners: people have few, offers have millions."""
    found = rows(
        "SELECT learner_id, offer_id, id, reserved_at, cancelled_at IS NULL FROM offers_reservation"  # noqa: S608 — as above
        f" WHERE learner_id {AMONG[connection.vendor]}",
        among(learner_ids),
    )
    return {
        (learner_id, offer_id): Before(pk, moment(reserved_at), bool(stands))
        for learner_id, offer_id, pk, reserved_at, stands in found
    }


def _insert(pairs: Sequence[Pair], *, at: datetime) -> set[Pair]:
    """Insert those that are not there yet, and return them."""
    if not pairs:
        return set()
    found = rows(
        "INSERT INTO offers_reservation (reserved_at, learner_id, offer_id)"
        f" SELECT {NEW_PAIRS[connection.vendor]}"
        " ON CONFLICT (learner_id, offer_id) DO NOTHING RETURNING learner_id, offer_id",
        adapted(at),
        json.dumps(pairs),
    )
    return {(learner_id, offer_id) for learner_id, offer_id in found}


def _update(change: str, pks: Sequence[int], *, at: datetime) -> None:
    run(f"UPDATE offers_reservation SET {change} WHERE id {AMONG[connection.vendor]}", adapted(at), among(pks))  # noqa: S608 — as above
