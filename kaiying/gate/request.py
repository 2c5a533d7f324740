"""What a bare ASGI handler needs of a request, and the way to refuse one."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation import gettext_noop as _

from kaiying.gate.asking import LONGEST_PREFERENCE, is_same_origin, joined, language_of
from kaiying.wire import clock
from kaiying.wire.entry import COOKIE, Entry, read_entry
from kaiying.wire.passes import BadPass

type Message = MutableMapping[str, Any]
type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]
type Header = tuple[bytes, bytes]

SLOWEST_BODY = 10.0
LONGEST_QUERY = 8192


class Denied(Exception):
    """The request is refused: a status, a code for programs, and a text for people (translated when it is sent)."""

    def __init__(self, status: int, code: str, text: str, *, retry_after: float | None = None, **facts: object) -> None:
        """Keep what the answer will say."""
        super().__init__(code)
        self.status, self.code, self.text, self.facts, self.retry_after = status, code, text, facts, retry_after

    def said(self) -> dict[str, str]:
        """Return the answer's body in the active language."""
        text = translation.gettext(self.text)
        return {"code": self.code, "text": text % self.facts if self.facts else text}


class Request:
    """One HTTP request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        """Wrap what the server gave."""
        self.scope, self.receive = scope, receive
        self.method: str = scope["method"]
        self.path: str = scope["path"]

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers by lower-case name; repeated ones are joined as HTTP says."""
        found: dict[str, str] = {}
        for raw_name, raw_value in self.scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            separator = "; " if name == "cookie" else ", "
            found[name] = f"{found[name]}{separator}{value}" if name in found else value
        return found

    @cached_property
    def query(self) -> dict[str, str]:
        """Query parameters; the last of a name wins."""
        raw = self.scope["query_string"]
        if len(raw) > LONGEST_QUERY:
            raise Denied(414, "too_long", _("The address is too long."))
        return dict(parse_qsl(raw.decode("latin-1"), keep_blank_values=True))

    @cached_property
    def cookies(self) -> dict[str, str]:
        """Cookies by name."""
        return parse_cookie(self.headers.get("cookie", ""))

    @cached_property
    def entry(self) -> Entry | None:
        """Who is there by the entry pass; ``None`` for a visitor, and for a pass that is no good."""
        try:
            return read_entry(self.cookies.get(COOKIE, ""), at=clock.now())
        except BadPass:
            return None

    @cached_property
    def language(self) -> str:
        """The language the reader chose, else the one the browser prefers, else ours."""
        chosen = self.cookies.get(settings.LANGUAGE_COOKIE_NAME, "")
        return language_of(chosen, self.headers.get("accept-language", "")[:LONGEST_PREFERENCE])

    def allow(self, *methods: str) -> None:
        """Refuse every other method."""
        if self.method not in methods:
            raise Denied(405, "method", _("This address does not answer that kind of request."))

    def same_origin(self) -> None:
        """Refuse what a page of another site sent. A browser says where a request comes from; silence is refused."""
        get = joined(self.scope["headers"]).get
        if not is_same_origin(get(b"sec-fetch-site"), get(b"origin"), get(b"host", b"")):
            raise Denied(403, "foreign", _("This may only be sent from our own pages."))

    async def body(self, *, limit: int) -> bytes:
        """Read the whole body; refuses more than ``limit`` bytes, and senders that dawdle."""
        too_big = Denied(413, "too_big", _("That is more than can be sent at once."))
        if int(self.headers.get("content-length", "0").partition(",")[0] or 0) > limit:
            raise too_big
        parts, size = [], 0
        try:
            async with asyncio.timeout(SLOWEST_BODY):
                while True:
                    message = await self.receive()
                    if message["type"] == "http.disconnect":
                        raise Gone
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > limit:
                        raise too_big
                    if not message.get("more_body", False):
                        return b"".join(parts)
        except TimeoutError:
            raise Denied(408, "too_slow", _("The request took too long to arrive.")) from None


class Gone(Exception):
    """The client hung up; nobody waits for an answer."""
