"""The address of a PostgreSQL, which may be several servers of which one may be written to.

``postgresql://user:password@host:5432/name?sslmode=require``; several as ``host1:5432,host2:5432``. Then each new
connection looks for the one that takes writes, so after a standby was promoted nothing has to be set anew.
"""

from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

PORT = "5432"
GONE_AFTER = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
"""How soon a server that vanished without a word is given up; by default that takes a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the database is, as libpq wants it: lists with commas."""

    name: str
    user: str
    password: str
    hosts: str
    ports: str
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, url: str) -> Self:
        """Take an address apart."""
        parts = urlsplit(url)
        who, _at, where = parts.netloc.rpartition("@")
        user, _colon, password = who.partition(":")
        places = [_place(place) for place in where.split(",")]
        several = len(places) > 1
        options: dict[str, Any] = {"connect_timeout": 5, **GONE_AFTER}
        if several:
            options["target_session_attrs"] = "read-write"
        return cls(
            name=unquote(parts.path.lstrip("/")),
            user=unquote(user),
            password=unquote(password),
            hosts=",".join(host for host, _port in places),
            ports=",".join(port or (PORT if several else "") for _host, port in places),
            options=options | dict(parse_qsl(parts.query)),
        )


def _place(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, _bracket, port = text[1:].partition("]")
        return host, port.removeprefix(":")
    host, _colon, port = text.partition(":")
    return unquote(host), port
