"""Claims per second: one at a time, in batches of 256, and bare inserts of the same rows for comparison.

    python bench/claims.py [--sold 0 10000 100000] [--count 20480] [--postgres URL]

Each figure is taken in the same run on the same database, so ratios mean something even on a busy machine. CPU time is
this process's own and does not count what a PostgreSQL server spends; it says most when others use the machine too.
PostgreSQL is measured when a URL is given or KAIYING_TEST_POSTGRES is set. Tables are fresh and never analysed: as on
launch night.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BATCH = 256
SINGLES = 300
AT = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
RECORD = 100_000 / 90
"""The first launch this is held against: 100,000 seats in 90 seconds."""


def people(count, *, start):
    from kaiying.people.models import User

    rows = [User(email=f"bench-{start + place}@example.org") for place in range(count)]
    return [user.pk for user in User.objects.bulk_create(rows, batch_size=5_000)]


def open_sale(seats, *, place):
    from kaiying.camps.models import Camp, Cohort
    from kaiying.offers.actions import open_offer
    from kaiying.people.models import Organizer

    organizer, _made = Organizer.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    camp, _made = Camp.objects.get_or_create(organizer=organizer, slug="bench", defaults={"title": {"en": "Bench"}})
    cohort = Cohort.objects.create(
        camp=camp, slug=f"bench-{place}", number=place, starts_on=date(2026, 7, 16), zone="UTC"
    )
    tiers = [
        {"id": "first", "name": "First", "price": "2.80", "seats": seats // 2},
        {"id": "rest", "name": "Rest", "price": "99.00"},
    ]
    terms = {"tiers": tiers, "seats": seats, "hold_minutes": 15}
    return open_offer(cohort=cohort, slug=f"bench-{place}", terms=terms, opens_at=AT, closes_at=None, at=AT)


def claim(offer, learners, *, together, key):
    from kaiying.offers.actions import claim_seats
    from kaiying.offers.vocabulary import ClaimRequest, Taken

    asks = [ClaimRequest(offer.pk, learner, 10_000, f"{key}-{learner:09}") for learner in learners]
    began, worked = time.perf_counter(), time.process_time()
    got = 0
    for start in range(0, len(asks), together):
        got += sum(
            isinstance(one, Taken) for one in claim_seats(asks[start : start + together], at=AT + timedelta(minutes=1))
        )
    took, work = time.perf_counter() - began, time.process_time() - worked
    assert got == len(asks), f"{got} of {len(asks)} got a seat"
    return len(asks) / took, work / len(asks) * 1e6


def bare(learners):
    """Insert as many rows of the same width into a table of their own, 256 a transaction: what the disk and SQL cost."""
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        kind = "bigserial" if connection.vendor == "postgresql" else "integer"
        cursor.execute(
            f"CREATE TABLE bench_bare (id {kind} PRIMARY KEY, offer_id bigint, learner_id bigint, seat_number int, generation int,"
            " tier_id bigint, price bigint, max_price bigint, key varchar(64), state varchar(8), claimed_at varchar(32),"
            " held_until varchar(32), UNIQUE (learner_id, key), UNIQUE (offer_id, seat_number))"
        )
        columns = "offer_id, learner_id, seat_number, generation, tier_id, price, max_price, key, state, claimed_at, held_until"
        began = time.perf_counter()
        for start in range(0, len(learners), BATCH):
            part = learners[start : start + BATCH]
            rows = [
                (
                    1,
                    learner,
                    start + place,
                    0,
                    1,
                    280,
                    9900,
                    f"bare-{learner:09}",
                    "held",
                    AT.isoformat(),
                    AT.isoformat(),
                )
                for place, learner in enumerate(part)
            ]
            marks = ", ".join(["(" + ", ".join(["%s"] * 11) + ")"] * len(rows))
            with transaction.atomic():
                cursor.execute(
                    f"INSERT INTO bench_bare ({columns}) VALUES {marks}", [value for row in rows for value in row]
                )
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE bench_bare")
    return len(learners) / took


def measure(sold_levels, count):
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from kaiying.offers.queries import verify

    call_command("migrate", verbosity=0, skip_checks=True)
    print(f"\n{connection.vendor}: {BATCH} a batch, {count:,} claims a figure, xR = multiples of {RECORD:,.0f}/s")
    print(
        f"{'sold before':>12} {'single/s':>10} {'batch/s':>10} {'bare/s':>10} {'batch xR':>9} {'batch/bare':>11} {'vs 0 sold':>10} {'CPU µs a claim':>15}"
    )
    first = None
    start = 0
    for place, sold in enumerate(sold_levels, 1):
        learners = people(sold + count + SINGLES, start=start)
        start += len(learners)
        offer = open_sale(sold + count + SINGLES, place=place)
        if sold:
            claim(offer, learners[:sold], together=2_000, key="fill")
        together, micros = claim(offer, learners[sold : sold + count], together=BATCH, key="batch")
        single, _micros = claim(offer, learners[sold + count :], together=1, key="single")
        base = bare(learners[sold : sold + count])
        first = first or together
        assert verify(offer) == []
        print(
            f"{sold:>12,} {single:>10,.0f} {together:>10,.0f} {base:>10,.0f} {together / RECORD:>9.1f}"
            f" {together / base:>11.2f} {together / first:>10.2f} {micros:>15.0f}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sold", type=int, nargs="*", default=[0, 10_000, 100_000])
    parser.add_argument("--count", type=int, default=20_480)
    parser.add_argument("--postgres", default=os.environ.get("KAIYING_TEST_POSTGRES", ""))
    parser.add_argument(
        "--here", action="store_true", help="measure the configured database (used by the script itself)"
    )
    wanted = parser.parse_args()
    if wanted.here:
        sys.path.insert(0, str(ROOT))
        measure(wanted.sold, wanted.count)
        return
    words = [sys.executable, __file__, "--here", "--count", str(wanted.count), "--sold", *map(str, wanted.sold)]
    for url in ["", wanted.postgres] if wanted.postgres else [""]:
        with tempfile.TemporaryDirectory(prefix="kaiying-bench-") as folder, own_database(url) as mine:
            env = {
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "kaiying.config.settings",
                "KAIYING_DATA": folder,
                "KAIYING_DATABASE_URL": mine,
            }
            subprocess.run(words, check=True, env=env, cwd=ROOT)


class own_database:  # noqa: N801 — a context manager, named like one
    """A PostgreSQL database of our own beside the one in ``url``, gone afterwards."""

    def __init__(self, url):
        self.url = url
        self.name = f"kaiying_bench_{os.getpid()}"

    def _run(self, statement):
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def __enter__(self):
        if not self.url:
            return ""
        self._run(f"CREATE DATABASE {self.name}")
        return f"{self.url.rpartition('/')[0]}/{self.name}"

    def __exit__(self, *_given):
        if self.url:
            self._run(f"DROP DATABASE {self.name}")


if __name__ == "__main__":
    main()
