"""``python -m bench.gate [CASE …]``: run the cases and print the table. See ``bench/README.md``."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.gate import machine
from bench.gate.bench import Bench, Options
from bench.gate.cases.arrangements import arrangements
from bench.gate.cases.claims import postgres, sqlite
from bench.gate.cases.ledger import ledger
from bench.gate.cases.naive import naive
from bench.gate.cases.night import night
from bench.gate.cases.overload import overload
from bench.gate.cases.parts import parts
from bench.gate.cases.reservations import reservations
from bench.gate.cases.slow import slow
from bench.gate.cases.soldout import soldout
from bench.gate.databases import Shelf
from bench.gate.load import Impossible, build
from bench.gate.servers import OPEN, PRODUCT
from bench.gate.table import Row, line, show

CASES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "sqlite": sqlite,
    "postgres": postgres,
    "arrangements": arrangements,
    "night": night,
    "soldout": soldout,
    "reservations": reservations,
    "overload": overload,
    "slow": slow,
    "naive": naive,
    "ledger": ledger,
    "parts": parts,
}
BY_NAME = {"parts"}
"""Cases that are run only when they are named."""
POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.gate", description="Measure the gate; without a case, all of them."
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of: {', '.join(CASES)}")
    parser.add_argument("--full", action="store_true", help="3,000,000 reservations, 60 s of overload, 1,000,000 sold")
    parser.add_argument("--seconds", type=float, default=3, help="how long a figure is measured (default 3)")
    parser.add_argument("--learners", type=int, default=300_000, help="learners of the night (default 300,000)")
    parser.add_argument("--reservations", type=int, help="reservations (default 300,000; 3,000,000 with --full)")
    parser.add_argument("--port", type=int, default=8110, help="first of two ports (default 8110)")
    parser.add_argument("--postgres", default=os.environ.get("KAIYING_TEST_POSTGRES", POSTGRES), help="server to use")
    parser.add_argument("--app", default=PRODUCT, help="application to measure, for comparison")
    options = parser.parse_args()
    if unknown := set(options.cases) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return options


def _reachable(url: str) -> str:
    """Return the URL if a server answers there, else nothing, saying so."""
    try:
        import psycopg

        psycopg.connect(url, connect_timeout=3).close()
    except Exception as problem:  # noqa: BLE001 — whatever is missing, it is only left out
        print(f"PostgreSQL is left out: {str(problem).strip().splitlines()[0]}")
        return ""
    return url


def main() -> int:
    """Run; the exit status is 1 when a case misses."""
    options = _options()
    begun = time.monotonic()
    files = machine.raise_limits()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-gate-") as name:
        folder = Path(name)
        build(folder)
        shelf = Shelf(folder, _reachable(options.postgres), people=options.learners)
        wanted = options.reservations or (3_000_000 if options.full else 300_000)
        sizes = Options(options.full, options.seconds, options.learners, wanted, options.app)
        bench = Bench(folder, shelf, sizes, port=options.port)
        print(machine.described())
        opened = ", ".join(f"{setting}={value}" for setting, value in OPEN.items())
        print(f"Brakes are open, since all callers share one address: {opened}. At most {files:,} files each.\n")
        try:
            for case in options.cases or [name for name in CASES if name not in BY_NAME]:
                stolen = machine.Stolen()
                for row in CASES[case](bench):
                    rows.append(row)
                    row.notes.append(f"the host kept {stolen.share():.0%} of the processors' time for others")
                    stolen = machine.Stolen()
                    print(line(row.cells()), *(f"    {note}" for note in row.notes), sep="\n", flush=True)
        finally:
            bench.close()
            shelf.clear()
    print(f"\n{show([_without_notes(row) for row in rows])}\n")
    print(
        "xF: multiples of the empty POST of the same server, in the same run. xR: multiples of 1,111/s. µs: CPU of server\n"
        "and database for each answer. p50, p95, p99 in ms."
    )
    missed = [row.case for row in rows if row.holds is False]
    print(
        f"{len(rows)} rows in {time.monotonic() - begun:.0f} s; {len(missed)} miss{': ' if missed else ''}{', '.join(missed)}"
    )
    return 1 if missed else 0


def _without_notes(row: Row) -> Row:
    row.notes = []
    return row


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Impossible as reason:
        sys.exit(str(reason))
