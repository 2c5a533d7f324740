"""Django's system checks for the rules that keep SQLite from losing what it acknowledged."""

import re
import sqlite3
from typing import Any

from django.conf import settings
from django.core import checks

from kaiying.config.sqlite import is_safe

PRAGMAS = {"journal_mode": "WAL", "synchronous": "FULL"}


def keeps_what_it_acknowledged(**_facts: Any) -> list[checks.CheckMessage]:
    """Check the version of SQLite and how it is opened."""
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return []
    options = database.get("OPTIONS", {})
    found: list[checks.CheckMessage] = []
    if not is_safe(sqlite3.sqlite_version_info):
        found.append(
            checks.Error(
                f"SQLite {sqlite3.sqlite_version} can lose acknowledged commits (WAL-reset bug).",
                hint="Install pysqlite3, or SQLite 3.51.3 or later.",
                id="kaiying.E001",
            )
        )
    if options.get("transaction_mode") != "IMMEDIATE":
        found.append(
            checks.Error(
                "Transactions must begin IMMEDIATE, or a write after a read fails under load.",
                hint="Set OPTIONS['transaction_mode'] = 'IMMEDIATE'.",
                id="kaiying.E002",
            )
        )
    pragmas = dict(re.findall(r"PRAGMA\s+(\w+)\s*=\s*(-?\w+)", options.get("init_command", ""), re.IGNORECASE))
    found.extend(
        checks.Error(
            f"PRAGMA {name} must be {value}, not {pragmas.get(name, 'the default')}.",
            hint="NORMAL lost every acknowledged commit in a simulated power cut." if name == "synchronous" else None,
            id="kaiying.E003",
        )
        for name, value in PRAGMAS.items()
        if pragmas.get(name, "").upper() != value
    )
    if pragmas.get("mmap_size", "0") != "0":
        found.append(
            checks.Error("No mmap: several processes share the file.", hint="Remove mmap_size.", id="kaiying.E004")
        )
    return found
