"""Byte ranges, case by case."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiying.wire import ranges
from kaiying.wire.ranges import OutOfRange, parse, still_fits, unchanged

MODIFIED = datetime(2026, 11, 22, 12, tzinfo=UTC)
HTTP = "Sun, 22 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("bytes=0-99", [(0, 100)]),
        ("bytes=0-0", [(0, 1)]),
        ("bytes=999-", [(999, 1000)]),
        ("bytes=0-", [(0, 1000)]),
        ("bytes=-1", [(999, 1000)]),
        ("bytes=-5000", [(0, 1000)]),
        ("bytes=500-5000", [(500, 1000)]),
        ("Bytes = 1-2", [(1, 3)]),
        ("bytes=0-1, 5-6 ,-2", [(0, 2), (5, 7), (998, 1000)]),
        ("bytes=5-6,0-1", [(5, 7), (0, 2)]),
        ("bytes=0-10,5-20", [(0, 21)]),
        ("bytes=0-10,11-20", [(0, 21)]),
        ("bytes=0-1,2000-", [(0, 2)]),
        ("bytes=0-1,,3-4", [(0, 2), (3, 5)]),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=1.5-2", None),
        ("bytes=٣-٤", None),
        ("bytes=0-1,x", None),
        ("bytes", None),
        ("pages=1-2", None),
        ("bytes=" + ",".join(f"{n * 10}-{n * 10}" for n in range(17)), None),
        ("bytes=0-" + "9" * 30, None),
    ],
)
def test_what_a_range_asks_for(header: str | None, expected: list[tuple[int, int]] | None) -> None:
    assert parse(header, size=1000) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=1000-", 1000), ("bytes=5000-6000", 1000), ("bytes=-0", 1000), ("bytes=0-", 0)]
)
def test_a_range_outside_of_the_file_is_refused(header: str, size: int) -> None:
    with pytest.raises(OutOfRange):
        parse(header, size=size)


@given(st.text(max_size=60), st.integers(0, 10**12))
def test_no_header_breaks_the_parser_or_leaves_the_file(header: str, size: int) -> None:
    try:
        spans = parse("bytes=" + header, size=size) or []
    except OutOfRange:
        return
    assert all(0 <= start < stop <= size for start, stop in spans)


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        (None, True),
        ('"v1"', True),
        ('"v2"', False),
        ('W/"v1"', False),
        (HTTP, True),
        ("Sun, 22 Nov 2026 12:00:01 GMT", False),
        ("Sun, 22 Nov 2026 11:59:59 GMT", False),
        ("yesterday", False),
    ],
)
def test_a_range_of_another_version_is_not_answered(if_range: str | None, *, expected: bool) -> None:
    assert still_fits(if_range, etag='"v1"', modified=MODIFIED + timedelta(microseconds=5)) is expected


@pytest.mark.parametrize(
    ("tags", "since", "expected"),
    [
        (None, None, False),
        ('"v1"', None, True),
        ('W/"v1"', None, True),
        ('"v0", "v1"', None, True),
        ("*", None, True),
        ('"v0"', HTTP, False),
        (None, HTTP, True),
        (None, "Sun, 22 Nov 2026 11:00:00 GMT", False),
        (None, "Sun, 22 Nov 2026 12:00:00 -0000", False),
        (None, "x", False),
    ],
)
def test_a_good_copy_is_not_sent_again(tags: str | None, since: str | None, *, expected: bool) -> None:
    assert unchanged(tags, since, etag='"v1"', modified=MODIFIED) is expected


def test_dates_are_written_the_way_http_does() -> None:
    assert ranges.http_date(MODIFIED) == HTTP
    assert ranges.content_range((0, 10), size=1000) == "bytes 0-9/1000"
