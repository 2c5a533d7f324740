"""The few statements of the hot path, in the words of each database.

Through the ORM a batch costs three milliseconds before the first seat is decided, and a row five times as much. Lists
travel as one parameter, so a statement reads the same for one person and for five hundred, and is prepared once.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from kaiying.offers.actions.books import Terms, Tier

type Row = tuple[Any, ...]
type Line = Sequence[object]

AMONG = {"sqlite": "IN (SELECT value FROM json_each(%s))", "postgresql": "= ANY(%s)"}
"""How a column is compared with a list."""

NEW_CLAIMS = {
    "sqlite": "value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(%s) WHERE true",
    "postgresql": (
        "(line ->> 0)::bigint, (line ->> 1)::integer, (line ->> 2)::integer, (line ->> 3)::bigint, line ->> 4"
        " FROM json_array_elements(%s::json) AS line"
    ),
}


def rows(statement: str, *values: Any) -> list[Row]:
    """Run a statement and return what it gives."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[Row] = cursor.fetchall()
        return found


def run(statement: str, *values: Any) -> int:
    """Run a statement and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        written: int = cursor.rowcount
        return written


def among(values: Iterable[int] | Iterable[str]) -> object:
    """Return a list as the one parameter of ``AMONG``."""
    wanted = list(values)
    return wanted if connection.vendor == "postgresql" else json.dumps(wanted)


def moment(value: Any) -> datetime:
    """Read a moment: SQLite keeps UTC without saying so, and as text where it has forgotten the column's type."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    read: datetime = value if value.tzinfo else value.replace(tzinfo=UTC)
    return read


def _or_none(value: Any) -> datetime | None:
    return None if value is None else moment(value)


def adapted(at: datetime) -> Any:
    """Return a moment as the database wants it."""
    return connection.ops.adapt_datetimefield_value(at)


def lock_offers(offer_ids: Iterable[int]) -> list[Terms]:
    """Lock offers in the order of their ids. On SQLite the transaction itself is the lock: there is one writer."""
    if connection.vendor == "postgresql":
        # A planner that has never analysed a table thinks that a few hundred learners are all of them, and reads
        # everything that is sold; or that a few seats are free, and sorts them all. Every statement here has an index
        # made for it, in the order it wants.
        run("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    found = rows(
        "SELECT id, opens_at, closes_at, hold_minutes, on_return, currency, epoch FROM offers_offer"  # noqa: S608 — no text of ours comes from outside
        f" WHERE id {AMONG[connection.vendor]} ORDER BY id" + (" FOR UPDATE" * (connection.vendor == "postgresql")),
        among(offer_ids),
    )
    return [
        Terms(pk, moment(opens), _or_none(closes), timedelta(minutes=hold), on_return, currency, epoch)
        for pk, opens, closes, hold, on_return, currency, epoch in found
    ]


def read_tiers(offer_ids: Iterable[int]) -> list[tuple[Tier, int]]:
    """Read the tiers of locked offers, each with the best price somebody in line accepts (-1: nobody waits)."""
    found = rows(
        "SELECT id, offer_id, price, ends_at, capacity, held, paid, void, (SELECT max(max_price) FROM"  # noqa: S608 — as above
        " offers_waitlistentry AS line WHERE line.offer_id = tier.offer_id AND line.state = 'waiting')"
        f" FROM offers_pricetier AS tier WHERE offer_id {AMONG[connection.vendor]} ORDER BY position",
        among(offer_ids),
    )
    return [
        (Tier(pk, offer, price, _or_none(ends), *counts), -1 if richest is None else richest)
        for pk, offer, price, ends, *counts, richest in found
    ]


def claims_of(learner_ids: Iterable[int]) -> list[Row]:
    """Return every claim of these learners over all offers, oldest first: people have few, offers have many."""
    return rows(
        "SELECT learner_id, id, offer_id, seat_number, generation, price, max_price, key, state, held_until"  # noqa: S608 — as above
        f" FROM offers_claim WHERE learner_id {AMONG[connection.vendor]} ORDER BY id",
        among(learner_ids),
    )


def hold_lowest(tier_id: int, count: int) -> list[Row]:
    """Hold the lowest free seats of a tier; returns (number, generation), lowest first."""
    held = rows(
        "UPDATE offers_seat SET state = 'held' WHERE id IN (SELECT id FROM offers_seat WHERE tier_id = %s AND"
        " state = 'free' ORDER BY number LIMIT %s) RETURNING number, generation",
        tier_id,
        count,
    )
    return sorted(held)


def free_places(tier_id: int, count: int) -> list[Row]:
    """Read the lowest free seats of a tier: (number, generation), highest first."""
    return rows(
        "SELECT number, generation FROM (SELECT number, generation FROM offers_seat WHERE tier_id = %s AND"
        " state = 'free' ORDER BY number LIMIT %s) AS lowest ORDER BY number DESC",
        tier_id,
        count,
    )


def insert_claims(tier: Tier, lines: Sequence[Line], *, at: datetime, until: datetime) -> list[Row]:
    """Insert holds at one tier's price: lines of learner, seat, generation, most, key; returns (id, learner)."""
    return rows(
        "INSERT INTO offers_claim (offer_id, tier_id, price, state, claimed_at, held_until,"
        " learner_id, seat_number, generation, max_price, key) SELECT %s, %s, %s, 'held', "
        + ("%s, %s, " if connection.vendor == "sqlite" else "%s::timestamptz, %s::timestamptz, ")
        + NEW_CLAIMS[connection.vendor]
        + " RETURNING id, learner_id",
        tier.offer_id,
        tier.pk,
        tier.price,
        adapted(at),
        adapted(until),
        json.dumps(lines),
    )


def write_counts(tier: Tier) -> None:
    """Write the counts of a tier."""
    run(
        "UPDATE offers_pricetier SET capacity = %s, held = %s, paid = %s, void = %s WHERE id = %s",
        tier.capacity,
        tier.held,
        tier.paid,
        tier.void,
        tier.pk,
    )


def turn_page(offer_id: int, epoch: int) -> int:
    """Move an offer's version on from ``epoch``; returns 0 if somebody else has."""
    return run("UPDATE offers_offer SET epoch = epoch + 1 WHERE id = %s AND epoch = %s", offer_id, epoch)


def append_event(offer_id: int, number: int, kind: str, facts: str, *, at: datetime) -> None:
    """Add to what happened in an offer's ledger."""
    cast = "::jsonb" if connection.vendor == "postgresql" else ""
    run(
        f"INSERT INTO offers_ledgerevent (offer_id, number, kind, facts, at) VALUES (%s, %s, %s, %s{cast}, %s)",  # noqa: S608 — as above
        offer_id,
        number,
        kind,
        facts,
        adapted(at),
    )
