"""Give Python a SQLite that keeps what it acknowledged.

Versions before 3.51.3 (but for the backports 3.44.6 and 3.50.7) can lose commits when two connections race at a
checkpoint (the WAL-reset bug). Where the system's library is one of them, the ``pysqlite3`` wheel takes its place.
"""

import sqlite3
import sys
from typing import Any

SAFE_SINCE = (3, 51, 3)
VARIABLE_NUMBER, COLUMN = 9, 2  # SQLite's own numbers for these limits
BACKPORTS = {(3, 44): 6, (3, 50): 7}


def is_safe(version: tuple[int, int, int]) -> bool:
    """Tell whether a SQLite version is free of the WAL-reset bug."""
    patch = BACKPORTS.get(version[:2])
    return version >= SAFE_SINCE or (patch is not None and version[2] >= patch)


def use_safe_sqlite() -> None:
    """Swap in ``pysqlite3`` for ``sqlite3`` if ours is too old; start-up checks refuse if neither is safe."""
    if is_safe(sqlite3.sqlite_version_info):
        return
    try:
        import pysqlite3  # noqa: PLC0415 — only where the system's library is too old
    except ImportError:
        return
    _teach_limits(pysqlite3)
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2


def _teach_limits(module: Any) -> None:
    """Add what Django asks of a connection and ``pysqlite3`` lacks: how many parameters a query may have."""
    limits = {VARIABLE_NUMBER: 32_766, COLUMN: 2_000}  # SQLite's defaults; the wheel was built with no less

    class Connection(module.Connection):  # type: ignore[misc]  # the module has no types
        """A connection that tells its limits."""

        def getlimit(self, category: int) -> int:
            """Return a limit, as ``sqlite3.Connection.getlimit`` does."""
            return limits[category]

    plain_connect = module.dbapi2.connect

    def connect(*args: Any, **options: Any) -> Any:
        return plain_connect(*args, **{"factory": Connection} | options)

    for place in (module, module.dbapi2):
        place.connect, place.Connection = connect, Connection
        place.SQLITE_LIMIT_VARIABLE_NUMBER, place.SQLITE_LIMIT_COLUMN = VARIABLE_NUMBER, COLUMN
