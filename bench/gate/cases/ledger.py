"""The ledger by itself: as quick with a million sold as with none."""

import json
import subprocess
import sys
from collections.abc import Iterator

from bench.gate.bench import Bench
from bench.gate.databases import ROOT
from bench.gate.fixtures import DEEP, WIDE
from bench.gate.table import RECORD, Row

BATCH, COUNT = 256, 8_192
LEVELS, DEEPEST = (0, 10_000, 100_000), 1_000_000
WITHIN = 0.15


def ledger(bench: Bench) -> Iterator[Row]:
    """Sell in batches, in a process by itself, and compare what a batch takes at each level."""
    levels = [*LEVELS, DEEPEST] if bench.options.full else list(LEVELS)
    fill, people, offer = ("night", 0, WIDE) if not bench.options.full else (DEEP, 1_060_000, DEEP)
    for kind in bench.shelf.kinds:
        with bench.shelf.fresh(kind, fill=fill, people=people) as database:
            words = [sys.executable, "-m", "bench.gate.selling", offer, str(BATCH), str(COUNT), *map(str, levels)]
            done = subprocess.run(
                words, check=True, env=database.environment(), cwd=ROOT, capture_output=True, text=True
            )
        rates = [float(rate) for rate in json.loads(done.stdout).values()]
        apart = max(rates) / min(rates) - 1
        yield Row(
            case=f"ledger in-process, {kind}, batches of {BATCH}",
            must=f"{' / '.join(f'{level:,}' for level in levels)} sold within {WITHIN:.0%}",
            reached=f"{' / '.join(f'{rate:,.0f}' for rate in rates)} /s: {apart:.0%} apart",
            of_record=min(rates) / RECORD,
            micros=1e6 / min(rates),
            holds=apart <= WITHIN,
        )
