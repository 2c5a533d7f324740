"""Signed tokens that say what their bearer may do, and until when.

``1.<key id>.<payload>.<signature>``: HMAC-SHA256 over everything before the last dot, all parts base64url. A pass is
not secret writing: anyone can read its payload. Each purpose has a key of its own, so that a pass made for one thing
never opens another. Several secrets may be configured: the first signs, the others are still believed.
"""

import hmac
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self

VERSION = "1"
LONGEST = 4096
SHORTEST_SECRET = 16
PARTS = 4
NUMBER = (int, float)

_parse = json.JSONDecoder().decode

_secrets: tuple[str, ...] = ()


class BadPass(Exception):
    """The pass is not ours, was changed, or is over; ``reason`` is for logs, never for its bearer."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Keys:
    """The signing keys of one purpose, newest first."""

    ring: tuple[bytes, ...]

    @classmethod
    @lru_cache(maxsize=64)  # the edge asks for the same few with every request
    def derive(cls, purpose: str, *secrets: str) -> Self:
        """Derive one key per secret for ``purpose``."""
        return cls(
            tuple(hmac.digest(secret.encode(), b"kaiying pass: " + purpose.encode(), sha256) for secret in secrets)
        )

    @classmethod
    def of(cls, purpose: str) -> Self:
        """Return the keys of ``purpose`` under the configured secrets."""
        if not _secrets:
            message = "passes.configure(secret) was not called"
            raise RuntimeError(message)
        return cls.derive(purpose, *_secrets)

    def find(self, key_id: str) -> bytes | None:
        """Return the key that ``key_id`` names."""
        return next((key for key in self.ring if _key_id(key) == key_id), None)


def configure(*secrets: str) -> None:
    """Set the secrets all keys derive from: the current one first, then those still believed."""
    if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        message = f"passes need secrets of at least {SHORTEST_SECRET} characters"
        raise ValueError(message)
    global _secrets  # noqa: PLW0603 — one process has one set of secrets
    _secrets = secrets


def issue(payload: Mapping[str, Any], *, key: Keys | str, until: datetime) -> str:
    """Sign ``payload``; ``x`` in it is taken: it holds the end, in seconds since 1970."""
    secret = _ring(key).ring[0]
    body = json.dumps(
        {**payload, "x": math.floor(until.timestamp() * 1000) / 1000},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    head = f"{VERSION}.{_key_id(secret)}.{_encode(body.encode())}"
    return f"{head}.{_encode(_sign(secret, head))}"


def read(token: str, *, key: Keys | str, at: datetime) -> dict[str, Any]:
    """Return the payload of a pass that is ours and not over at ``at``; raises ``BadPass``."""
    if len(token) > LONGEST or not token.isascii():
        raise BadPass("shape")
    head, _, signature = token.rpartition(".")
    parts = head.split(".")
    if len(parts) != PARTS - 1 or parts[0] != VERSION:
        raise BadPass("shape")
    secret = _ring(key).find(parts[1])
    if secret is None:
        raise BadPass("key")
    if not hmac.compare_digest(_encode(_sign(secret, head)), signature):
        raise BadPass("signature")
    payload = _payload(parts[2])
    if at.timestamp() >= payload["x"]:
        raise BadPass("over")
    return payload


def ends_at(payload: Mapping[str, Any]) -> datetime:
    """Return the moment from which the pass of this payload is over."""
    return datetime.fromtimestamp(payload["x"], UTC)


def _payload(encoded: str) -> dict[str, Any]:
    try:
        payload = _parse(_decode(encoded).decode())
    except ValueError:
        raise BadPass("payload") from None
    until = payload.get("x") if isinstance(payload, dict) else None
    if not isinstance(until, NUMBER) or isinstance(until, bool) or not math.isfinite(until):
        raise BadPass("payload")
    return payload  # type: ignore[no-any-return]


def _ring(key: Keys | str) -> Keys:
    return Keys.derive("", key) if isinstance(key, str) else key


def _sign(key: bytes, head: str) -> bytes:
    # Not hmac.digest: that gives other threads the interpreter for two microseconds of work, and in a busy process
    # waits twenty for it to come back.
    signing = _keyed(key).copy()
    signing.update(head.encode())
    return signing.digest()


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod=sha256)


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> str:
    return sha256(b"id" + key).hexdigest()[:6]


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
