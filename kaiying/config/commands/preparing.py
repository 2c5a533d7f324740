"""What a start may have to do first: tables, static files, catalogues, the owner's link. A stamp tells when not to."""

import hashlib
import importlib.metadata
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from kaiying.config.commands import CannotGoOn
from kaiying.config.commands.catalogs import HOUSE, stale
from kaiying.config.env import Env
from kaiying.wire import clock

STAMP = "run/prepared.json"
OUTSIDE = ("django", "django-allauth", "servestatic")


def fingerprint(*patterns: str) -> str:
    """Return a sum that changes when a file of ours or a package that brings tables or static files changes."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in HOUSE.glob(pattern) if path.is_file()}):
        facts = path.stat()
        digest.update(f"{path.relative_to(HOUSE)} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    for name in OUTSIDE:
        digest.update(importlib.metadata.version(name).encode())
    return digest.hexdigest()


def current(env: Env) -> dict[str, Any]:
    """Describe the code and the database as they are now."""
    file = env.data / "kaiying.sqlite3"
    return {
        "tables": fingerprint("**/migrations/*.py"),
        "static": fingerprint("**/static/**/*", "web/css/**/*", "web/finders.py"),
        "database": env.database_url and hashlib.sha256(env.database_url.encode()).hexdigest(),
        "file": file.stat().st_ino if file.exists() else None,
        "demo": env.demo and f"{clock.now():%Y-%m-%d}",  # a demo cohort is on its second day for a day only
    }


def last(env: Env) -> dict[str, Any]:
    """Return what the last preparation left, or nothing."""
    try:
        held = json.loads((env.data / STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def is_prepared(env: Env) -> bool:
    """Tell whether nothing changed since the last preparation; never so on PostgreSQL, which others may change."""
    held = last(env)
    known = {name: held.get(name) for name in ("tables", "static", "database", "file", "demo")}
    return not env.database_url and bool(held.get("owned")) and known == current(env) and not stale()


def prepare_apart(env: Env, *, migrate: bool, demo: bool) -> None:
    """Prepare in a child process that ends, so that the supervisor stays small."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status):
            raise CannotGoOn("The start was broken off.", "The reason stands above.")
        return
    status = 1
    try:
        from kaiying.config.commands import steps  # noqa: PLC0415 — Django, only in the child

        steps.prepare(env, migrate=migrate, demo=demo)
        status = 0
    except CannotGoOn as problem:
        sys.stderr.write(f"✗ {problem.what}\n  {problem.todo}\n")
    except KeyboardInterrupt:
        status = 130
    except BaseException:  # noqa: BLE001 — the child must end here, whatever happened
        traceback.print_exc()
    finally:
        os._exit(status)


def write_stamp(env: Env, *, owned: bool, people: list[dict[str, str]]) -> None:
    """Remember what was prepared."""
    path = env.data / STAMP
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**current(env), "owned": owned, "people": people}, indent=1), encoding="utf-8")
    draft.replace(path)


def remove_stamp(data: Path) -> None:
    """Make the next start prepare again."""
    (data / STAMP).unlink(missing_ok=True)
