"""The hub between what happened and the pages that are open: one per process, in its event loop.

A listener names its channels and takes what was told. It has room for a bounded number of untaken news: a reader that
is too slow is cut off with ``AGAIN`` and comes back by its last id, instead of filling the memory.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

AGAIN = "again"
REVOKED = "revoked"
STOPPED = "stopped"

MOST = 4000
MOST_EACH = 12
ROOM = 256


@dataclass(frozen=True, slots=True)
class News:
    """One event as it was told; ``mark`` is the id up to which everything has been told, for coming back."""

    id: int
    name: str
    channel: str
    facts: dict[str, Any]
    at: datetime
    mark: int


class TooMany(Exception):
    """The person, or everybody together, has too many streams open."""


@dataclass(eq=False)
class Listener:
    """One open stream: what was told and not yet taken, and why it ended if it has."""

    user_id: int
    channels: frozenset[str]
    end: str | None = None
    _news: deque[News] = field(default_factory=deque)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, news: News, *, room: int = ROOM) -> None:
        """Add one piece of news, or end the stream if the reader lags too far behind."""
        if len(self._news) >= room:
            self.finish(AGAIN)
        if self.end is None:
            self._news.append(news)
            self._woken.set()

    def finish(self, why: str) -> None:
        """End the stream; what was told before is still taken, except by whom it no longer concerns."""
        if self.end is None:
            self.end = why
        if why != STOPPED:
            self._news.clear()
        self._woken.set()

    async def take(self, *, patience: float) -> list[News]:
        """Return what was told, as soon as there is some; empty after ``patience`` seconds, or at the end."""
        if not self._news and self.end is None:
            self._woken.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._woken.wait()
            except TimeoutError:
                return []
        taken = list(self._news)
        self._news.clear()
        return taken


class Hub:
    """All listeners of this process, by channel. Every method belongs to the loop's thread."""

    def __init__(self, *, most: int = MOST, most_each: int = MOST_EACH, room: int = ROOM) -> None:
        """Bound the streams in total and for each person, and the news a stream may lag behind."""
        self._most, self._most_each, self._room = most, most_each, room
        self._by_channel: dict[str, set[Listener]] = {}
        self._listeners: set[Listener] = set()
        self._of_user: Counter[int] = Counter()
        self.stopped = False

    def __len__(self) -> int:
        """Count the open streams."""
        return len(self._listeners)

    def join(self, channels: Iterable[str], *, user_id: int) -> Listener:
        """Open a stream; raises ``TooMany``. User 0 is anyone, bounded only together."""
        if (
            self.stopped
            or len(self._listeners) >= self._most
            or (user_id and self._of_user[user_id] >= self._most_each)
        ):
            raise TooMany
        listener = Listener(user_id, frozenset(channels))
        self._listeners.add(listener)
        self._of_user[user_id] += 1
        for channel in listener.channels:
            self._by_channel.setdefault(channel, set()).add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Forget a stream that has ended."""
        if listener not in self._listeners:
            return
        self._listeners.discard(listener)
        self._of_user[listener.user_id] -= 1
        if not self._of_user[listener.user_id]:
            del self._of_user[listener.user_id]
        for channel in listener.channels:
            others = self._by_channel[channel]
            others.discard(listener)
            if not others:
                del self._by_channel[channel]

    def tell(self, news: Iterable[News]) -> None:
        """Hand each piece of news to everyone on its channel."""
        for one in news:
            for listener in self._by_channel.get(one.channel, ()):
                listener.tell(one, room=self._room)

    def revoke(self, *, user_id: int, channels: Collection[str] | None) -> None:
        """Cut this person's streams that carry any of ``channels`` (``None``: all of them), at once."""
        self._finish(
            REVOKED,
            lambda one: one.user_id == user_id and (channels is None or not one.channels.isdisjoint(channels)),
        )

    def stop(self) -> None:
        """End every stream: the process is going down."""
        self.stopped = True
        self._finish(STOPPED, lambda _one: True)

    def _finish(self, why: str, concerns: Callable[[Listener], bool]) -> None:
        for listener in [one for one in self._listeners if concerns(one)]:
            listener.finish(why)
