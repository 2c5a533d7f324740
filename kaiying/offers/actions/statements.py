"""The few statements of the hot path, in the words of each database.

Through the ORM a batch costs three milliseconds before the first seat is decided, and a row five times as much. Lists
travel as one parameter, so a statement reads the same for one person and for five hundred, and is prepared once.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection

from kaiying.offers.actions.books import Terms, Tier

type Row = tuple[Any, ...]

AMONG = {"sqlite": "IN (SELECT value FROM json_each(%s))", "postgresql": "= ANY(%s)"}
"""How a column is compared with a list."""

_FREE = "FROM offers_seat WHERE tier_id = %s AND state = 'free' AND number > %s ORDER BY number LIMIT %s"
_PLACE = "RETURNING number, generation"
HOLD_LOWEST = f"UPDATE offers_seat SET state = 'held' WHERE id IN (SELECT id {_FREE}) {_PLACE}"  # noqa: S608 — no text of ours comes from outside
_CLAIMS = (
    "INSERT INTO offers_claim (offer_id, tier_id, price, state, claimed_at, held_until,"
    " learner_id, max_price, key, seat_number, generation) SELECT %s, %s, %s, 'held', "
)
_HELD = " RETURNING id, learner_id, seat_number, generation"
CLAIM_PLACES = (
    f"{_CLAIMS} %s, %s, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4"
    f" FROM json_each(%s) WHERE true{_HELD}"
)
HOLD_AND_CLAIM = (  # where a row lies is known from reading it: nothing is looked up a second time
    f"WITH lowest AS (UPDATE offers_seat SET state = 'held' WHERE ctid = ANY (ARRAY(SELECT ctid {_FREE})) {_PLACE}),"  # noqa: S608 — as above
    " places AS (SELECT array_agg(number ORDER BY number) AS numbers, array_agg(generation ORDER BY number) AS"
    f" generations FROM lowest) {_CLAIMS} %s::timestamptz, %s::timestamptz,"
    " (line ->> 0)::bigint, (line ->> 1)::bigint, line ->> 2, numbers[place], generations[place]"
    " FROM places, json_array_elements(%s::json) WITH ORDINALITY AS asked(line, place)"
    f" WHERE place <= cardinality(numbers){_HELD}"
)


class Sent:
    """A statement that was sent. Inside ``together`` its answer may still be on its way, and is there at the end."""

    def __init__(self, cursor: Any) -> None:
        """Wait for nothing yet."""
        self._cursor = cursor

    @property
    def rows(self) -> list[Row]:
        """What it gives."""
        found: list[Row] = self._cursor.fetchall()
        return found

    @property
    def written(self) -> int:
        """How many rows it wrote."""
        count: int = self._cursor.rowcount
        return count


@contextmanager
def together() -> Iterator[None]:
    """Send what is sent inside without waiting for each answer: to PostgreSQL the way there and back is made once."""
    if connection.vendor != "postgresql" or _is_watched():
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def send(statement: str, *values: Any) -> Sent:
    """Send a statement past Django's cursor, which would read and log it, and on PostgreSQL prepared: parsed once."""
    if _is_watched():
        cursor = connection.cursor()
        cursor.execute(statement, values)
        return Sent(cursor)
    connection.ensure_connection()
    raw = connection.connection
    with connection.wrap_database_errors:
        if connection.vendor != "postgresql":
            return Sent(raw.execute(_with_marks(statement), values))
        raw.prepare_threshold = 0
        return Sent(_plain_cursor()(raw).execute(statement, values or None, prepare=True))


def rows(statement: str, *values: Any) -> list[Row]:
    """Run a statement and return what it gives."""
    return send(statement, *values).rows


def run(statement: str, *values: Any) -> int:
    """Run a statement and return how many rows it wrote."""
    return send(statement, *values).written


def _is_watched() -> bool:
    """Whether somebody counts or logs statements, which only Django's cursor lets them do."""
    return bool(connection.queries_logged or connection.execute_wrappers)


@cache
def _with_marks(statement: str) -> str:
    return statement.replace("%s", "?")


@cache
def _plain_cursor() -> Any:
    from psycopg import Cursor  # noqa: PLC0415 — an extra

    return Cursor


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


def open_books(
    offer_ids: Collection[int], learner_ids: Collection[int]
) -> tuple[list[Terms], list[tuple[Tier, int]], list[Row]]:
    """Lock offers in the order of their ids; return their terms, their tiers, and all claims of these learners.

    On SQLite the transaction itself is the lock: there is one writer.
    """
    with together():
        lift_planner()
        locked, tiers = _lock_offers(offer_ids), _read_tiers(offer_ids)
        claims = _claims_of(learner_ids) if learner_ids else None
    terms = [
        Terms(pk, moment(opens), _or_none(closes), timedelta(minutes=hold), on_return, currency, epoch)
        for pk, opens, closes, hold, on_return, currency, epoch in locked.rows
    ]
    steps = [
        (Tier(pk, offer, price, _or_none(ends), *counts), -1 if richest is None else richest)
        for pk, offer, price, ends, *counts, richest in tiers.rows
    ]
    return terms, steps, [] if claims is None else claims.rows


