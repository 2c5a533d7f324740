"""What the cases share: databases, servers, the empty POST beside them, and the judge."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from bench.gate.databases import Database, Shelf
from bench.gate.fixtures import HIGH, LOW, NIGHT, NIGHT_SEATS, WIDE
from bench.gate.history import Verdict, judge
from bench.gate.load import Line, Load, Played, claim_body, joined, read_history, write_plan
from bench.gate.passes import Passes
from bench.gate.servers import EMPTY, PRODUCT, Server, running
from bench.gate.table import RECORD, Row

WARM = 500
"""Requests before those that count: threads start, connections open, caches fill."""

OPENING = 1.5
"""Seconds after the first request in which the waiting room of a sale lets its first people in."""

SLICES = 5

LADDERS = {NIGHT: {LOW: NIGHT_SEATS // 2, HIGH: NIGHT_SEATS // 2}}
"""How many seats there are at a price, as the sale was opened; the judge need not believe the tables."""


@dataclass(frozen=True, slots=True)
class Run:
    """What was played, and the CPU time of server and database for each answer, in µs."""

    played: Played
    micros: float


@dataclass(frozen=True, slots=True)
class Options:
    """How large the cases are."""

    full: bool = False
    seconds: float = 5.0
    learners: int = 300_000
    reservations: int = 300_000
    app: str = PRODUCT


class Bench:
    """One run of the bench."""

    def __init__(self, folder: Path, shelf: Shelf, options: Options, *, port: int) -> None:
        self.folder, self.shelf, self.options, self.port = folder, shelf, options, port
        self.passes = Passes(folder)
        self._stack = ExitStack()
        self._plans, self._sales = 0, 0
        self._empty: Server | None = None

    def close(self) -> None:
        """Stop what runs beside the cases."""
        self._stack.close()

    @contextmanager
    def product(
        self, database: Database, *, app: str = "", words: Sequence[Sequence[str]] = (), **more: str
    ) -> Iterator[Server]:
        """Run what we measure."""
        with running(database, self.port, app or self.options.app, words=words, **more) as server:
            yield server

    def plan(self, lines: list[Line]) -> Path:
        """Write a plan."""
        self._plans += 1
        signed = self.passes.first(max(self.shelf.people, *(one.who for one in lines)))
        return write_plan(self.folder / f"plan-{self._plans}.tsv", lines, signed)

    def one_each(self, count: int, *, price: int = 9_900) -> Path:
        """Write a plan in which everyone asks once."""
        return self.plan([Line(who, 1, f"once-{who:09}", price) for who in range(1, count + 1)])

    def history(self, name: str) -> Path:
        """Return where a history is written."""
        return self.folder / f"{name}.csv"

    def run(self, server: Server, load: Load) -> Run:
        """Play against a server and count what it spends."""
        spent, stored = server.spending(), server.database.spending()
        played = load.play(self.folder, server.port)
        cpu = spent.seconds(server.pids()) + stored.seconds(server.database.backends())
        return Run(played, cpu / max(1, played.answered.count) * 1e6)

    def warm(self, server: Server, load: Load) -> Load:
        """Send the first requests of a plan; returns the load without them."""
        history = load.history and _of_warming(load.history)
        replace(load, count=1, seconds=0, rate=0, connections=1, history=None).play(self.folder, server.port)
        time.sleep(OPENING)
        replace(load, count=WARM, seconds=0, rate=0, connections=16, history=history).play(self.folder, server.port)
        return replace(load, skip=load.skip + WARM, count=max(0, load.count - WARM))

    def empty(self, load: Load) -> Run:
        """Measure the empty POST with the same requests over as many connections."""
        if self._empty is None:
            data = self.folder / "empty"
            data.mkdir()
            self._empty = self._stack.enter_context(running(Database(data), self.port + 1, EMPTY))
        return self.run(self._empty, replace(load, rate=0, count=0, skip=0, seconds=1, patience=0, history=None))

    def beside(self, server: Server, load: Load) -> tuple[Run, float, float]:
        """Play with the empty POST before and after; returns the run, what the empty did a second, and its µs.

        What is measured for some seconds is played in slices with the empty POST between them: a machine that is not
        ours alone is fast in one second and slow in the next. The rate of the empty POST that is returned is such that
        the run's multiple of it is the median over the slices.
        """
        return self.in_slices(server, self.warm(server, load))

    def in_slices(self, server: Server, load: Load) -> tuple[Run, float, float]:
        """Do the same with a server that is warm."""
        empties, runs = [self.empty(load)], list[Run]()
        for number in range(SLICES if load.seconds else 1):
            sent = sum(run.played.offered for run in runs)
            history = load.history and _numbered(load.history, number)
            part = replace(load, skip=load.skip + sent, seconds=load.seconds / SLICES, history=history)
            runs.append(self.run(server, part))
            empties.append(self.empty(load))
        ratios = [
            run.played.rate / mean([before.played.rate, after.played.rate])
            for run, (before, after) in zip(runs, pairwise(empties), strict=True)
        ]
        run = Run(joined([run.played for run in runs]), mean(run.micros for run in runs))
        return run, run.played.rate / median(ratios), mean(empty.micros for empty in empties)

    def sale(
        self,
        case: str,
        plan: Path,
        *,
        kind: str,
        waiting: int,
        must: str = "for comparison",
        app: str = "",
        words: Sequence[Sequence[str]] = (),
        environment: Callable[[Database], dict[str, str]] = lambda _database: {},
    ) -> Row:
        """Sell the seats of a wide sale for some seconds, beside the empty POST; every answer must be a new seat.

        The row does not hold if the judge or an answer says otherwise, and has no verdict if all is well.
        """
        self._sales += 1
        history = self.history(f"sale-{self._sales}")
        load = replace(
            claims_load(plan, offer=WIDE, connections=waiting), seconds=self.options.seconds, history=history
        )
        with (
            self.shelf.fresh(kind) as database,
            self.product(database, app=app, words=words, **environment(database)) as server,
        ):
            run, empty, empty_micros = self.beside(server, load)
            found = self.judged(database, WIDE, history)
        strange = odd(run.played, 201, history=history)
        row = row_of(case, run, empty, must=must)
        row.holds = False if found.count or strange else None
        row.notes = [
            f"empty POST {empty:,.0f}/s at {empty_micros:.0f} µs; judge: {found}"
            + (f"; odd: {strange}" if strange else "")
        ]
        return row

    def judged(self, database: Database, offer: str, *histories: Path) -> Verdict:
        """Have the judge read histories with all their parts, and the tables."""
        parts = [part for path in histories for part in parts_of(path)]
        return judge(read_history(*parts), database.tables(offer), ladder=LADDERS.get(offer))


def _of_warming(history: Path) -> Path:
    return history.with_suffix(".warm.csv")


def _numbered(history: Path, number: int) -> Path:
    return history.with_suffix(f".{number}.csv")


def parts_of(history: Path) -> list[Path]:
    """Return the files a history was written to: of warming up, of its slices, or of the whole."""
    parts = history.parent.glob(f"{history.stem}.*.csv")
    return [*parts, *([history] if history.exists() else [])]


def claims_load(plan: Path, *, offer: str = NIGHT, connections: int = 64) -> Load:
    """Return the load of a plan of claims."""
    return Load(plan=plan, body=claim_body(offer), connections=connections)


def row_of(case: str, run: Run, empty: float, *, must: str, rate: float | None = None) -> Row:
    """Return the row of a run, without its verdict."""
    played, rate = run.played, run.played.rate if rate is None else rate
    return Row(
        case=case,
        must=must,
        reached=f"{rate:,.0f}/s",
        of_empty=rate / empty,
        of_record=rate / RECORD,
        micros=run.micros,
        p50=played.answered.p50,
        p95=played.answered.p95,
        p99=played.answered.p99,
    )


def odd(played: Played, *expected: int, history: Path | None = None) -> str:
    """Name the statuses nobody expected, with their codes if there is a history; empty if there are none."""
    strange = {status: count for status, count in played.statuses.items() if status not in expected}
    if strange and history:
        codes = Counter((one.status, one.code) for one in read_history(*parts_of(history)) if one.status in strange)
        return ", ".join(f"{count} × {status} {code}" for (status, code), count in codes.most_common(5))
    return ", ".join(f"{count} × {status}" for status, count in strange.items())
