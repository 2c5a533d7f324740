"""What every test may use."""

import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import translation
from playwright.sync_api import Browser, sync_playwright

from kaiying.wire import brakes
from kaiying.wire.brakes import Brakes

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Let the test database be emptied: on SQLite that deletes rows, also those that are only ever added."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                for table in ("offers_ledgerevent", "offers_act"):
                    cursor.execute(f"DROP TRIGGER {table}_no_delete")


@pytest.fixture(autouse=True)
def _own_folders(settings: LazySettings, tmp_path: Path) -> None:
    """Keep files that a test writes in its own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def _no_foot_on_the_brakes() -> None:
    """Forget how often an earlier test claimed."""
    brakes.configure(Brakes())


@pytest.fixture(autouse=True)
def _main_language() -> None:
    """Forget the language of the page an earlier test asked for."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """Start without the rate limits an earlier test used up."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def noon() -> datetime:
    """Return noon in Shanghai on 17 July 2026: day 2 of the factories' cohort."""
    return datetime(2026, 7, 17, 4, 0, tzinfo=UTC)


@pytest.fixture
def client() -> Client:
    """Return a browser without scripts that reads Chinese."""
    return Client(headers={"accept-language": "zh-CN,zh;q=0.9"})


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Return the one browser of this process; Playwright runs only once in each."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("Chromium is not installed: the browser tests did not run")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figure of every promise that was tested."""
    told = [
        (report.nodeid.rpartition("::")[2], text.strip())
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if "figures" in report.keywords and report.when == "call"
        for title, text in report.sections
        if "stdout" in title and text.strip()
    ]
    if told:
        terminalreporter.section("figures")
    for test, text in sorted(told):
        terminalreporter.write_line(f"{test}\n    {text.replace(chr(10), chr(10) + '    ')}")
