"""What a hot path needs of a request, whatever server brought it: a few headers as text, the sender, the body.

A request on a hot path has microseconds, so nothing is parsed that one search will find; whatever is out of the
ordinary (a name that comes twice, a quoted value) takes the same way as everywhere else.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from django.conf import settings
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from kaiying.wire import brakes
from kaiying.wire.brakes import client_address

JSON = b"application/json"
LONGEST_PREFERENCE = 256


@dataclass(slots=True)
class Asking:
    """One request: its headers by their names in lower case, each once, and whoever is at the other end."""

    headers: Mapping[bytes, bytes]
    peer: str = ""
    body: bytes = b""

    def text(self, name: bytes) -> str:
        """Return a header, or nothing."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def cookies(self) -> str:
        """The cookies as they came."""
        return self.text(b"cookie")

    @property
    def language(self) -> str:
        """The language the reader chose, else the one the browser prefers, else ours."""
        name, cookies = settings.LANGUAGE_COOKIE_NAME, self.cookies
        chosen = cookie_of(cookies, name) if name in cookies else ""
        return language_of(chosen, self.text(b"accept-language")[:LONGEST_PREFERENCE])

    @property
    def is_ours(self) -> bool:
        """Whether one of our own pages sent it. A browser says where a request comes from; silence is not ours."""
        get = self.headers.get
        return is_same_origin(get(b"sec-fetch-site"), get(b"origin"), get(b"host", b""))

    @property
    def address(self) -> str:
        """The address of whoever asks: the peer's, or what our proxies saw."""
        forwarded = self.text(b"x-forwarded-for")
        return client_address(self.peer, forwarded, proxies=brakes.current().proxies) if forwarded else self.peer

    @property
    def is_json(self) -> bool:
        """Whether the body is said to be JSON."""
        kind = self.headers.get(b"content-type", b"")
        return kind == JSON or kind.partition(b";")[0].strip().lower() == JSON

    @property
    def is_whole(self) -> bool:
        """Whether the body is as long as was said: nothing more can come."""
        return self.headers.get(b"content-length") == b"%d" % len(self.body)


def joined(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Return headers by name; those that came more than once are joined as HTTP says."""
    found = dict(headers)
    if len(found) != len(headers):
        for name in found:
            found[name] = (b"; " if name == b"cookie" else b", ").join(value for one, value in headers if one == name)
    return found


def cookie_of(header: str, name: str) -> str:
    """Return one cookie's value, or nothing; the same as parsing them all, for less."""
    if header.count(name) != 1:
        return parse_cookie(header).get(name, "") if name in header else ""
    plain = _plain(name).search(header)
    return plain[1] if plain else parse_cookie(header).get(name, "")


def is_same_origin(site: bytes | None, origin: bytes | None, host: bytes) -> bool:
    """Tell whether a browser says that one of our own pages sent this."""
    if (site is None and origin is None) or (site is not None and site != b"same-origin"):
        return False
    if origin is None:
        return True
    scheme, _, place = origin.partition(b"://")
    ours = bool(place) and place == host and scheme in {b"http", b"https"}
    return ours or origin.decode("latin-1") in settings.CSRF_TRUSTED_ORIGINS


@cache
def _plain(name: str) -> re.Pattern[str]:
    """Match one cookie that comes once and whose value is nothing out of the ordinary."""
    return re.compile(rf"(?:^|; ){re.escape(name)}=([\w.=%/+-]+)(?:;|$)", re.ASCII)


@lru_cache(maxsize=1024)
def language_of(chosen: str, preferred: str) -> str:
    """Return the language of a cookie, else the first of ``Accept-Language`` that we speak, else ours."""
    codes = (code for code, _weight in parse_accept_lang_header(preferred))
    for code in filter(None, (chosen, *codes)):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
