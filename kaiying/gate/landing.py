"""Landing pages for a crowd: whoever we know nothing of gets a copy of a second at most, rendered by one at a time.

A copy is kept by host, path, language, colours and scheme, and for nothing else: whoever brings a session, an entry
pass, a message, or any cookie we do not know, goes to Django. Secrets are never shared (see ``copies``).
"""

import asyncio
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.middleware.csrf import CSRF_SECRET_LENGTH
from django.utils.crypto import get_random_string

from kaiying.gate.asking import cookie_of, language_of
from kaiying.gate.copies import Copy, Own
from kaiying.gate.replies import end, pack, start
from kaiying.gate.request import App, Header, Message, Receive, Scope, Send
from kaiying.web.context import THEME_COOKIE, THEMES

logger = logging.getLogger(__name__)

KEPT = re.compile(r"/c/[-\w]{1,60}/(?:numbers/)?", re.ASCII)
RENEWED_AFTER = 0.5
"""Seconds after which a copy is rendered anew, while it is still handed out."""
FRESH = 1.0
"""Seconds for which a copy is handed out, whatever happens."""
STALE = 3.0
"""The same to others while somebody waits for a new one."""
PATIENCE = 10.0
MOST_COPIES = 64
LARGEST = 1024 * 1024
LONGEST_QUERY = 1024
LONGEST_PREFERENCE = 256

CAMPAIGN = re.compile(r"utm_[a-z]{1,20}|from|isappinstalled|scene|spm|gclid|fbclid", re.ASCII)
"""What messengers and campaigns add to a link; the page is the same without it."""

GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|\Z))")

FOREIGN = ("_", "cf_")
"""How the cookies of what may stand in front of us begin; ours never do."""


class Key(NamedTuple):
    """All that a visitor's page depends on."""

    host: str
    path: str
    language: str
    theme: str
    scheme: str


@dataclass(slots=True)
class Shelf:
    """The place of one copy."""

    copy: Copy | None = None
    made_at: float = float("-inf")
    making: asyncio.Task[Copy | None] | None = None


class Landing:
    """Copies of landing pages, in front of Django."""

    def __init__(self, pages: App, *, now: Callable[[], float] = time.monotonic) -> None:
        """Have ``pages`` render what is not there."""
        self._pages, self._now = pages, now
        self._shelves: OrderedDict[Key, Shelf] = OrderedDict()

    async def answers(self, scope: Scope, send: Send) -> bool:
        """Answer a request with a copy; ``False`` if it is not one for copies, and was not answered."""
        headers = _headers(scope)
        key = key_of(scope, headers)
        copy = await self._copy(key, scope) if key is not None else None
        if copy is None:
            return False
        cookie = cookie_of(headers.get("cookie", ""), settings.CSRF_COOKIE_NAME) or None
        own = Own.of(cookie, nonce=secrets.token_urlsafe(16))
        coding = {"content-encoding": "gzip"} if GZIP.search(headers.get("accept-encoding", "")) else {}
        body = copy.packed(own) if coding else copy.body(own)
        extra = pack({**coding, "content-length": len(body)})
        await start(send, 200, [*copy.headers(own), *extra])
        await end(send, b"" if scope["method"] == "HEAD" else body)
        return True

    async def _copy(self, key: Key, scope: Scope) -> Copy | None:
        """Return a copy that is fresh enough, making it if nobody does; ``None`` for what is not kept."""
        shelf = self._shelves.setdefault(key, Shelf())
        self._shelves.move_to_end(key)
        if len(self._shelves) > MOST_COPIES:
            self._shelves.popitem(last=False)
        age = self._now() - shelf.made_at
        if age < RENEWED_AFTER:
            return shelf.copy
        others_wait = shelf.making is not None
        making = shelf.making or self._make(key, shelf, scope)
        if age < FRESH or (age < STALE and others_wait):
            return shelf.copy
        return await asyncio.shield(making)

    def _make(self, key: Key, shelf: Shelf, scope: Scope) -> asyncio.Task[Copy | None]:
        begun = self._now()  # what the page says is at least as new as this

        def made(task: asyncio.Task[Copy | None]) -> None:
            shelf.making = None
            copy = None if task.cancelled() else task.result()
            shelf.copy, shelf.made_at = copy, begun if copy is not None else float("-inf")
            if copy is None and self._shelves.get(key) is shelf:
                del self._shelves[key]

        shelf.making = asyncio.create_task(self._render(key, scope))
        shelf.making.add_done_callback(made)
        return shelf.making

    async def _render(self, key: Key, scope: Scope) -> Copy | None:
        """Have the page rendered for nobody in particular; ``None`` if the answer is not to be kept."""
        secret = get_random_string(CSRF_SECRET_LENGTH)
        asked = {**scope, "method": "GET", "query_string": b"", "headers": _plain_headers(key, secret)}
        answer = _Answer()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pages(asked, _no_body(), answer.take)
            if not answer.is_kept:
                return None
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, lambda: Copy(answer.headers, answer.body, secret=secret.encode()))
        except Exception:
            logger.exception("The landing page %s cannot be kept.", key.path)
            return None


