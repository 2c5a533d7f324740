"""One sale in memory: what the clock and the counts say, and who has something in it.

**The latch.** An offer without a free seat at any price is refused from memory, but only to those who have nothing in
it: whoever holds a seat or stands in line goes to the ledger. Who they are is read after the counts, so nobody whose
seat was counted is missing, and topped up with every look; who got a seat through this process is known at once.
"""

import json
from dataclasses import replace
from datetime import datetime

from kaiying.gate.refusals import Reply, refused
from kaiying.gate.status import Status, status_of
from kaiying.kit.errors import Refused
from kaiying.offers.models import Admission
from kaiying.offers.queries import Holders, Stand
from kaiying.offers.vocabulary import Closed, SoldOut, TooEarly


class Shop:
    """One offer, as of the last look."""

    __slots__ = (
        "_noes",
        "_recent",
        "_status",
        "currency",
        "currency_said",
        "epoch",
        "free",
        "holders",
        "id",
        "over_at",
        "slug",
        "stand",
        "wants_holders",
    )

    def __init__(self, stand: Stand) -> None:
        """Begin with what a look found."""
        self.holders: Holders | None = None
        self.wants_holders = False
        self._recent: set[int] = set()
        self.take(stand, None)

    def take(self, stand: Stand, who: Holders | None) -> None:
        """Take what a look found: how the offer stands, and who has something, or who came since."""
        offer = stand.offer
        self.stand, self.id, self.slug, self.currency = stand, offer.pk, offer.slug, offer.currency
        self.currency_said = json.dumps(offer.currency)
        self.epoch, self.free, self.over_at = offer.epoch, stand.free, stand.over_at
        self._status: Status | None = None
        self._noes: dict[tuple[type[Refused], str], Reply] = {}
        if who is None:
            return
        learners = self._recent if self.holders is None else self.holders.learners
        learners |= who.learners
        self._recent = set()
        self.holders = Holders(learners, who.claim_id, who.entry_id)

    def moved(self, line: Admission) -> None:
        """Take how far the waiting room is now; newer than the last look."""
        if _seen(line) != _seen(self.stand.admission):
            self._status = None
        self.stand = replace(self.stand, admission=line)

    def begin_look(self) -> Holders | None:
        """Return up to where it is known who has something; seats taken from now on may be missing in the look."""
        if self.holders is None:
            self._recent = set()
        return self.holders

    def refuses(self, at: datetime) -> type[Refused] | None:
        """Return what somebody who has nothing here is told at ``at``; ``None``: the ledger decides."""
        offer = self.stand.offer
        if at < offer.opens_at:
            return TooEarly
        if offer.closes_at is not None and offer.closes_at <= at:
            return Closed
        if not self.free:
            return SoldOut
        return Closed if self.over_at is not None and self.over_at <= at else None

    def has_nothing(self, learner_id: int) -> bool:
        """Tell whether this learner surely has neither a seat nor a place in line."""
        return self.holders is not None and learner_id not in self.holders.learners

    def seat_taken(self, learner_id: int) -> None:
        """Note that this process gave or showed the learner a seat."""
        (self._recent if self.holders is None else self.holders.learners).add(learner_id)

    def says_no(self, no: type[Refused], language: str) -> Reply:
        """Return the no of the latch, written once for each language and look."""
        found = self._noes.get((no, language))
        if found is None:
            found = self._noes[no, language] = refused(no, language, epoch=self.epoch)
        return found

    def status(self, at: datetime) -> Status:
        """Return the public object; made anew when a look or the clock has changed something."""
        found = self._status
        if found is None or (found.until is not None and found.until <= at):
            found = self._status = status_of(self.stand, at)
        return found


def _seen(line: Admission | None) -> tuple[object, ...]:
    """Return what the public sees of a waiting room."""
    return () if line is None else (line.threshold, line.issued, line.early, line.paused_at, line.lifted_at, line.pace)
