"""The door of a sale: who may ask for a seat now, told from memory; who may not gets a turn and is told where to wait.

A turn is verified by its signature and compared with the threshold as of the last look. Who has no turn walks through
while nobody waits; else they get the next number, together with all who come at the same time. Once a second, the
threshold moves (``offers.actions.let_in``: once for all processes) and what the public sees of it is renewed.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connections
from django.urls import reverse
from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import cookie_of
from kaiying.gate.connections import refresh
from kaiying.gate.pressure import TOO_MANY_CLAIMS, busy
from kaiying.gate.readers import Reader
from kaiying.gate.refusals import Reply, denied
from kaiying.gate.request import Denied
from kaiying.gate.sales import Sales
from kaiying.gate.shops import Shop
from kaiying.kit.errors import Refused
from kaiying.offers.actions import TurnRequest, let_in, take_turns
from kaiying.offers.actions.admitting import Given
from kaiying.offers.models import Admission
from kaiying.wire import clock
from kaiying.wire.batcher import Batcher, Overloaded
from kaiying.wire.passes import BadPass
from kaiying.wire.turns import LIFE, Turn, arrivals, cookie_name, read_turn, turn_token

logger = logging.getLogger(__name__)
BEAT = 1.0
RARELY = 2
"""How many times longer than a beat takes the next one is away: on a slow disk, writing is left to those who claim."""
LINGER = 0.02
REMEMBERED = 50_000
SOONEST, LATEST = 2.0, 30.0
"""Seconds after which to ask again, however near or far one's turn is."""


class WaitInLine(Denied):
    """It is not this learner's turn. ``turn`` is theirs; without one they are still to get a number."""

    def __init__(self, turn: Turn | None, ahead: int, wait: float) -> None:
        """Say how many are before them, and for how many seconds that is good for."""
        text = _("There is a line. Your place is kept, and you are let in when it is your turn.")
        super().__init__(409, "wait_in_line", text, retry_after=min(max(wait, SOONEST), LATEST))
        self.turn, self.ahead, self.wait = turn, ahead, wait


