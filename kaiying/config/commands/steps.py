"""The steps of a preparation, with Django loaded."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import translation

from kaiying.config.commands import CannotGoOn, catalogs, django_commands, preparing
from kaiying.config.commands.screen import console
from kaiying.config.env import Env
from kaiying.wire import clock

MIGRATION_LOCK = 7_224_316
"""The number of our advisory lock on PostgreSQL; many nodes may start at once, one migrates."""


def prepare(env: Env, *, migrate: bool, demo: bool) -> None:
    """Bring catalogues, tables, static files and the demo up to date, and say how to become the owner."""
    held, now = preparing.last(env), preparing.current(env)
    if catalogs.stale():
        with _step("Compiling the catalogues"):
            catalogs.compile_stale()
    django_commands.set_up()
    same_tables = not env.database_url and all(held.get(name) == now[name] for name in ("tables", "database", "file"))
    if not same_tables:
        _tables(migrate=migrate)
    if held.get("static") != now["static"]:
        with _step("Collecting static files"):
            call_command("collectstatic", interactive=False, verbosity=0, clear=False)
    people = held.get("people", [])
    if demo and not (same_tables and people and held.get("demo") == now["demo"]):
        people = _demo()
    owned = demo or _has_owner()
    preparing.write_stamp(env, owned=owned, people=people)


def _tables(*, migrate: bool) -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not plan:
        return
    if not migrate:
        todo = "Start without --no-migrate, or run kaiying up once elsewhere."
        raise CannotGoOn(f"{len(plan)} migrations are missing.", todo)
    with _step(f"Making tables ({len(plan)} migrations)"), _alone():
        call_command("migrate", interactive=False, verbosity=0)


def _demo() -> list[dict[str, str]]:
    from kaiying.rehearsal.queries import doors  # noqa: PLC0415 — models exist only once Django is set up

    try:
        call_command("demo", quiet_people=True)
    except CommandError as error:
        raise CannotGoOn(f"The demo could not be played in: {error}", "kaiying demo tries again.") from error
    # A terminal that says nothing of Chinese gets English, as the command line itself does.
    with translation.override("zh-hans" if os.environ.get("LANG", "").startswith("zh") else "en"):
        found = doors()
    # Without the address: the next start may listen at another port.
    return [{"who": door["who"], "path": door["url"].removeprefix(settings.KAIYING_URL)} for door in found]


def _has_owner() -> bool:
    from kaiying.people.actions import issue_owner_link  # noqa: PLC0415 — models exist only once Django is set up

    link = issue_owner_link(at=clock.now())
    if link:
        console.print("\n  [bold]Nobody owns this install yet.[/bold] Open this once, within a day, and it is yours:")
        console.print(f"  [bold cyan]{link}[/bold cyan]\n", soft_wrap=True)
    return link is None


@contextmanager
def _step(text: str) -> Iterator[None]:
    with console.status(f"{text} …"):
        yield
    console.print(f"[green]✓[/green] {text}")


@contextmanager
def _alone() -> Iterator[None]:
    """On PostgreSQL, let one node migrate at a time; on SQLite the lock of the data folder does that."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])