class _Answer:
    """What came back from the pages."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, list[Header](), b""

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], [*message["headers"]]
        elif len(self.body) <= LARGEST:
            self.body += message.get("body", b"")

    @property
    def is_kept(self) -> bool:
        """Whether anyone may have it: a whole page, with no cookie but that of its forms."""
        names = [name.lower() for name, _value in self.headers]
        token = f"{settings.CSRF_COOKIE_NAME}=".encode()
        cookies = [value for name, value in self.headers if name.lower() == b"set-cookie"]
        return (
            self.status == 200  # noqa: PLR2004 — a page that is there
            and b"content-encoding" not in names
            and all(cookie.startswith(token) for cookie in cookies)
            and len(self.body) <= LARGEST
        )


def key_of(scope: Scope, headers: dict[str, str]) -> Key | None:
    """Return what this visitor's page depends on; ``None`` if they are somebody, or ask for something else."""
    if scope["method"] not in {"GET", "HEAD"} or not KEPT.fullmatch(scope["path"]) or "authorization" in headers:
        return None
    cookie = headers.get("cookie", "")
    if not _is_plain_link(scope["query_string"]) or not _is_nobody(cookie) or "hx-request" in headers:
        return None
    scheme = headers.get("x-forwarded-proto", "")
    theme = cookie_of(cookie, THEME_COOKIE)
    language = language_of(
        cookie_of(cookie, settings.LANGUAGE_COOKIE_NAME), headers.get("accept-language", "")[:LONGEST_PREFERENCE]
    )
    if scheme not in {"", "http", "https"}:
        return None
    return Key(headers.get("host", ""), scope["path"], language, theme if theme in THEMES else "", scheme)


def _is_plain_link(query: bytes) -> bool:
    if not query:
        return True
    if len(query) > LONGEST_QUERY:
        return False
    return all(CAMPAIGN.fullmatch(name) for name, _value in parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def _is_nobody(cookie: str) -> bool:
    """Tell whether all cookies are those that say nothing of who it is; one that we do not know may say it."""
    known = {settings.CSRF_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME, THEME_COOKIE, ""}
    names = (part.partition("=")[0].strip() for part in cookie.split(";"))
    return all(name in known or name.startswith(FOREIGN) for name in names)


def _headers(scope: Scope) -> dict[str, str]:
    """Return headers by name; a cookie that came in parts is one again."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}; {value}" if name in found else value
    return found


def _plain_headers(key: Key, secret: str) -> list[Header]:
    theme = f"; {THEME_COOKIE}={key.theme}" if key.theme else ""
    said = {
        "host": key.host,
        "accept-language": key.language,
        "cookie": f"{settings.CSRF_COOKIE_NAME}={secret}{theme}",
    }
    return pack({**said, "x-forwarded-proto": key.scheme} if key.scheme else said)


def _no_body() -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