class Door:
    """The doors of all sales, in one process."""

    def __init__(self, sales: Sales) -> None:
        """Watch over these sales; nothing moves before ``start``."""
        self._sales = sales
        self._reader = Reader()
        self._given: OrderedDict[tuple[int, int], Turn] = OrderedDict()
        self._room: dict[int, int] = {}
        self._task: asyncio.Task[None] | None = None
        self.batcher: Batcher[TurnRequest, Given] = Batcher(
            commit, limit=2_000, leave=connections.close_all, name="turns"
        )

    def __call__(self, shop: Shop, learner_id: int, cookies: str, at: datetime) -> None:
        """Let through who may ask, by the ``Cookie`` header they came with."""
        line = shop.stand.admission
        if line is None or line.lifted_at is not None:
            return
        self.check(shop, learner_id, cookie_of(cookies, cookie_name(shop.id)), at)

    def check(self, shop: Shop, learner_id: int, token: str, at: datetime) -> None:
        """Return when this learner may ask for a seat now; raises ``WaitInLine``. Asks nobody but memory."""
        line = shop.stand.admission
        if line is None or line.lifted_at is not None or shop.refuses(at) or arrivals.has(shop.id, learner_id):
            return  # no line, or they were let in before, and who is in stays in
        if shop.holders is not None and learner_id in shop.holders.learners:
            return
        turn = self._turn(shop, learner_id, token, at)
        if turn is not None:
            place = turn.place(line)
            if line.advanced_at is None or place >= line.threshold:
                raise _wait(turn, place - line.threshold, line)
            arrivals.note(shop.id, learner_id)
            return
        if self._room_left(shop.id, line) <= 0:
            raise _wait(None, line.end - line.threshold, line)
        arrivals.note(shop.id, learner_id, walked=True)

    def holds_back(self, shop: Shop) -> bool:
        """Tell whether somebody who comes now would have to wait in line."""
        line = shop.stand.admission
        return line is not None and line.lifted_at is None and self._room_left(shop.id, line) <= 0

    async def reply(self, no: WaitInLine, shop: Shop, learner_id: int, language: str) -> Reply | None:
        """Return what somebody who has to wait is told, with their turn as a cookie; gives them one if need be.

        ``None``: the line was short, and they are in.
        """
        turn = no.turn
        if turn is None:
            try:
                turn, line = await self.batcher.ask(TurnRequest(shop.id, learner_id))
            except Overloaded as overloaded:
                return busy(TOO_MANY_CLAIMS, language, overloaded.retry_after)
            except Refused:  # the sale has just ended: ask again, and be told how
                return denied(WaitInLine(None, 0, SOONEST), language)
            self._remember(turn)
            self._moved(shop, line)
            ahead = turn.place(line) - line.threshold
            if ahead < 0:
                arrivals.note(shop.id, learner_id)
                return None
            no = _wait(turn, ahead, line)
        facts = {"ahead": no.ahead, "turn": turn.code, "where": reverse("offers:queue", args=[shop.slug])}
        said = denied(no, language, **facts)
        return said._replace(headers=(*said.headers, ("set-cookie", turn_cookie(turn))))

    def start(self) -> None:
        """Begin to let people in, from this loop."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        """Let nobody else in, and end the threads."""
        if self._task is not None:
            self._task.cancel()
        await self.batcher.close()
        await self._reader.close()

    async def _go_on(self) -> None:
        taken = 0.0
        while True:
            try:
                await asyncio.sleep(max(self._pause(clock.now()), taken * RARELY))
                begun = time.monotonic()
                await self.beat()
                taken = time.monotonic() - begun
            except Exception:
                logger.exception("The waiting rooms stand still; trying again.")

    async def beat(self) -> None:
        """Let the next people of every sale in that has a line."""
        at = clock.now()
        shops = {shop.id: shop for shop in self._sales.shops if _has_line(shop, at)}
        if not shops:
            return
        for offer_id, line in (await self._reader.ask(lambda: let_in(shops, at=at))).items():
            self._moved(shops[offer_id], line)

    def _pause(self, at: datetime) -> float:
        """Return the seconds until the next beat: one, or less when a sale opens before."""
        until = ((shop.stand.offer.opens_at - at).total_seconds() for shop in self._sales.shops)
        return min((seconds for seconds in until if 0 < seconds < BEAT), default=BEAT)

    def _moved(self, shop: Shop, line: Admission) -> None:
        shop.moved(line)
        self._room[shop.id] = line.threshold - line.end

    def _room_left(self, offer_id: int, line: Admission) -> int:
        """Return how many may still walk through until the next beat; what walked is counted into ``end`` by then."""
        room = self._room.get(offer_id)
        return (line.threshold - line.end if room is None else room) - arrivals.walked(offer_id)

    def _turn(self, shop: Shop, learner_id: int, token: str, at: datetime) -> Turn | None:
        if token:
            try:
                return read_turn(token, offer_id=shop.id, learner_id=learner_id, at=at)
            except BadPass:
                pass
        return self._given.get((shop.id, learner_id))

    def _remember(self, turn: Turn) -> None:
        """Keep a number for whoever asks again without having got the cookie."""
        self._given[turn.offer_id, turn.learner_id] = turn
        if len(self._given) > REMEMBERED:
            self._given.popitem(last=False)


def commit(asked: list[TurnRequest]) -> list[Given | Exception]:
    """Give these their numbers in one transaction; runs in the batcher's thread.

    It waits a moment first: in a crowd that leaves the database to those who claim, and to the other processes.
    """
    refresh()
    time.sleep(LINGER)
    return [*take_turns(asked, at=clock.now())]


def _has_line(shop: Shop, at: datetime) -> bool:
    line = shop.stand.admission
    return line is not None and line.lifted_at is None and shop.stand.offer.is_open(at=at)


def _wait(turn: Turn | None, ahead: int, line: Admission) -> WaitInLine:
    return WaitInLine(turn, max(0, ahead), max(0, ahead) / line.pace)


def turn_cookie(turn: Turn) -> str:
    """Return the header that keeps a turn in the browser, out of the reach of scripts."""
    secure = "; Secure" if settings.SESSION_COOKIE_SECURE else ""
    token = turn_token(turn, at=clock.now())
    seconds = LIFE // timedelta(seconds=1)
    return f"{cookie_name(turn.offer_id)}={token}; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"
