"""HTTP byte ranges (RFC 9110 §14): which bytes of a file a request asks for."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise

MOST_RANGES = 16
ONE = re.compile(r"([0-9]{0,18})-([0-9]{0,18})")

type Span = tuple[int, int]
"""First byte and the one after the last."""


class OutOfRange(Exception):
    """No byte of what was asked for exists (416)."""


def parse(header: str | None, *, size: int) -> list[Span] | None:
    """Return the spans asked for, or ``None`` where the whole file is the answer.

    A header that is malformed, asks in another unit or for a silly number of pieces is ignored, as the RFC allows.
    Pieces that touch or overlap are joined, so that nobody is sent the same byte twice. Raises ``OutOfRange``.
    """
    unit, equals, rest = (header or "").partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    asked = [part.strip() for part in rest.split(",") if part.strip()]
    if not asked or len(asked) > MOST_RANGES:
        return None
    found = [ONE.fullmatch(part) for part in asked]
    if any(match is None or not _makes_sense(*match.groups()) for match in found):
        return None
    spans = [_span(*match.groups(), size=size) for match in found if match]
    inside = [(start, stop) for start, stop in spans if start < stop]
    if not inside:
        raise OutOfRange
    return _joined(inside) if len(inside) > 1 else inside


def still_fits(if_range: str | None, *, etag: str, modified: datetime) -> bool:
    """Tell whether a range may be answered: ``If-Range`` is absent or names exactly this version of the file."""
    if if_range is None:
        return True
    value = if_range.strip()
    if value.startswith('"'):
        return value == etag
    try:
        return parsedate_to_datetime(value) == modified.replace(microsecond=0)
    except ValueError:
        return False  # also weak tags, which never fit a range


def unchanged(
    if_none_match: str | None,
    if_modified_since: str | None,
    *,
    etag: str,
    modified: datetime,
) -> bool:
    """Tell whether the client's copy is still good (304); tags win over dates."""
    if if_none_match is not None:
        tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
        return "*" in tags or etag in tags
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since.strip())
        return modified.replace(microsecond=0) <= since
    except (ValueError, TypeError):
        return False


def http_date(moment: datetime) -> str:
    """Write a moment the way HTTP does."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def content_range(span: Span, *, size: int) -> str:
    """Write ``Content-Range`` for one span."""
    return f"bytes {span[0]}-{span[1] - 1}/{size}"


def _makes_sense(first: str, last: str) -> bool:
    if not first:
        return bool(last)
    return not last or int(first) <= int(last)


def _span(first: str, last: str, *, size: int) -> Span:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


def _joined(spans: list[Span]) -> list[Span]:
    """Join what overlaps, keeping the order of first mention where nothing overlaps."""
    ordered = sorted(spans)
    if all(left[1] < right[0] for left, right in pairwise(ordered)):
        return spans
    joined = [ordered[0]]
    for start, stop in ordered[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    return joined
