"""What every test may use."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.utils import translation


@pytest.fixture(autouse=True)
def _own_folders(settings: LazySettings, tmp_path: Path) -> None:
    """Keep files that a test writes in its own folder."""
    settings.MEDIA_ROOT = tmp_path / "media"


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
