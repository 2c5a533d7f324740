"""Connecting to the writer: the meeting of both, then frames in both directions."""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, override

from kaiying.wire.frames import meeting
from kaiying.wire.frames.format import BadFrame, Frames, Packed, frame
from kaiying.wire.passes import Keys

SILENT_AFTER = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 5_000}
"""How soon a machine that is gone without a word is noticed, where the system lets us say so."""


class MayWrite(Protocol):
    """Is told when the socket is full, and when it takes more."""

    def __call__(self, *, may: bool) -> None:
        """Note it."""


class Wire(asyncio.Protocol):
    """One connection to the writer."""

    def __init__(self, keys: Keys, *, hear: Callable[[Packed], None], may_write: MayWrite) -> None:
        """Prove and demand knowledge of ``keys``, then hand frames to ``hear``."""
        self._keys, self._hear, self._may_write = keys, hear, may_write
        self._frames, self._nonce, self._theirs = Frames(), meeting.nonce(), ""
        self._transport: asyncio.Transport | None = None
        self.met, self.lost = asyncio.Event(), asyncio.Event()
        self.trouble: Exception | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 — the type of every stream's transport
        self._transport = transport
        plug = transport.get_extra_info("socket")
        if plug.family != socket.AF_UNIX:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in SILENT_AFTER.items():
                if hasattr(socket, name):
                    plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionResetError("the writer hung up"))
        self.lost.set()

    @override
    def data_received(self, data: bytes) -> None:
        try:
            for said in self._frames.take(data):
                if self.met.is_set():
                    self._hear(said)
                else:
                    self._meet(said)
        except BadFrame as bad:
            self._end(bad)
            self.abort()

    @override
    def pause_writing(self) -> None:
        self._may_write(may=False)

    @override
    def resume_writing(self) -> None:
        self._may_write(may=True)

    async def meet(self) -> None:
        """Wait until both have proved themselves; raises what went wrong."""
        await self.met.wait()
        if self.trouble is not None:
            raise self.trouble

    def send(self, data: bytes) -> None:
        """Send one frame."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def _meet(self, said: Packed) -> None:
        if not self._theirs:
            self.send(frame(meeting.prove(self._keys, said, self._nonce)))
            self._theirs = said[2]
            return
        meeting.trust(self._keys, said, self._theirs, self._nonce)
        self._end(None)

    def _end(self, error: Exception | None) -> None:
        """End the meeting, well or badly."""
        if not self.met.is_set():
            self.trouble = error
            self.met.set()


async def dial(address: meeting.Address, keys: Keys, *, hear: Callable[[Packed], None], may_write: MayWrite) -> Wire:
    """Return a connection to the writer on which both have proved themselves.

    Raises ``OSError``, ``BadFrame`` or ``TimeoutError``.
    """

    def made() -> Wire:
        return Wire(keys, hear=hear, may_write=may_write)

    loop = asyncio.get_running_loop()
    async with asyncio.timeout(meeting.PATIENCE):
        if address.path:
            _transport, wire = await loop.create_unix_connection(made, address.path)
        else:
            _transport, wire = await loop.create_connection(made, address.host, address.port)
        try:
            await wire.meet()
        except BaseException:
            wire.abort()
            raise
    return wire
