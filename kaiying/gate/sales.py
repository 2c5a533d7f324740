"""The sales as this process remembers them, so that most questions of a crowd are answered without the database.

Memory is renewed with a constant number of statements: when the tail brings news of an offer (at most five times a
second), every few seconds anyway, and at once when the ledger says that seats are gone. An address nobody knows is
looked up once; those asked at the same time share one look-up.
"""

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable

from django.utils.translation import gettext_noop as _

from kaiying.gate.readers import Reader
from kaiying.gate.request import Denied
from kaiying.gate.shops import Shop
from kaiying.offers.queries import Holders, Stand, holders, stands
from kaiying.wire import clock

logger = logging.getLogger(__name__)
SLUG = re.compile(r"[-\w]{1,60}\Z", re.ASCII)
GAP, URGENT_GAP, REGULAR = 0.2, 0.02, 3.0
SHARE = 40
"""A look that took long is not repeated before forty times as long has passed."""
STALE = 15.0
UNKNOWN_FOR, MOST_UNKNOWN = 5.0, 10_000
MOST_LOOKED_UP = 500
KEPT = 60.0
"""Seconds for which an offer that is over stays in memory after somebody asked for it."""

type Wanted = dict[int, Holders | None]
type Found = list[tuple[Stand, Holders | None]]


class Sales:
    """Every running or coming offer, by its address."""

    def __init__(self, reader: Reader, *, told: Callable[[], None] = lambda: None) -> None:
        """Read through the gate's one reader; ``told`` is called after each look."""
        self._reader, self._told = reader, told
        self._shops: dict[str, Shop] = {}
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._asked: dict[str, float] = {}
        self._lookup: asyncio.Future[None] | None = None
        self._looked_up: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None
        self._timer_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._looked, self._took = float("-inf"), 0.0

    def start(self) -> None:
        """Begin to look, from this loop."""
        self._loop = asyncio.get_running_loop()
        self.soon(urgent=True)

    def stop(self) -> None:
        """Look no more."""
        self._loop = None
        if self._timer is not None:
            self._timer.cancel()

    def known(self, slug: str) -> Shop | None:
        """Return an offer that is in memory."""
        return self._shops.get(slug)

    @property
    def shops(self) -> list[Shop]:
        """Every offer that is in memory."""
        return list(self._shops.values())

    async def find(self, slug: str) -> Shop | None:
        """Return the offer of an address, looked up if it is not in memory; ``None`` if there is none."""
        shop = self._shops.get(slug)
        if shop is not None or not SLUG.match(slug):
            return shop
        until = self._unknown.get(slug)
        if until is not None and until > time.monotonic():
            return None
        await self._look_up(slug)
        return self._shops.get(slug)

    @property
    def age(self) -> float:
        """Seconds since the last look that found something out began."""
        return time.monotonic() - self._looked

    def heard(self) -> None:
        """Take note that something happened to an offer."""
        self.soon()

    def soon(self, *, urgent: bool = False) -> None:
        """Look as soon as may be; nothing happens before ``start``."""
        if self._loop is None:
            return
        self._look_after(URGENT_GAP if urgent else max(GAP, SHARE * self._took), self._loop)

    def _look_after(self, gap: float, loop: asyncio.AbstractEventLoop) -> None:
        when = loop.time() + max(0.0, gap - self.age)
        if self._timer is not None and self._timer_at <= when:
            return
        if self._timer is not None:
            self._timer.cancel()
        # The moment is kept here: what is due at once has none in uvloop.
        self._timer, self._timer_at = loop.call_at(when, self._due), when

    def _due(self) -> None:
        self._timer = None
        if self._task is not None and not self._task.done():
            self._again = True  # what happened may be too late for the look that goes on
        else:
            self._task = asyncio.ensure_future(self._look_and_go_on())

    async def _look_and_go_on(self) -> None:
        self._again = False
        try:
            await self.look()
        except Exception:
            logger.exception("The sales cannot be read; trying again.")
        if self._loop is not None:
            self._look_after(REGULAR, self._loop)
            if self._again:
                self.soon()

    async def look(self) -> None:
        """Renew what is remembered, once."""
        begun = time.monotonic()
        self._asked = {slug: until for slug, until in self._asked.items() if until > begun}
        named = list(self._asked)
        known = {shop: shop.begin_look() for shop in self._shops.values()}
        wanted: Wanted = {shop.id: who for shop, who in known.items() if shop.wants_holders}
        found = await self._reader.ask(lambda: _look(named, wanted, running=True))
        self._looked, self._took = begun, time.monotonic() - begun
        self._shops = self._renewed(found)
        self._told()

    def _renewed(self, found: Found) -> dict[str, Shop]:
        by_id = {shop.id: shop for shop in self._shops.values()}
        renewed = {}
        for stand, who in found:
            shop = by_id.get(stand.offer.pk) or Shop(stand)
            shop.take(stand, who)
            renewed[shop.slug] = shop
        return renewed

    async def _look_up(self, slug: str) -> None:
        """Look up an address together with all others that are asked for meanwhile."""
        if len(self._looked_up) >= MOST_LOOKED_UP:
            raise Denied(503, "overloaded", _("There is a lot going on. Please try again in a moment."), retry_after=1)
        self._looked_up.add(slug)
        while slug in self._looked_up:
            if self._lookup is None:
                self._lookup = asyncio.ensure_future(self._look_them_up())
            await asyncio.shield(self._lookup)

    async def _look_them_up(self) -> None:
        slugs, self._looked_up = self._looked_up, set()
        try:
            found = await self._reader.ask(lambda: _look(slugs, {}, running=False))
        finally:
            self._lookup = None
        now = time.monotonic()
        self._looked = max(self._looked, now)
        self._shops |= self._renewed(found)
        self._asked |= dict.fromkeys((stand.offer.slug for stand, _who in found), now + KEPT)
        for slug in slugs - {stand.offer.slug for stand, _who in found}:
            self._unknown[slug] = now + UNKNOWN_FOR
        while len(self._unknown) > MOST_UNKNOWN:
            self._unknown.popitem(last=False)


def _look(named: "set[str] | list[str]", wanted: Wanted, *, running: bool) -> Found:
    """Read the counts first and who has something after them; so whose seat was counted is among them."""
    found = stands(at=clock.now(), named=named, running=running)
    return [
        (stand, holders(stand.offer.pk, after=wanted[stand.offer.pk]) if stand.offer.pk in wanted else None)
        for stand in found
    ]
