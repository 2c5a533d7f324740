"""Clocks in zones, with and without daylight saving."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaiying.kit import periods

ZONES = [
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "America/St_Johns",
    "Africa/Casablanca",
]


@pytest.mark.parametrize(
    ("on", "at", "zone", "expected"),
    [
        (date(2026, 7, 16), time(8), "Asia/Shanghai", datetime(2026, 7, 16, 0, 0, tzinfo=UTC)),
        (date(2026, 7, 16), time(8), "America/New_York", datetime(2026, 7, 16, 12, 0, tzinfo=UTC)),
        (date(2026, 1, 16), time(8), "America/New_York", datetime(2026, 1, 16, 13, 0, tzinfo=UTC)),
        # 8 March 2026: clocks jump from 02:00 to 03:00; 02:30 never happens, the first moment after is 03:00 there.
        (date(2026, 3, 8), time(3), "America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        # 1 November 2026: 01:30 comes twice; the first one counts.
        (date(2026, 11, 1), time(1, 30), "America/New_York", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        (date(2026, 3, 29), time(8), "Europe/Berlin", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),
        (date(2026, 3, 28), time(8), "Europe/Berlin", datetime(2026, 3, 28, 7, 0, tzinfo=UTC)),
    ],
)
def test_a_wall_clock_time_is_one_moment(on: date, at: time, zone: str, expected: datetime) -> None:
    assert periods.moment(on, at, zone) == expected


@pytest.mark.parametrize(
    ("on", "at", "zone", "first_after"),
    [
        (date(2026, 3, 8), time(2, 30), "America/New_York", datetime(2026, 3, 8, 7, 0, tzinfo=UTC)),
        (date(2026, 3, 29), time(2, 15), "Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        (date(2026, 10, 4), time(2, 10), "Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        # Samoa skipped 30 December 2011 altogether.
        (date(2011, 12, 30), time(8), "Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_time_that_does_not_exist_is_the_first_moment_after_the_gap(
    on: date, at: time, zone: str, first_after: datetime
) -> None:
    assert periods.moment(on, at, zone) == first_after


@given(
    st.dates(min_value=date(2020, 1, 1), max_value=date(2035, 12, 31)),
    st.times(),
    st.sampled_from(ZONES),
)
@settings(max_examples=300)
def test_a_day_never_opens_before_its_wall_clock_time(on: date, at: time, zone: str) -> None:
    at = at.replace(microsecond=0, fold=0, tzinfo=None)
    moment = periods.moment(on, at, zone)
    there = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    just_before = (moment - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)

    assert moment.tzinfo is UTC
    assert there >= datetime.combine(on, at)
    assert just_before < datetime.combine(on, at) or just_before > there


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(ZONES))
def test_local_is_the_same_moment(at: datetime, zone: str) -> None:
    if not datetime(2, 1, 1, tzinfo=UTC) < at < datetime(9998, 1, 1, tzinfo=UTC):
        return
    assert periods.local(at, zone) == at
    assert periods.day_in(at, zone) == periods.local(at, zone).date()


def test_the_zones_we_test_are_known() -> None:
    assert set(ZONES) <= available_timezones()
