"""What wakes open pages of other processes when there is news, chosen by ``KAIYING_EVENTS``."""

from collections.abc import Mapping
from typing import Any

from kaiying.wire.bus import Carrier
from kaiying.wire.bus_postgres import Postgres
from kaiying.wire.bus_redis import Redis
from kaiying.wire.passes import Keys

AUTO, POLL, NOTIFY = "auto", "poll", "notify"
REDIS = ("redis://", "rediss://")


def makes_sense(wanted: str) -> bool:
    """Tell whether ``KAIYING_EVENTS`` may be this."""
    return wanted in {AUTO, POLL, NOTIFY} or wanted.startswith(REDIS)


def carrier(wanted: str, *, postgres: bool) -> Carrier | None:
    """Return what carries rings; ``None`` where everybody looks at the table by themselves."""
    if wanted.startswith(REDIS):
        return Redis(wanted, channel=f"kaiying:events:{Keys.of('events-bus').ring[0].hex()[:16]}")
    if postgres and wanted in {AUTO, NOTIFY}:
        return Postgres(_parameters)
    return None


def _parameters() -> Mapping[str, Any]:
    """Return how Django connects, but for what concerns its own cursors."""
    from django.db import connection  # noqa: PLC0415 — settings are read before there is a connection

    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name not in {"cursor_factory", "context"}}
