"""``kaiying doctor``: look at everything, change nothing."""

import argparse
import shutil
import smtplib
import ssl
import sys
import zoneinfo
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

from django.db import DatabaseError, connection
from rich.table import Table

from kaiying.config.commands import django_commands
from kaiying.config.commands.environment import read_env
from kaiying.config.commands.findings import Finding, Level, before_start, disk_speed
from kaiying.config.commands.screen import console
from kaiying.config.env import Env

SIGNS = {
    Level.OK: "[green]✓[/green]",
    Level.NOTE: "[blue]·[/blue]",
    Level.WARNING: "[yellow]![/yellow]",
    Level.ERROR: "[red]✗[/red]",
}
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
SLACK = timedelta(minutes=2)
LATE = timedelta(minutes=5)
NEEDED = {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "foreign_keys": 1}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``doctor``."""
    parser.add_argument("--no-mail", action="store_true", help="do not connect to the mail server")


def run(options: argparse.Namespace) -> int:
    """Look, show a table, and answer 1 when something must be repaired before the service may start."""
    env = read_env()
    found = list(before_start(env))
    found += [_python(), _zones(), _ffmpeg()]
    if not any(finding.name == "Data folder" and finding.level == Level.ERROR for finding in found):
        found.append(disk_speed(env))
    found.append(_mail(env, connect=not options.no_mail))
    if not any(finding.level == Level.ERROR for finding in found):
        django_commands.set_up()
        found += _database()
    return show(found)


def show(found: Iterable[Finding]) -> int:
    """Draw the findings; 1 when one of them is an error."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    findings = sorted(found, key=lambda finding: list(Level).index(finding.level))
    for finding in findings:
        text = f"{finding.found}\n[dim]→ {finding.todo}[/dim]" if finding.todo else finding.found
        table.add_row(SIGNS[finding.level], finding.name, text)
    console.print(table)
    count = {level: sum(finding.level == level for finding in findings) for level in Level}
    if count[Level.ERROR]:
        console.print(f"\n[red]{count[Level.ERROR]} to repair before the service may start.[/red]")
        return 1
    warnings = count[Level.WARNING]
    said = f" {warnings} warning{'s' * (warnings > 1)}: see above." if warnings else ""
    console.print(f"\n[green]Ready to start.[/green]{said}")
    return 0


def _python() -> Finding:
    return Finding("Python", Level.OK, sys.version.split()[0])


def _zones() -> Finding:
    try:
        zoneinfo.ZoneInfo("Asia/Shanghai")
    except zoneinfo.ZoneInfoNotFoundError:
        return Finding("Time zones", Level.ERROR, "no data", "Install tzdata: lessons would open at the wrong hour.")
    return Finding("Time zones", Level.OK, f"{len(zoneinfo.available_timezones())} known")


def _ffmpeg() -> Finding:
    if shutil.which("ffmpeg") or find_spec("imageio_ffmpeg"):
        return Finding("ffmpeg", Level.OK, "found")
    return Finding("ffmpeg", Level.NOTE, "not found", "Only for camp render and the demo: install kaiying[video].")


def _mail(env: Env, *, connect: bool) -> Finding:
    if not env.mail_url:
        level = Level.NOTE if env.demo else Level.WARNING
        todo = "Set KAIYING_MAIL_URL, or nobody but you can sign in: the code is in the mail."
        return Finding("Mail", level, f"written into {env.data / 'mail'}", todo)
    parts = urlsplit(env.mail_url)
    place = f"{parts.hostname}:{parts.port or (465 if parts.scheme == 'smtps' else 587)}"
    if not connect:
        return Finding("Mail", Level.NOTE, f"{place}, not asked")
    try:
        _greet(env.mail_url)
    except (OSError, smtplib.SMTPException) as error:
        todo = "Correct KAIYING_MAIL_URL (smtp:// with STARTTLS, smtps:// with TLS), or open the way to the server."
        return Finding("Mail", Level.ERROR, f"{place}: {error}", todo)
    return Finding("Mail", Level.OK, f"{place} accepts us as {env.mail_from}")


def _greet(url: str) -> None:
    """Sign in at the mail server as the product would, and send nothing."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "smtps":
        context = ssl.create_default_context()
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=10, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 587, timeout=10)
    with server:
        if parts.scheme == "smtp" and parts.username:
            server.starttls(context=ssl.create_default_context())
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.noop()


def _database() -> Iterator[Finding]:
    try:
        if connection.vendor == "sqlite":
            yield from _pragmas()
        if not connection.introspection.table_names():
            yield Finding("Tables", Level.NOTE, "none yet", "kaiying up makes them.")
            return
        yield from _clock_and_jobs()
    except DatabaseError as error:
        todo = "Restore the last backup into another folder and compare, before anything else is written."
        yield Finding("Database", Level.ERROR, str(error), todo)


def _pragmas() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        held = {name: cursor.execute(f"PRAGMA {name}").fetchone()[0] for name in NEEDED}
        sound = cursor.execute("PRAGMA quick_check(1)").fetchone()[0]
    wrong = [f"{name} is {held[name]}" for name, needed in NEEDED.items() if held[name] != needed]
    if connection.settings_dict["OPTIONS"].get("transaction_mode") != "IMMEDIATE":
        wrong.append("transactions are not IMMEDIATE")
    if wrong:
        yield Finding("Durability", Level.ERROR, ", ".join(wrong), "Undo the change in settings.py.")
    else:
        yield Finding("Durability", Level.OK, "WAL, synchronous FULL, IMMEDIATE, no mmap")
    if sound != "ok":
        todo = "Stop the service and restore the last backup; keep the damaged file."
        yield Finding("Database file", Level.ERROR, f"damaged: {sound}", todo)


def _clock_and_jobs() -> Iterator[Finding]:
    from kaiying.outbox.models import Event, Job  # noqa: PLC0415 — models exist only once Django is set up
    from kaiying.outbox.vocabulary import JobState  # noqa: PLC0415

    at = datetime.now(UTC)
    last = Event.objects.order_by("-pk").values_list("at", flat=True).first()
    if at < BUILT or (last and last > at + SLACK):
        found = f"{at:%Y-%m-%d %H:%M} UTC" + (f", but something happened at {last:%Y-%m-%d %H:%M}" if last else "")
        yield Finding(
            "Clock", Level.ERROR, found, "Set the machine's clock (NTP): lessons would open at the wrong hour."
        )
    else:
        yield Finding("Clock", Level.OK, f"{at:%Y-%m-%d %H:%M} UTC")
    waiting = Job.objects.waiting().filter(run_at__lt=at - LATE, created_at__lt=at - LATE).count()
    dead = Job.objects.filter(state=JobState.DEAD).count()
    if waiting:
        todo = "Is the service running? Tasks are done by kaiying up, or by manage.py work."
        yield Finding("Tasks", Level.WARNING, f"{waiting} are more than 5 minutes late", todo)
    if dead:
        todo = "Look at them in the back office (Outbox, Jobs), repair the cause and run them again."
        yield Finding("Tasks", Level.WARNING, f"{dead} were given up", todo)
    if not waiting and not dead:
        yield Finding("Tasks", Level.OK, "none late, none given up")
