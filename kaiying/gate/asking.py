"""What a hot path needs of a request, whatever server brought it: a few headers as text, the sender, the body.

A request on a hot path has microseconds, so nothing is parsed that one search will find; whatever is out of the
ordinary (a name that comes twice, a quoted value) takes the same way as everywhere else.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings
from django.http import parse_cookie
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from kaiying.wire import brakes
from kaiying.wire.brakes import client_address

LONGEST_PREFERENCE = 256
SIMPLE = re.compile(r"[\w.=%/+-]+", re.ASCII)


@dataclass(slots=True)
class Asking:
    """One request. Headers that came more than once are joined as HTTP says; ``None`` and empty: not there."""

    body: bytes = b""
    length: str = ""
    cookie: str = ""
    host: str = ""
    kind: str = ""
    languages: str = ""
    forwarded: str = ""
    origin: str | None = None
    site: str | None = None
    peer: str = ""

    @property
    def language(self) -> str:
        """The language the reader chose, else the one the browser prefers, else ours."""
        return language_of(cookie_of(self.cookie, settings.LANGUAGE_COOKIE_NAME), self.languages[:LONGEST_PREFERENCE])

    @property
    def is_ours(self) -> bool:
        """Whether one of our own pages sent it. A browser says where a request comes from; silence is not ours."""
        return is_same_origin(self.site, self.origin, self.host)

    @property
    def address(self) -> str:
        """The address of whoever asks: the peer's, or what our proxies saw."""
        if not self.forwarded:
            return self.peer
        return client_address(self.peer, self.forwarded, proxies=brakes.current().proxies)

    @property
    def is_json(self) -> bool:
        """Whether the body is said to be JSON."""
        return self.kind == "application/json" or self.kind.partition(";")[0].strip().lower() == "application/json"


def cookie_of(header: str, name: str) -> str:
    """Return one cookie's value, or nothing; the same as parsing them all, for less."""
    wanted = f"{name}="
    start = header.find(wanted)
    if start < 0:
        return parse_cookie(header).get(name, "") if name in header else ""
    stop = header.find(";", start)
    value = header[start + len(wanted) : stop if stop > 0 else len(header)]
    plain = start == 0 or header.startswith("; ", start - 2)
    if not plain or not SIMPLE.fullmatch(value) or header.find(wanted, start + 1) > 0:
        return parse_cookie(header).get(name, "")
    return value


def is_same_origin(site: str | None, origin: str | None, host: str) -> bool:
    """Tell whether a browser says that one of our own pages sent this."""
    if (site is None and origin is None) or (site is not None and site != "same-origin"):
        return False
    if origin is None or origin in {f"http://{host}", f"https://{host}"}:
        return bool(origin is None or host)
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    return bool(urlsplit(origin).netloc) and urlsplit(origin).netloc == host


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
