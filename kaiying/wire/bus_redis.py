"""Rings by publish and subscribe of Redis or Valkey; four commands, so no client library is needed."""

import select
import socket
import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlsplit

from kaiying.wire.bus import Wake

PORT = 6379
PATIENCE = 5.0
IDLE_SECONDS = 20.0


class RedisRefused(ConnectionError):
    """The server answered with an error."""


@dataclass(slots=True)
class Plug:
    """A connection that speaks the protocol's simplest words."""

    socket: socket.socket

    @classmethod
    def connect(cls, url: str) -> Self:
        """Connect to ``redis://user:password@host:port`` (``rediss``: encrypted)."""
        parts = urlsplit(url)
        plug = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or PORT), timeout=PATIENCE)
        try:
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if parts.scheme == "rediss":
                plug = ssl.create_default_context().wrap_socket(plug, server_hostname=parts.hostname)
            made = cls(plug)
            if parts.password:
                made.ask("AUTH", *filter(None, (unquote(parts.username or ""), unquote(parts.password))))
        except BaseException:
            plug.close()
            raise
        return made

    def say(self, *words: str) -> None:
        """Send one command."""
        raw = [word.encode() for word in words]
        self.socket.sendall(b"*%d\r\n" % len(raw) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in raw))

    def ask(self, *words: str) -> bytes:
        """Send one command and return what is answered first."""
        self.say(*words)
        return self.hear()

    def hear(self) -> bytes:
        """Return what has arrived, at least a byte; every answer here is shorter than a packet."""
        heard = self.socket.recv(4096)
        if not heard:
            raise ConnectionResetError("the server hung up")
        if heard.startswith(b"-"):
            raise RedisRefused(heard[1:].decode("utf-8", "replace").strip())
        return heard


class Redis:
    """Carries rings to whoever subscribes to the same channel."""

    def __init__(self, url: str, *, channel: str) -> None:
        """Connect when it is needed."""
        self._url, self._channel = url, channel
        self._plug: Plug | None = None

    def send(self) -> None:
        """Ring once."""
        if self._plug is None:
            self._plug = Plug.connect(self._url)
        self._plug.ask("PUBLISH", self._channel, "")

    def receive(self, wake: Wake, *, stop: int) -> None:
        """Call ``wake`` when connected and at every ring, until ``stop`` can be read."""
        plug = Plug.connect(self._url)
        with plug.socket:
            plug.ask("SUBSCRIBE", self._channel)
            wake()
            asked, watched = False, [plug.socket.fileno(), stop]
            while True:
                ready = select.select(watched, [], [], IDLE_SECONDS)[0]
                if stop in ready:
                    return
                if not ready:
                    if asked:
                        raise TimeoutError("the server has fallen silent")
                    plug.say("PING")
                    asked = True
                    continue
                plug.hear()  # rings, or the answer to our question: then we look once in vain
                asked = False
                wake()

    def close(self) -> None:
        """Forget the connection that sends."""
        plug, self._plug = self._plug, None
        if plug is not None:
            plug.socket.close()
