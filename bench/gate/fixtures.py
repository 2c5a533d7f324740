"""Fills an empty database for the cases; run in a process of its own: ``python -m bench.gate.fixtures FILL PEOPLE``.

``night`` has people and three sales: ``night`` of 100,000 seats, half of them at a low price, ``wide`` of 120,000 at one
price, and ``small`` of 2,000. ``crowd`` has people and a sale that opens tomorrow, for reservations. People are written by the database
itself; the sales are opened by the product's own action.
"""

import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

NIGHT, WIDE, SMALL, CROWD, DEEP = "night", "wide", "small", "crowd", "deep"
NIGHT_SEATS, WIDE_SEATS, SMALL_SEATS, DEEP_SEATS = 100_000, 120_000, 2_000, 1_060_000
LOW, HIGH = 280, 9_900
WIDE_OPEN = 100_000
"""People a second the waiting room lets in: it stands, and holds nobody up."""

PEOPLE = (
    "INSERT INTO people_user (id, password, is_superuser, email, name, language, is_staff, is_active, joined_at)"
    " SELECT n, '!', {no}, 'learner-' || n || '@example.org', '', '', {no}, {yes}, {now} FROM {numbers}"
)


def add_people(count: int) -> None:
    """Write people numbered from 1, in one statement."""
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            words = {"no": "false", "yes": "true", "now": "now()", "numbers": f"generate_series(1, {count}) AS n"}
            cursor.execute(PEOPLE.format(**words))
            cursor.execute("SELECT setval(pg_get_serial_sequence('people_user', 'id'), %s)", [count])
        else:
            words = {"no": "0", "yes": "1", "now": "CURRENT_TIMESTAMP", "numbers": "numbers"}
            numbers = (
                f"WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) "
            )
            cursor.execute(numbers + PEOPLE.format(**words))


def load_camp() -> Any:
    """Load the camp that comes with the product, so that its landing page is a real one."""
    from django.core.management import call_command

    from kaiying.camps.models import Camp
    from kaiying.people.models import Organizer

    Organizer.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    call_command("camp_load", ROOT / "camps" / "debut", yes=True, no_render=True, stdout=StringIO())
    return Camp.objects.get()


def open_sale(camp: Any, slug: str, tiers: list[dict[str, Any]], *, number: int, opens: timedelta) -> None:
    """Open a sale that holds seats for ten hours, so that none comes back while it is measured."""
    from kaiying.camps.actions import open_cohort
    from kaiying.offers.actions import open_offer, set_admission_rate
    from kaiying.people.models import User
    from kaiying.wire import clock

    at = clock.now()
    cohort = open_cohort(camp=camp, number=number, starts_on=(at + timedelta(days=2)).date(), at=at)
    terms = {"tiers": tiers, "hold_minutes": 600}
    offer = open_offer(cohort=cohort, slug=slug, terms=terms, opens_at=at + opens, closes_at=None, at=at)
    operator = User.objects.order_by("pk")[0]
    set_admission_rate(offer=offer, rate=WIDE_OPEN, by=operator, reason="The bench measures what is behind it.", at=at)


def main() -> None:
    """Fill the configured database."""
    fill, people = sys.argv[1], int(sys.argv[2])
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    call_command("migrate", verbosity=0, skip_checks=True)
    if not any(Path(settings.STATIC_ROOT).iterdir()):
        call_command("collectstatic", verbosity=0, interactive=False, skip_checks=True)
    add_people(people)
    camp = load_camp()
    low = {"id": "first", "name": "First", "price": "2.80", "seats": NIGHT_SEATS // 2}
    rest = {"id": "rest", "name": "Rest", "price": "99.00", "seats": NIGHT_SEATS // 2}
    if fill == NIGHT:
        open_sale(camp, NIGHT, [low, rest], number=1, opens=timedelta(hours=-1))
        open_sale(camp, WIDE, [{**rest, "seats": WIDE_SEATS}], number=2, opens=timedelta(hours=-1))
        open_sale(camp, SMALL, [{**rest, "seats": SMALL_SEATS}], number=3, opens=timedelta(hours=-1))
    elif fill == DEEP:
        open_sale(camp, DEEP, [{**rest, "seats": DEEP_SEATS}], number=1, opens=timedelta(hours=-1))
    else:
        open_sale(camp, CROWD, [low, rest], number=1, opens=timedelta(days=1))
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()


if __name__ == "__main__":
    main()
