"""``POST /gate/claims``: one learner asks for one seat, at no more than the price they saw.

The body is ``{"offer": slug, "max_price": minor units, "key": the request's own, "captcha": token?}``; who asks is said
by the entry pass. The answer, once it is durable, is ``{"claim", "seat", "price", "currency", "state", "held_until",
"now", "checkout"}``: 201 for a new seat, 200 for the one they have. A refusal is ``{"code", "text", …}``.

``Claims.answer`` knows no server: it takes an ``Asking`` and returns status, body and headers. What memory can answer
never gets to the ``queue``; and while that is full, whoever would have to wait in it is refused before anything is
looked at, because a no that costs as much as a yes is what an overload lives on.
"""

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db import Error as DatabaseFault
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import Asking
from kaiying.gate.connections import refresh
from kaiying.gate.door import Door, WaitInLine
from kaiying.gate.learners import learner_of
from kaiying.gate.pressure import TOO_MANY_CLAIMS, busy
from kaiying.gate.pulse import Pulse
from kaiying.gate.refusals import Reply, denied, refused
from kaiying.gate.request import Denied
from kaiying.gate.revocations import Revocations
from kaiying.gate.sales import Sales
from kaiying.gate.shops import Shop
from kaiying.gate.wishes import Wish, read_wish
from kaiying.kit.errors import Refused
from kaiying.offers.actions import claim_seats
from kaiying.offers.vocabulary import ClaimRequest, Closed, NoSuchOffer, PriceMoved, SoldOut, Taken, TooEarly
from kaiying.wire import brakes, clock
from kaiying.wire.batcher import Overloaded, Queue
from kaiying.wire.entry import bearer
from kaiying.wire.frames import Failed, Unknown

logger = logging.getLogger(__name__)
NOT_JSON = _("A claim is sent as JSON.")
PATIENCE = 3.5
"""Seconds within which a claim must begin to be written: the longest wait it is let in with, a flush of a second by
somebody else that nobody foresaw, and a little. A caller with five seconds is then answered after the claim's own."""

TICK = 0.01
"""Seconds for which answers say the same moment; a countdown needs no more."""

CAPTCHAS_AT_ONCE, MOST_CAPTCHAS = 4, 64
PLACE = 9_000_000_000
NEW, KNOWN = 201, 200
SHED, FAILED = {429, 503}, 500


def commit(requests: list[ClaimRequest]) -> list[Taken | Exception]:
    """Decide and write the claims of many requests in one transaction; runs in the batcher's thread."""
    refresh()
    return [*claim_seats(requests, at=clock.now())]


