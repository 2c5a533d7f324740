"""Signed tokens that say what their bearer may do, and until when.

``2.<key id>.<until>.<payload>.<signature>``: keyed BLAKE2b (RFC 7693, 160 bits, in hexadecimal) over everything before
the last dot; ``until`` in milliseconds since 1970. A pass is not secret writing: anyone can read its payload. Each
purpose has a key of its own, so that a pass made for one thing never opens another. Several secrets may be configured:
the first signs, the others are still believed.

``issue`` and ``read`` carry JSON. A hot path seals a few plain characters instead.
"""

import hmac
import json
import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b, sha256
from typing import Any, Self

VERSION = "2"
LONGEST = 4096
SHORTEST_SECRET = 16
SIGNATURE_BYTES = 20
TO_URL, FROM_URL = bytes.maketrans(b"+/", b"-_"), bytes.maketrans(b"-_", b"+/")

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
    signers: dict[str, blake2b] = field(init=False, repr=False, compare=False)
    """By the name of each key: begun with it, to be copied."""

    def __post_init__(self) -> None:
        """Name the keys."""
        signers = {_key_id(key): blake2b(key=key, digest_size=SIGNATURE_BYTES) for key in self.ring}
        object.__setattr__(self, "signers", signers)

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


def seal(text: str, *, key: Keys, until: datetime) -> str:
    """Sign a few characters: letters, digits, ``-`` and ``_``."""
    key_id, signer = next(iter(key.signers.items()))
    head = f"{VERSION}.{key_id}.{math.floor(until.timestamp() * 1000)}.{text}"
    return f"{head}.{_sign(signer, head)}"


def unseal(token: str, *, key: Keys, at: datetime) -> tuple[str, float]:
    """Return what was sealed and until when, in seconds since 1970, if it is ours and not over; raises ``BadPass``."""
    try:
        head, signature = token.rsplit(".", 1)
        version, key_id, ends, text = head.split(".")
        until = int(ends) / 1000
    except ValueError:
        raise BadPass("shape") from None
    if version != VERSION or len(token) > LONGEST or not token.isascii():
        raise BadPass("shape")
    signer = key.signers.get(key_id)
    if signer is None:
        raise BadPass("key")
    if not hmac.compare_digest(_sign(signer, head), signature):
        raise BadPass("signature")
    if at.timestamp() >= until:
        raise BadPass("over")
    return text, until


def issue(payload: Mapping[str, Any], *, key: Keys | str, until: datetime) -> str:
    """Sign ``payload``; ``x`` in it is taken: it holds the end, in seconds since 1970, when it is read."""
    said = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    encoded = b2a_base64(said, newline=False).translate(TO_URL, b"=").decode()
    return seal(encoded, key=_ring(key), until=until)


def read(token: str, *, key: Keys | str, at: datetime) -> dict[str, Any]:
    """Return the payload of a pass that is ours and not over at ``at``; raises ``BadPass``."""
    encoded, until = unseal(token, key=_ring(key), at=at)
    try:
        payload: dict[str, Any] = json.loads(a2b_base64(encoded.encode().translate(FROM_URL) + b"=="))
    except ValueError:
        raise BadPass("payload") from None
    if not isinstance(payload, dict):
        raise BadPass("payload")
    return payload | {"x": until}


def ends_at(payload: Mapping[str, Any]) -> datetime:
    """Return the moment from which the pass of this payload is over."""
    return datetime.fromtimestamp(payload["x"], UTC)


def _ring(key: Keys | str) -> Keys:
    return Keys.derive("", key) if isinstance(key, str) else key


def _sign(signer: blake2b, head: str) -> str:
    signing = signer.copy()
    signing.update(head.encode())
    return signing.hexdigest()


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> str:
    return sha256(b"id" + key).hexdigest()[:6]
