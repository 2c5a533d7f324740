"""``POST /gate/reservations``: one's word to be there when a sale opens, given or taken back, by group commit.

The body is ``{"offer": slug, "standing": true | false}``. The answer, once it is durable, is ``{"standing",
"reserved_at", "count", "opens_at", "now"}``: 201 if it is new, else 200. Who reserves is said by the entry pass.
"""

import json
import logging
from typing import Any

from django.db import connections
from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import Asking
from kaiying.gate.connections import refresh
from kaiying.gate.door import turn_cookie
from kaiying.gate.learners import learner_of
from kaiying.gate.pressure import TOO_MANY_RESERVATIONS, busy
from kaiying.gate.refusals import Reply, denied, refused
from kaiying.gate.request import Denied
from kaiying.gate.revocations import Revocations
from kaiying.gate.sales import SLUG, Sales
from kaiying.kit.errors import Refused
from kaiying.offers.actions import reserve
from kaiying.offers.vocabulary import Reserved, ReserveRequest
from kaiying.wire import brakes, clock
from kaiying.wire.batcher import Batcher, Overloaded, Queue
from kaiying.wire.turns import Turn

logger = logging.getLogger(__name__)
LONGEST_NAME = 64
FIELDS = {"offer", "standing"}
NOT_JSON = _("A reservation is sent as JSON.")
PATIENCE = 5.0
NEW, KNOWN = 201, 200


class Reservations:
    """Answers reservations."""

    def __init__(
        self,
        revocations: Revocations,
        *,
        queue: Queue[ReserveRequest, Reserved] | None = None,
        sales: Sales | None = None,
    ) -> None:
        """Write through ``queue``, else by a batcher of our own, whose thread starts with the first reservation."""
        self._revocations, self._sales = revocations, sales
        self.batcher: Batcher[ReserveRequest, Reserved] = Batcher(
            commit, limit=512, leave=connections.close_all, in_turns=True, name="reservations"
        )
        self._queue: Queue[ReserveRequest, Reserved] = queue or self.batcher

    async def answer(self, asking: Asking) -> Reply:
        """Answer one request, after what it asked is durable; at once, and unread, while the queue is full."""
        if self._queue.is_full:
            return busy(TOO_MANY_RESERVATIONS, asking.language)
        try:
            learner_id = learner_of(asking, self._revocations, at=clock.now(), not_json=NOT_JSON)
            asked = read(asking.body, learner_id=learner_id)
            _hold_back(asked.learner_id, asking.address)
            answer = await self._queue.ask(asked, patience=PATIENCE)
        except Refused as no:
            return refused(no, asking.language)
        except Denied as no:
            return denied(no, asking.language)
        except Overloaded as overloaded:
            return busy(TOO_MANY_RESERVATIONS, asking.language, overloaded.retry_after)
        return Reply(NEW if answer.is_new else KNOWN, _said(answer), self._turn(asked, answer))

    def _turn(self, asked: ReserveRequest, answer: Reserved) -> tuple[tuple[str, str], ...]:
        """Return the header that keeps an early turn in the browser; without it the waiting room finds it again."""
        shop = self._sales.known(asked.offer) if self._sales is not None and answer.standing else None
        return (("set-cookie", turn_cookie(Turn(shop.id, asked.learner_id))),) if shop is not None else ()


def _hold_back(learner_id: int, address: str) -> None:
    wait = brakes.current().wait(learner_id, address)
    if wait:
        raise Denied(429, "too_often", _("That was too often. Please wait a moment."), retry_after=wait)


def commit(asked: list[ReserveRequest]) -> list[Reserved | Exception]:
    """Write the reservations of many requests in one transaction; runs in the batcher's thread."""
    refresh()
    return [*reserve(asked, at=clock.now())]


def read(body: bytes, *, learner_id: int) -> ReserveRequest:
    """Return what a request's body asks for; raises ``Denied`` (400) naming what is wrong."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise Denied(400, "not_json", _("The request is not JSON.")) from None
    if not isinstance(said, dict):
        raise _wrong("body")
    if unknown := said.keys() - FIELDS:
        raise _wrong(min(unknown)[:LONGEST_NAME])
    offer, standing = said.get("offer"), said.get("standing")
    if not isinstance(offer, str) or not SLUG.match(offer):
        raise _wrong("offer")
    if not isinstance(standing, bool):
        raise _wrong("standing")
    return ReserveRequest(offer, learner_id, standing)


def _wrong(field: str) -> Denied:
    return Denied(400, "bad_reservation", _("“%(field)s” is not as it should be."), field=field)


def _said(answer: Reserved) -> bytes:
    since = f'"{answer.reserved_at.isoformat()}"' if answer.reserved_at else "null"
    return (
        f'{{"standing":{"true" if answer.standing else "false"},"reserved_at":{since},"count":{answer.reserved},'
        f'"opens_at":"{answer.opens_at.isoformat()}","now":"{clock.now().isoformat()}"}}'
    ).encode()
