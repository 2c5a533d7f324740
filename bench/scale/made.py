"""Databases on SQLite, filled for a case."""

import subprocess
import sys
from pathlib import Path

from bench.gate.databases import ROOT, Database


def made(data: Path, people: int, *sales: str, url: str = "") -> Database:
    """Fill a database with people and sales (``slug=price:seats,…``)."""
    data.mkdir(exist_ok=True)
    database = Database(data, url)
    words = [sys.executable, "-m", "bench.scale.fill", str(people), *sales]
    subprocess.run(words, check=True, env=database.environment(), cwd=ROOT)
    return database
