"""``python -m bench.scale [CASE …]``: run the cases and print what they found. See ``docs/scaling.md``."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.gate import machine
from bench.scale.report import Result

POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


class Lab:
    """Where a case works: a folder, ten ports, a PostgreSQL, and how long it may take."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._root, self._made = folder, 0
        self.port: int = options.port
        self.postgres: str = options.postgres
        self.seconds: float = options.seconds
        self.connections: int = options.connections

    def folder(self) -> Path:
        """Return an empty folder."""
        self._made += 1
        made = self._root / f"case-{self._made}"
        made.mkdir()
        return made


def _fronts(lab: Lab) -> Iterator[Result]:
    from bench.scale.fronts import fronts_case

    yield from fronts_case(lab.folder(), port=lab.port, seconds=lab.seconds, connections=lab.connections)


def _standby(lab: Lab) -> Iterator[Result]:
    from bench.scale.standby import standby

    yield standby(lab.folder(), port=lab.port, twin=False)
    yield standby(lab.folder(), port=lab.port, twin=True)


def _shards(lab: Lab) -> Iterator[Result]:
    from bench.scale.shards import shards

    yield shards(lab.folder(), port=lab.port)


def _split(lab: Lab) -> Iterator[Result]:
    from bench.scale.split import split

    for k in (1, 4):
        yield split(lab.folder(), port=lab.port, k=k)
    yield split(lab.folder(), port=lab.port, k=4, twin=True)


def _news(lab: Lab) -> Iterator[Result]:
    from bench.scale.news import news

    yield from news(lab.postgres)


CASES: dict[str, Callable[[Lab], Iterator[Result]]] = {
    "fronts": _fronts,
    "standby": _standby,
    "shards": _shards,
    "split": _split,
    "news": _news,
}


def main() -> int:
    """Run; the exit status is 1 when a case misses."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"one of: {', '.join(CASES)}")
    parser.add_argument("--port", type=int, default=8130, help="first of ten ports (default 8130)")
    parser.add_argument("--seconds", type=float, default=4, help="how long a figure is measured (default 4)")
    parser.add_argument("--connections", type=int, default=256, help="callers at a time (default 256)")
    parser.add_argument("--postgres", default=os.environ.get("KAIYING_TEST_POSTGRES", POSTGRES), help="server to use")
    options = parser.parse_args()
    if unknown := set(options.cases) - CASES.keys():
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    begun, missed = time.monotonic(), 0
    machine.raise_limits()
    print(machine.described(), "\n")
    with tempfile.TemporaryDirectory(prefix="bench-scale-") as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as somebody else
        lab = Lab(Path(name), options)
        for case in options.cases or CASES:
            for result in CASES[case](lab):
                print(result, flush=True)
                missed += result.holds is False
    print(f"\n{missed} missed, {time.monotonic() - begun:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