class Claims:
    """Answers claims."""

    def __init__(
        self,
        queue: Queue[ClaimRequest, Taken],
        *,
        sales: Sales,
        revocations: Revocations,
        pulse: Pulse,
        door: Door | None = None,
    ) -> None:
        """Write through ``queue``; everything else is this process's own memory."""
        self._queue, self._sales, self._revocations, self._pulse, self._door = queue, sales, revocations, pulse, door
        self._captchas = ThreadPoolExecutor(CAPTCHAS_AT_ONCE, thread_name_prefix="captcha")
        self._proving = 0
        self._until: tuple[datetime | None, str] = (None, "")
        self._now = float("-inf"), ""

    async def answer(self, asking: Asking) -> Reply:
        """Answer one request."""
        begun, at = time.perf_counter(), clock.now()
        try:
            wish = self._wish(asking, at)
            shop = self._sales.known(wish.offer)
            if shop is not None and (reply := self._unverified(asking, shop, at)):
                self._count(shop, reply, time.perf_counter() - begun)
                return reply
            learner_id = self._learner(asking, at)
            shop = shop or await self._find(wish.offer)
        except Denied as no:
            return denied(no, asking.language)
        except Refused as no:
            return refused(no, asking.language)
        try:
            reply = self._from_memory(asking, shop, learner_id, at)
            if reply is None:
                reply = await self._claim(asking, wish, shop, learner_id, at)
        except Exception as error:  # noqa: BLE001 — told apart there
            reply = self._no(error, asking, shop)
        self._count(shop, reply, time.perf_counter() - begun)
        return reply

    def close(self) -> None:
        """End the threads that ask for captchas."""
        self._captchas.shutdown(wait=False, cancel_futures=True)

    def _learner(self, asking: Asking, at: datetime) -> int:
        return learner_of(asking, self._revocations, at=at, not_json=NOT_JSON)

    def _wish(self, asking: Asking, at: datetime) -> Wish:
        try:
            return read_wish(asking.body)
        except Denied:
            self._learner(asking, at)  # who may not ask at all hears that first
            raise

    async def _find(self, slug: str) -> Shop:
        shop = await self._sales.find(slug)
        if shop is None:
            raise NoSuchOffer
        return shop

    def _unverified(self, asking: Asking, shop: Shop, at: datetime) -> Reply | None:
        """Refuse what is refused to everybody, before anybody is looked at; ``None``: it depends on who asks."""
        no = shop.refuses(at)
        if no is None:
            return self._too_many(asking, shop) if self._queue.is_full else None
        if no is TooEarly or shop.holders is None or self._may_have_something(asking, shop, at):
            return None
        return shop.says_no(no, asking.language)

    def _too_many(self, asking: Asking, shop: Shop) -> Reply | None:
        """Refuse whoever would get no further than the queue; those who get a turn at the door do not go there."""
        if self._door is not None and self._door.holds_back(shop):
            return None
        return busy(TOO_MANY_CLAIMS, asking.language)

    def _may_have_something(self, asking: Asking, shop: Shop, at: datetime) -> bool:
        """Tell whether a good pass names somebody who has something here; no other is worth verifying.

        That nothing is left is no secret, and with a forged pass nobody finds out who has a seat: they hear the same.
        """
        if shop.has_nothing(bearer(asking.headers.get(b"cookie", b""))):
            return False
        try:
            self._learner(asking, at)
        except Denied:
            return False
        return True

    def _from_memory(self, asking: Asking, shop: Shop, learner_id: int, at: datetime) -> Reply | None:
        """Refuse what the clock or the latch refuses; whoever has something in this offer goes to the ledger."""
        no = shop.refuses(at)
        if no is None:
            return None
        if no is TooEarly and (shop.holders is None or shop.has_nothing(learner_id)):
            shop.wants_holders = True  # a free seat may have been given to somebody already
            return refused(no, asking.language, opens_at=shop.stand.offer.opens_at.isoformat(), now=at.isoformat())
        return shop.says_no(no, asking.language) if shop.has_nothing(learner_id) else None

    async def _claim(self, asking: Asking, wish: Wish, shop: Shop, learner_id: int, at: datetime) -> Reply:
        if self._door is not None:
            try:
                self._door(shop, learner_id, asking.cookies, at)
            except WaitInLine as no:
                if reply := await self._door.reply(no, shop, learner_id, asking.language):
                    return reply
        wait = brakes.current().wait(learner_id, asking.address)
        if wait:
            await self._hold_back(asking, wish, learner_id, wait)
        taken = await self._queue.ask(ClaimRequest(shop.id, learner_id, wish.max_price, wish.key), patience=PATIENCE)
        shop.seat_taken(learner_id)
        return Reply(NEW if taken.is_new else KNOWN, self._said(shop, taken))

    async def _hold_back(self, asking: Asking, wish: Wish, learner_id: int, wait: float) -> None:
        """Let through whom a captcha knows as a person; raises ``Denied`` for everybody else."""
        now = brakes.current()
        if wish.captcha and now.has_captcha and self._proving < MOST_CAPTCHAS:
            self._proving += 1
            try:
                if await asyncio.get_running_loop().run_in_executor(
                    self._captchas, lambda: now.is_person(wish.captcha, learner_id=learner_id, address=asking.address)
                ):
                    return
            finally:
                self._proving -= 1
        raise Denied(429, "too_often", _("That was too often. Please wait a moment."), retry_after=wait)

    def _no(self, error: Exception, asking: Asking, shop: Shop) -> Reply:
        """Say what went wrong. When seats or time are gone, look at once: the next no then comes from memory."""
        if isinstance(error, PriceMoved):
            return refused(error, asking.language, price=error.facts["minor"], currency=shop.currency)
        if isinstance(error, SoldOut | Closed):
            shop.wants_holders = True
            self._sales.soon(urgent=True)
            return refused(error, asking.language, epoch=shop.epoch)
        if isinstance(error, Refused):
            return refused(error, asking.language)
        if isinstance(error, Unknown | Failed | DatabaseFault):  # a full disk, a database that is gone
            if not isinstance(error, Unknown):
                logger.error("A claim could not be written.", exc_info=error)
            text = _("We cannot tell yet whether the seat is yours. We will ask again, which is safe.")
            error = Denied(503, "unknown", text, retry_after=error.retry_after if isinstance(error, Unknown) else 1.0)
        elif isinstance(error, Overloaded):
            return busy(TOO_MANY_CLAIMS, asking.language, error.retry_after)
        if not isinstance(error, Denied):
            logger.error("A claim failed.", exc_info=error)
            error = Denied(500, "failed", _("Something went wrong on our side."))
        facts = {"captcha": brakes.current().has_captcha} if error.code == "too_often" else {}
        return denied(error, asking.language, **facts)

    def _count(self, shop: Shop, reply: Reply, seconds: float) -> None:
        tally = self._pulse.of(shop.id)
        tally.asked += 1
        if reply.status == NEW:
            tally.held += 1
        elif reply.status in SHED:
            tally.shed += 1
        elif reply.status >= FAILED:
            tally.failed += 1
        elif reply.status != KNOWN:
            tally.refused += 1
        tally.slow.note(seconds)

    @cached_property
    def _checkout(self) -> list[str]:
        return reverse("orders:checkout", args=[PLACE]).split(str(PLACE))

    def _said(self, shop: Shop, taken: Taken) -> bytes:
        before, after = self._checkout
        until, held_until = self._until
        if taken.held_until is not until:  # one moment for all of a batch
            held_until = taken.held_until.isoformat()
            self._until = taken.held_until, held_until
        tick, now = self._now
        if time.monotonic() - tick > TICK:
            now = clock.now().isoformat()
            self._now = time.monotonic(), now
        return (
            f'{{"claim":{taken.claim_id},"seat":{taken.seat_number},"price":{taken.price},'
            f'"currency":{shop.currency_said},"state":"{taken.state}","held_until":"{held_until}",'
            f'"now":"{now}","checkout":"{before}{taken.claim_id}{after}"}}'
        ).encode()
