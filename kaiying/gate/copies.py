"""A page kept for a moment, cut where a visitor's own secrets go: the nonce of its policy, the token of its forms.

It was rendered for one whose nonce and token secret we know, so that every place of them is found. What stands between
those places is compressed once; the few random characters of each answer go in uncompressed.
"""

import re
import zlib
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CSRF_SECRET_LENGTH, CSRF_TOKEN_LENGTH, CsrfViewMiddleware, get_token

from kaiying.gate.request import Header

NONCE = re.compile(rb"'nonce-([\w=-]+)'")
TOKEN = re.compile(rb"(?<![A-Za-z0-9])[A-Za-z0-9]{%d}(?![A-Za-z0-9])" % CSRF_TOKEN_LENGTH)
POLICY = b"content-security-policy"
OF_THE_COPY = {b"set-cookie", b"content-length", b"date", b"server"}
LETTERS = (ascii_letters + digits).encode()

GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
GZIP_END = b"\x03\0"

_csrf = CsrfViewMiddleware(lambda _request: HttpResponse())


class Own(NamedTuple):
    """What one visitor gets of their own: the nonce, the token in the forms, and the cookie that goes with it."""

    nonce: bytes
    token: bytes
    cookie: bytes

    @classmethod
    def of(cls, cookie: str | None, *, nonce: str) -> "Own":
        """Make a token for the secret in a visitor's cookie, or for a new one, as Django itself does."""
        request, response = HttpRequest(), HttpResponse()
        if cookie is not None:
            request.COOKIES[settings.CSRF_COOKIE_NAME] = cookie
        _csrf.process_request(request)
        token = get_token(request)
        _csrf.process_response(request, response)
        return cls(nonce.encode(), token.encode(), response.cookies[settings.CSRF_COOKIE_NAME].OutputString().encode())


class Copy:
    """One rendered page without the secrets of whom it was rendered for."""

    def __init__(self, headers: list[Header], body: bytes, *, secret: bytes) -> None:
        """Cut a page that was rendered for the CSRF secret ``secret``."""
        policy = next((value for name, value in headers if name.lower() == POLICY), b"")
        found = NONCE.search(policy)  # there is none when the page has nothing to vouch for
        self._policy = policy.split(found[1]) if found else [policy]
        self._headers = [pair for pair in headers if pair[0].lower() not in OF_THE_COPY | {POLICY}]
        self._pieces, self._nonces, self._tokens = _cut(body, found[1] if found else b"", secret)
        self._packed = [_deflate(piece) for piece in self._pieces]

    def headers(self, own: Own) -> list[Header]:
        """Return the headers of one visitor's answer, but for those of its length and coding."""
        cookie = [(b"set-cookie", own.cookie)] if self._tokens else []
        return [*self._headers, (POLICY, own.nonce.join(self._policy)), (b"vary", b"Accept-Encoding"), *cookie]

    def body(self, own: Own) -> bytes:
        """Return one visitor's page."""
        return b"".join(self._filled(self._pieces, own.nonce, own.token))

    def packed(self, own: Own) -> bytes:
        """Return one visitor's page as gzip."""
        plain = self.body(own)
        parts = self._filled(self._packed, _stored(own.nonce), _stored(own.token))
        tail = zlib.crc32(plain).to_bytes(4, "little") + (len(plain) & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join([GZIP_HEAD, *parts, GZIP_END, tail])

    def _filled(self, pieces: list[bytes], nonce: bytes, token: bytes) -> list[bytes]:
        parts = pieces.copy()
        for place in self._nonces:
            parts[place] = nonce
        for place in self._tokens:
            parts[place] = token
        return parts


def _cut(body: bytes, nonce: bytes, secret: bytes) -> tuple[list[bytes], list[int], list[int]]:
    """Return the pieces of a page with empty ones for its secrets, and where those for nonces and tokens are."""
    pieces: list[bytes] = []
    places: dict[bool, list[int]] = {True: [], False: []}
    here = 0
    for start, stop, is_nonce in sorted([*_nonces(body, nonce), *_tokens(body, secret)]):
        pieces += [body[here:start], b""]
        places[is_nonce].append(len(pieces) - 1)
        here = stop
    pieces.append(body[here:])
    return pieces, places[True], places[False]


def _nonces(body: bytes, nonce: bytes) -> Iterator[tuple[int, int, bool]]:
    for found in re.finditer(re.escape(nonce), body) if nonce else ():
        yield found.start(), found.end(), True


def _tokens(body: bytes, secret: bytes) -> Iterator[tuple[int, int, bool]]:
    """Find each token: half a mask, half the secret moved on by it, so every one of them looks different."""
    for found in TOKEN.finditer(body):
        pairs = zip(found[0][CSRF_SECRET_LENGTH:], found[0][:CSRF_SECRET_LENGTH], strict=True)
        if bytes(LETTERS[LETTERS.index(moved) - LETTERS.index(by)] for moved, by in pairs) == secret:
            yield found.start(), found.end(), False


def _deflate(piece: bytes) -> bytes:
    """Compress a piece so that it ends at a byte and refers to nothing before it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH) if piece else b""


def _stored(text: bytes) -> bytes:
    """Return a few bytes as a block that is not compressed."""
    size = len(text).to_bytes(2, "little")
    return b"\0" + size + bytes(255 - one for one in size) + text