def lift_planner() -> None:
    """Have PostgreSQL plan each statement once, and by its index, until the transaction ends.

    A planner that has never analysed a table thinks that a few hundred learners are all of them, and reads everything
    that is sold; or that a few seats are free, and sorts them all. Every statement here has an index made for it, in
    the order it wants.
    """
    if connection.vendor == "postgresql":
        send(
            "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),"
            " set_config('plan_cache_mode', 'force_generic_plan', true)"
        )


def _lock_offers(offer_ids: Iterable[int]) -> Sent:
    return send(
        "SELECT id, opens_at, closes_at, hold_minutes, on_return, currency, epoch FROM offers_offer"  # noqa: S608 — as above
        f" WHERE id {AMONG[connection.vendor]} ORDER BY id" + (" FOR UPDATE" * (connection.vendor == "postgresql")),
        among(offer_ids),
    )


def _read_tiers(offer_ids: Iterable[int]) -> Sent:
    """Read tiers, each with the best price somebody in line accepts (none: nobody waits)."""
    return send(
        "SELECT id, offer_id, price, ends_at, capacity, held, paid, void, (SELECT max(max_price) FROM"  # noqa: S608 — as above
        " offers_waitlistentry AS line WHERE line.offer_id = tier.offer_id AND line.state = 'waiting')"
        f" FROM offers_pricetier AS tier WHERE offer_id {AMONG[connection.vendor]} ORDER BY position",
        among(offer_ids),
    )


def _claims_of(learner_ids: Iterable[int]) -> Sent:
    """Read every claim of these learners over all offers, oldest first: people have few, offers have many."""
    return send(
        "SELECT learner_id, id, offer_id, seat_number, generation, price, max_price, key, state, held_until"  # noqa: S608 — as above
        f" FROM offers_claim WHERE learner_id {AMONG[connection.vendor]} ORDER BY id",
        among(learner_ids),
    )


def hold_lowest(
    tier: Tier, asked: Sequence[tuple[int, int, str]], *, above: int = 0, at: datetime, until: datetime
) -> list[Row]:
    """Hold the lowest free seats of a tier, above a number, for (learner, most, key), in order, at its price.

    Returns (claim id, learner, seat, generation) for each; fewer if there are not as many seats.
    """
    terms = (tier.offer_id, tier.pk, tier.price, adapted(at), adapted(until))
    if connection.vendor == "postgresql":
        return rows(HOLD_AND_CLAIM, tier.pk, above, len(asked), *terms, json.dumps(asked))
    places = sorted(rows(HOLD_LOWEST, tier.pk, above, len(asked)))
    return rows(CLAIM_PLACES, *terms, json.dumps([[*one, *place] for one, place in zip(asked, places, strict=False)]))


def free_places(tier_id: int, count: int) -> list[Row]:
    """Read the lowest free seats of a tier: (number, generation), highest first."""
    return rows(
        "SELECT number, generation FROM (SELECT number, generation FROM offers_seat WHERE tier_id = %s AND"
        " state = 'free' ORDER BY number LIMIT %s) AS lowest ORDER BY number DESC",
        tier_id,
        count,
    )


def write_counts(tier: Tier) -> Sent:
    """Write the counts of a tier."""
    return send(
        "UPDATE offers_pricetier SET capacity = %s, held = %s, paid = %s, void = %s WHERE id = %s",
        tier.capacity,
        tier.held,
        tier.paid,
        tier.void,
        tier.pk,
    )


def turn_page(offer_id: int, epoch: int) -> Sent:
    """Move an offer's version on from ``epoch``; writes nothing if somebody else has."""
    return send("UPDATE offers_offer SET epoch = epoch + 1 WHERE id = %s AND epoch = %s", offer_id, epoch)


def append_event(offer_id: int, number: int, kind: str, facts: str, *, at: datetime) -> Sent:
    """Add to what happened in an offer's ledger."""
    cast = "::jsonb" if connection.vendor == "postgresql" else ""
    return send(
        f"INSERT INTO offers_ledgerevent (offer_id, number, kind, facts, at) VALUES (%s, %s, %s, %s{cast}, %s)",  # noqa: S608 — as above
        offer_id,
        number,
        kind,
        facts,
        adapted(at),
    )
