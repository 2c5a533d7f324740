"""Break the product on purpose, and print what it kept.

    .venv/bin/python -m bench.faults [case …] [--seed N] [--full] [--sqlite|--postgres] [--port 8120]

Every case runs a whole Kaiying on a folder of its own, with buyers who ask until they are answered, and is judged by
``bench.gate.history``. Each one is run again with a protection taken away; the judge has to find that.
"""

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.faults import clocks, databases, disks, healing, killing, losing, power
from bench.faults.cases import Lab, Result
from bench.faults.cluster import Cluster, Missing
from bench.faults.tree import Tree

BOTH = ("sqlite", "postgresql")
WIDTHS = (22, 11, 10, 8, 6, 8, 8, 7)
HEADS = ("case", "database", "violations", "trials", "kills", "unknown", "seed", "time")


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of fault, where it applies, and the twin whose damage has to be found."""

    run: Callable[[Lab], Result]
    databases: Sequence[str]
    twin: str


CASES = {
    "kill": Case(killing.at_random, BOTH, "early"),
    "kill-at-write": Case(killing.at_the_nth_write, ("sqlite",), "early"),
    "lost-answers": Case(losing.lost_answers, BOTH, "keyless"),
    "full-disk": Case(disks.full_disk, ("sqlite",), "early"),
    "full-file-system": Case(disks.full_file_system, ("sqlite",), "early"),
    "failing-flush": Case(disks.failing_flush, ("sqlite",), "early"),
    "slow-flush": Case(disks.slow_flush, ("sqlite",), "off"),
    "database-gone": Case(databases.stopped, ("postgresql",), "early"),
    "clock": Case(clocks.stepped, BOTH, "short hold"),
    "power-cut": Case(power.replayed, ("sqlite",), "normal"),
    "liveness": Case(healing.all_sold, BOTH, "nobody frees"),
}


def main() -> int:
    """Run what was asked for; the exit status is 1 if a promise is broken or a twin was not found out."""
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing of ours is left running
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    place = Path(tempfile.mkdtemp(prefix="faults-"))
    place.chmod(0o755)
    wrong = 0
    print(_line(*HEADS))
    try:
        house = House(place, options.port)
        for name in options.cases or CASES:
            for database in CASES[name].databases:
                if options.database in {None, database}:
                    wrong += _run(name, CASES[name], house, database, seed, options)
    finally:
        house.close()
        if options.keep:
            print(f"kept in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return int(bool(wrong))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="case", help=", ".join(CASES))
    parser.add_argument("--seed", type=int, help="of all dice; a new one if not given, and printed")
    parser.add_argument("--full", action="store_true", help="more kills, more trials, longer faults")
    parser.add_argument("--sqlite", dest="database", action="store_const", const="sqlite")
    parser.add_argument("--postgres", dest="database", action="store_const", const="postgresql")
    parser.add_argument("--no-twins", action="store_true", help="leave out the runs that must go wrong")
    parser.add_argument("--port", type=int, default=8120, help="the first of four ports (default 8120)")
    parser.add_argument("--keep", action="store_true", help="leave the folders with histories and logs")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    return options


class House:
    """What the cases share: a prepared data folder, and a PostgreSQL of our own once somebody needs it."""

    def __init__(self, place: Path, port: int) -> None:
        """Prepare the data folder that cases copy."""
        self.place, self.port = place, port
        self._template: Path | None = None
        self._cluster: Cluster | None = None
        self._runs = 0

    def lab(self, database: str, seed: int, options: argparse.Namespace, twin: str) -> Lab:
        """Return a place for one run."""
        self._runs += 1
        place = self.place / f"run-{self._runs}"
        place.mkdir()
        cluster = self._own_cluster() if database == "postgresql" else None
        return Lab(place, self.port, seed, options.full, twin, database, self._prepared(), cluster)

    def close(self) -> None:
        """Stop the cluster."""
        if self._cluster is not None:
            self._cluster.stop()

    def _prepared(self) -> Path:
        """Start once as a user would, so that everything is there, and keep the folder."""
        if self._template is None:
            self._template = self.place / "template" / "data"
            tree = Tree(self._template, self.port)
            self._template.mkdir(parents=True)
            tree.start()
            tree.own()
            tree.stop()
            tree.start()
            tree.stop()
        return self._template

    def _own_cluster(self) -> Cluster:
        if self._cluster is None:
            cluster = Cluster(self.place / "postgresql", self.port + 3)
            cluster.create()
            self._cluster = cluster
            tree = Tree(self.place / "migrating" / "data", self.port, database_url=cluster.make("prepared"))
            tree.prepare()
        return self._cluster


def _run(name: str, case: Case, house: House, database: str, seed: int, options: argparse.Namespace) -> int:
    """Run a case and its twin; returns how many of the two went wrong."""
    wrong = 0
    for twin in [""] if options.no_twins or not case.twin else ["", case.twin]:
        begun = time.monotonic()
        try:
            result = case.run(house.lab(database, seed, options, twin))
        except Missing as missing:
            print(f"{name:<22}{database:<11}LEFT OUT: {missing}", flush=True)
            return 0
        except Exception:  # noqa: BLE001 — the other cases are still to be run
            print(f"{name:<22}{database:<11}BROKE OFF", traceback.format_exc(), sep="\n", flush=True)
            return 1
        wrong += bool(result.verdict.count) != bool(twin)
        _tell(f"  twin: {twin}" if twin else name, database, result, time.monotonic() - begun, is_twin=bool(twin))
    return wrong


def _tell(title: str, database: str, result: Result, spent: float, *, is_twin: bool) -> None:
    """Print the line of a run, and below it what the judge found."""
    verdict = result.verdict
    figures = (verdict.count, verdict.trials, result.kills, verdict.unknown, result.seed, f"{spent:.0f} s")
    print(_line(title, database, *figures), end="")
    if is_twin:
        kinds = ", ".join(f"{kind} {count}" for kind, count in verdict.violations.most_common())
        print(f"found out: {kinds}" if verdict.count else "NOT FOUND OUT", flush=True)
        return
    late = f"; {verdict.inversions} overtaken by more than 1 s" if verdict.inversions else ""
    print(result.note + late, *(f"      {line}" for line in verdict.shown[:12]), sep="\n", flush=True)


def _line(*cells: object) -> str:
    return "".join(f"{cell!s:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


if __name__ == "__main__":
    sys.exit(main())
