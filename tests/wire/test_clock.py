"""The clock, shifted and not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from kaiying.wire import clock

SOON = timedelta(seconds=5)


@pytest.fixture(autouse=True)
def _real_time_afterwards() -> Iterator[None]:
    yield
    clock.configure("")


def shift() -> timedelta:
    return clock.now() - datetime.now(UTC)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("", timedelta(0)),
        (None, timedelta(0)),
        ("+2d3h", timedelta(days=2, hours=3)),
        ("-15m", timedelta(minutes=-15)),
        ("+1d2h3m4.5s", timedelta(days=1, hours=2, minutes=3, seconds=4.5)),
        (" +90s ", timedelta(seconds=90)),
    ],
)
def test_an_offset_shifts_time(setting: str | None, expected: timedelta) -> None:
    clock.configure(setting)

    assert abs(shift() - expected) < SOON


def test_a_moment_is_where_time_starts_and_runs_on_from() -> None:
    clock.configure("2026-12-01T08:00:00+08:00")

    first, second = clock.now(), clock.now()

    assert timedelta(0) <= first - datetime(2026, 12, 1, 0, 0, tzinfo=UTC) < SOON
    assert second >= first
    assert first.tzinfo is UTC


def test_child_processes_get_the_shift_as_an_offset() -> None:
    clock.configure("2030-01-01T00:00:00Z")
    before = shift()

    clock.configure(clock.as_offset())

    assert abs(shift() - before) < timedelta(seconds=1)


def test_real_time_needs_no_offset() -> None:
    assert clock.as_offset() == ""


@pytest.mark.parametrize(
    "setting",
    ["tomorrow", "2d", "+", "+2", "+2x", "-h", "2026-12-01T08:00:00", "2026-13-01T00:00:00Z", "+99999999d", "+2h1d"],
)
def test_a_setting_that_makes_no_sense_is_named(setting: str) -> None:
    with pytest.raises(clock.BadClock, match="KAIYING_CLOCK=") as raised:
        clock.configure(setting)

    assert setting in str(raised.value)
    assert "+2d3h" in str(raised.value)


def test_a_travelling_request_brings_its_own_moment() -> None:
    moment = datetime(2026, 11, 22, 12, tzinfo=UTC)

    assert clock.now(SimpleNamespace(at=moment)) == moment
    assert abs(clock.now(SimpleNamespace(at=None)) - datetime.now(UTC)) < SOON
    assert abs(clock.now(object()) - datetime.now(UTC)) < SOON
