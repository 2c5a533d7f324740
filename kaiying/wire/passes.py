"""Signed tokens that say what their bearer may do, and until when.

``1.<key id>.<payload>.<signature>``: HMAC-SHA256 over everything before the last dot, all parts base64url. A pass is
not secret writing: anyone can read its payload. Each purpose has a key of its own, so that a pass made for one thing
never opens another. Several secrets may be configured: the first signs, the others are still believed.
"""

import hmac
import json
import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Self

VERSION = "1"
LONGEST = 4096
SHORTEST_SECRET = 16
TO_URL, FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")

_parse = json.JSONDecoder().raw_decode

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
    signers: dict[str, hmac.HMAC] = field(init=False, repr=False, compare=False)
    """By the name of each key: begun with it, to be copied."""

    def __post_init__(self) -> None:
        """Name the keys."""
        object.__setattr__(self, "signers", {_key_id(key): hmac.new(key, digestmod=sha256) for key in self.ring})

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


def configure(*secrets: str) -> None:
    """Set the secrets all keys derive from: the current one first, then those still believed."""
    if not secrets or any(len(secret) < SHORTEST_SECRET for secret in secrets):
        message = f"passes need secrets of at least {SHORTEST_SECRET} characters"
        raise ValueError(message)
    global _secrets  # noqa: PLW0603 — one process has one set of secrets
    _secrets = secrets


def issue(payload: Mapping[str, Any], *, key: Keys | str, until: datetime) -> str:
    """Sign ``payload``; ``x`` in it is taken: it holds the end, in seconds since 1970."""
    keys = _ring(key)
    key_id = _key_id(keys.ring[0])
    body = json.dumps(
        {**payload, "x": math.floor(until.timestamp() * 1000) / 1000},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    head = b"%b.%b.%b" % (VERSION.encode(), key_id.encode(), _encode(body.encode()))
    return (b"%b.%b" % (head, _sign(keys.signers[key_id], head))).decode()


def read(token: str, *, key: Keys | str, at: datetime) -> dict[str, Any]:
    """Return the payload of a pass that is ours and not over at ``at``; raises ``BadPass``."""
    if len(token) > LONGEST or not token.isascii():
        raise BadPass("shape")
    head, _, signature = token.encode().rpartition(b".")
    try:
        version, key_id, encoded = head.decode().split(".")
    except ValueError:
        raise BadPass("shape") from None
    if version != VERSION:
        raise BadPass("shape")
    signer = _ring(key).signers.get(key_id)
    if signer is None:
        raise BadPass("key")
    if not hmac.compare_digest(_sign(signer, head), signature):
        raise BadPass("signature")
    payload = _payload(encoded)
    if at.timestamp() >= payload["x"]:
        raise BadPass("over")
    return payload


def ends_at(payload: Mapping[str, Any]) -> datetime:
    """Return the moment from which the pass of this payload is over."""
    return datetime.fromtimestamp(payload["x"], UTC)


def _payload(encoded: str) -> dict[str, Any]:
    try:
        payload, _end = _parse(a2b_base64(encoded.encode().translate(FROM_URL) + b"==").decode())
        until = payload["x"]
    except (ValueError, TypeError, LookupError):
        raise BadPass("payload") from None
    if type(until) not in {int, float} or not math.isfinite(until):
        raise BadPass("payload")
    return payload  # type: ignore[no-any-return]


def _ring(key: Keys | str) -> Keys:
    return Keys.derive("", key) if isinstance(key, str) else key


def _sign(signer: hmac.HMAC, head: bytes) -> bytes:
    # Not hmac.digest: that gives other threads the interpreter for two microseconds of work, and in a busy process
    # waits twenty for it to come back.
    signing = signer.copy()
    signing.update(head)
    return _encode(signing.digest())


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> str:
    return sha256(b"id" + key).hexdigest()[:6]


def _encode(raw: bytes) -> bytes:
    return b2a_base64(raw, newline=False).translate(TO_URL, b"=")
