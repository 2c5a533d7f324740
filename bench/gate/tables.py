"""The final read: what the tables of an offer hold, by plain SQL and without the product."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

LIVE = {"held", "paid"}

type Moment = str | datetime | None


@dataclass(frozen=True, slots=True)
class Tier:
    """One step of the ladder, as the table holds it."""

    pk: int
    price: int
    capacity: int
    used: int


@dataclass(frozen=True, slots=True)
class Row:
    """One claim, as the table holds it; moments are seconds of the product's own clock."""

    learner: int
    seat: int
    tier: int
    price: int
    max_price: int
    key: str
    state: str
    held_until: float
    ended_at: float | None = None

    @property
    def is_live(self) -> bool:
        """Whether it holds its seat."""
        return self.state in LIVE


@dataclass(slots=True)
class Tables:
    """The final read."""

    seats_total: int
    tiers: dict[int, Tier]
    seats: dict[int, tuple[str, int]]
    claims: list[Row]


def read_sqlite(path: Path, slug: str) -> Tables:
    """Read the tables of an offer from a SQLite file, without changing it."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    try:
        connection.execute("BEGIN")
        return _read(lambda text, *values: connection.execute(text, values).fetchall(), slug)
    finally:
        connection.close()


def read_postgres(url: str, slug: str) -> Tables:
    """Read the tables of an offer from PostgreSQL, at one moment."""
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _read(lambda text, *values: connection.execute(text.replace("?", "%s"), values).fetchall(), slug)


def _read(ask: Any, slug: str) -> Tables:
    [(offer, total)] = ask("SELECT id, seats_total FROM offers_offer WHERE slug = ?", slug)
    tiers = ask("SELECT id, price, capacity, held + paid FROM offers_pricetier WHERE offer_id = ?", offer)
    seats = ask("SELECT number, state, tier_id FROM offers_seat WHERE offer_id = ?", offer)
    claims = ask(
        "SELECT learner_id, seat_number, tier_id, price, max_price, key, state, held_until, ended_at"
        " FROM offers_claim WHERE offer_id = ? ORDER BY id",
        offer,
    )
    return Tables(
        seats_total=total,
        tiers={tier[0]: Tier(*tier) for tier in tiers},
        seats={number: (state, tier) for number, state, tier in seats},
        claims=[_claim(row) for row in claims],
    )


def _claim(row: Sequence[Any]) -> Row:
    learner, seat, tier, price, most, key, state, until, ended = row
    return Row(learner, seat, tier, price, most, key, state, _seconds(until) or 0.0, _seconds(ended))


def _seconds(moment: Moment) -> float | None:
    """Return a moment as seconds; SQLite keeps UTC as text without a zone."""
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment if "+" in moment else f"{moment}+00:00")
    return moment.timestamp()
