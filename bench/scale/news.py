"""What it costs writers to ring by ``NOTIFY``: inside the transaction, or by a thread after it.

A transaction that notifies takes a lock of the whole server while it commits, so writers that could share a flush to
disk queue up. Commits are of the smallest kind, one event each, because that is where it hurts most.
"""

import threading
import time
from collections.abc import Callable, Iterator
from statistics import median

from bench.scale.report import Result
from kaiying.wire.bus import Bus
from kaiying.wire.bus_postgres import CHANNEL, Postgres

SECONDS, ROUNDS = 1.5, 3
WRITERS = (1, 4, 16)


def news(url: str) -> Iterator[Result]:
    """Measure the ways beside each other, with one writer and with several."""
    try:
        import psycopg

        psycopg.connect(url, connect_timeout=3).close()
    except Exception as problem:  # noqa: BLE001 — whatever is missing, it is only left out
        yield Result("NOTIFY", left_out=str(problem).strip().splitlines()[0])
        return
    name = "kaiying_scale_news"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield from _ways(f"{url.rpartition('/')[0]}/{name}")
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _ways(url: str) -> Iterator[Result]:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE event (id bigserial PRIMARY KEY, name text)")
    carrier = Postgres(lambda: {"conninfo": url})
    bus = Bus(carrier)
    for writers in WRITERS:
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for way, notify, after in (
                ("no ring", "", lambda: None),
                ("NOTIFY inside the transaction", f"NOTIFY {CHANNEL}", lambda: None),
                ("a ring after it, by a thread", "", bus.ring),
            ):
                rates.setdefault(way, []).append(_rate(url, writers, notify, after))
        base = median(rates["no ring"])
        yield Result(
            f"commits a second, {writers} writer{'s' if writers > 1 else ''}",
            figures={way: f"{median(found):,.0f} = {median(found) / base:.2f}" for way, found in rates.items()},
        )
    time.sleep(0.1)
    carrier.close()


def _rate(url: str, writers: int, notify: str, after: Callable[[], None]) -> float:
    import psycopg

    done = [0] * writers
    until = time.monotonic() + SECONDS

    def write(place: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while time.monotonic() < until:
                with connection.transaction():
                    connection.execute("INSERT INTO event (name) VALUES ('offers.seat_held')")
                    if notify:
                        connection.execute(notify.encode())
                after()
                done[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / SECONDS
