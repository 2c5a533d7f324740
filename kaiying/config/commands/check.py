"""``kaiying check``: what should be right before a new version is put to work."""

import argparse
import io

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from kaiying.config.commands import catalogs, django_commands
from kaiying.config.commands.doctor import show
from kaiying.config.commands.findings import Finding, Level

# Redirecting to TLS is the proxy's work, and subdomains and preloading are the operator's decision.
NOT_OURS = ["security.W005", "security.W008", "security.W021"]


def arguments(_parser: argparse.ArgumentParser) -> None:
    """``check`` takes no options."""


def run(_options: argparse.Namespace) -> int:
    """Check and show."""
    django_commands.set_up()
    return show([_settings(), _migrations(), _catalogs()])


def _settings() -> Finding:
    settings.SILENCED_SYSTEM_CHECKS = [*settings.SILENCED_SYSTEM_CHECKS, *NOT_OURS]
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("check", deploy=settings.KAIYING_URL.startswith("https"), stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return Finding("Settings", Level.ERROR, str(error).strip())
    if err.getvalue().strip():
        return Finding("Settings", Level.WARNING, err.getvalue().strip())
    return Finding("Settings", Level.OK, "no faults")


def _migrations() -> Finding:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return Finding("Migrations", Level.ERROR, str(error), "Start the database, or correct KAIYING_DATABASE_URL.")
    if plan:
        todo = "kaiying up applies them at its start; make a backup first."
        return Finding("Migrations", Level.NOTE, f"{len(plan)} to apply", todo)
    return Finding("Migrations", Level.OK, "all applied")


def _catalogs() -> Finding:
    stale = catalogs.stale()
    if stale:
        todo = "kaiying up compiles them at its start."
        return Finding("Catalogues", Level.NOTE, f"{len(stale)} to compile", todo)
    return Finding("Catalogues", Level.OK, "compiled")
