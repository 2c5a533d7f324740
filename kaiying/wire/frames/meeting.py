"""Where fronts and writer meet, and how each makes sure that the other knows the install's secret.

The writer sends a nonce; the front answers with a nonce of its own and a signature over both; the writer signs both in
turn. Nothing else is read before that. The frames themselves are neither signed nor secret: between machines they
belong in a private network, as the connection to the database does.
"""

import hmac
import os
import secrets
import socket
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from kaiying.wire.frames.format import VERSION, BadFrame, Packed
from kaiying.wire.passes import Keys

PURPOSE = "frames"
PATIENCE = 5.0
LARGEST = 1024
BACKLOG = 128
LONGEST_PATH = 100
HELLO = "kaiying frames"


class BadAddress(ValueError):
    """The address names no place to meet."""


@dataclass(frozen=True, slots=True)
class Address:
    """A unix socket by its path, or a TCP port."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``unix:/path``, ``tcp://host:port`` or ``host:port``; raises ``BadAddress``."""
        if text.startswith("unix:"):
            path = text.removeprefix("unix:").removeprefix("//")
            path = str(Path(path).absolute()) if path else ""
            if len(os.fsencode(path)) > LONGEST_PATH:
                raise BadAddress(f"{path} is too long for a socket, which may have {LONGEST_PATH} bytes")
            if path:
                return cls(path=path)
        else:
            try:
                parts = urlsplit(text if "://" in text else f"tcp://{text}")
                if parts.scheme == "tcp" and parts.hostname and parts.port:
                    return cls(host=parts.hostname, port=parts.port)
            except ValueError:
                pass
        raise BadAddress(f"“{text}” is neither unix:/path nor host:port")

    def __str__(self) -> str:
        """Show what ``parse`` reads."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"unix:{self.path}" if self.path else f"tcp://{host}:{self.port}"

    def bind(self) -> socket.socket:
        """Return a socket that listens here; a unix socket is for its owner alone."""
        if not self.path:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            listening = socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        else:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            self.clear()
            listening = socket.socket(socket.AF_UNIX)
            before = os.umask(0o177)
            try:
                listening.bind(self.path)
            finally:
                os.umask(before)
            listening.listen(BACKLOG)
        listening.setblocking(False)  # noqa: FBT003 — the method's own form
        return listening

    def clear(self) -> None:
        """Remove the socket that a writer left behind; who calls this has made sure to be the only writer."""
        path = Path(self.path)
        if self.path and path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()


def key_ring() -> Keys:
    """Return the keys that prove that somebody belongs to this install."""
    return Keys.of(PURPOSE)


def nonce() -> str:
    """Return something that was never said before."""
    return secrets.token_hex(16)


def hello(mine: str) -> Packed:
    """Return what the writer says first."""
    return [HELLO, VERSION, mine]


def prove(keys: Keys, hello: Packed, mine: str) -> Packed:
    """Return the front's answer to the writer's hello; raises ``BadFrame``."""
    match hello:
        case [str(name), int(version), str(theirs)] if name == HELLO:
            if version != VERSION:
                raise BadFrame(f"the writer speaks version {version}, this front {VERSION}")
            return [VERSION, mine, _sign(keys.ring[0], "front", theirs, mine)]
    raise BadFrame("no writer answers here")


def admit(keys: Keys, proof: Packed, mine: str) -> Packed:
    """Return the writer's welcome to a front that proved itself; raises ``BadFrame``."""
    match proof:
        case [int(version), str(theirs), str(signature)] if version == VERSION:
            for key in keys.ring:
                if hmac.compare_digest(_sign(key, "front", mine, theirs).encode(), signature.encode()):
                    return ["welcome", _sign(key, "writer", mine, theirs)]
    raise BadFrame("the front does not know the secret")


def trust(keys: Keys, welcome: Packed, theirs: str, mine: str) -> None:
    """Make sure that the writer knows the secret too; raises ``BadFrame``."""
    match welcome:
        case ["welcome", str(signature)]:
            signed = _sign(keys.ring[0], "writer", theirs, mine)
            if hmac.compare_digest(signed.encode(), signature.encode()):
                return
    raise BadFrame("the writer does not know the secret")


def _sign(key: bytes, who: str, *nonces: str) -> str:
    return hmac.digest(key, " ".join((who, *nonces)).encode(), sha256).hex()
