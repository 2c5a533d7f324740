"""Signed passes: ours, whole, in time, and for one purpose."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kaiying.wire import clock, entry, media, passes, tickets
from kaiying.wire.passes import BadPass, Keys, issue, read

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = "a secret of the tests, and of nothing else"


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    before = passes._secrets
    passes.configure(KEY)
    yield
    passes._secrets = before


def test_a_pass_says_what_was_put_in() -> None:
    token = issue({"u": 7, "path": "课/一.mp4"}, key=KEY, until=NOON)

    assert read(token, key=KEY, at=NOON - HOUR) == {"u": 7, "path": "课/一.mp4", "x": NOON.timestamp()}
    assert passes.ends_at(read(token, key=KEY, at=NOON - HOUR)) == NOON


def test_a_pass_is_over_at_its_end_and_not_before() -> None:
    token = issue({}, key=KEY, until=NOON)

    assert read(token, key=KEY, at=NOON - timedelta(milliseconds=1))
    with pytest.raises(BadPass, match="over"):
        read(token, key=KEY, at=NOON)


def test_no_changed_character_is_believed() -> None:
    token = issue({"u": 7}, key=KEY, until=NOON)

    for place, character in enumerate(token):
        for other in "A1.-":
            if other != character:
                forged = token[:place] + other + token[place + 1 :]
                with pytest.raises(BadPass):
                    read(forged, key=KEY, at=NOON - HOUR)


def test_a_payload_cannot_be_swapped_under_the_same_signature() -> None:
    version, key_id, until, payload, signature = issue({"u": 7}, key=KEY, until=NOON).split(".")
    raw = urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).replace(b"7", b"1", 1)
    forged = urlsafe_b64encode(raw).rstrip(b"=").decode()

    with pytest.raises(BadPass, match="signature"):
        read(f"{version}.{key_id}.{until}.{forged}.{signature}", key=KEY, at=NOON - HOUR)


@given(st.text(max_size=200))
def test_nonsense_is_refused_and_breaks_nothing(token: str) -> None:
    with pytest.raises(BadPass):
        read(token, key=KEY, at=NOON)


@pytest.mark.parametrize("token", ["", "1", "1.2.3", "....", "2.abcdef.e30.x", "1.abcdef.e30.", "x" * 5000])
def test_what_has_no_shape_is_refused(token: str) -> None:
    with pytest.raises(BadPass):
        read(token, key=KEY, at=NOON)


def test_a_retired_secret_is_still_believed_and_a_foreign_one_is_not() -> None:
    old = issue({"u": 7}, key=Keys.derive("x", "the old secret of before"), until=NOON)
    ring = Keys.derive("x", "the new secret of today", "the old secret of before")

    assert read(old, key=ring, at=NOON - HOUR)["u"] == 7
    assert read(issue({"u": 8}, key=ring, until=NOON), key=ring, at=NOON - HOUR)["u"] == 8
    with pytest.raises(BadPass, match="key"):
        read(old, key=Keys.derive("x", "the new secret of today"), at=NOON - HOUR)


def test_a_pass_for_one_purpose_opens_no_other() -> None:
    at = clock.now()
    token = entry.entry_pass(7)

    assert entry.read_entry(token, at=at).user_id == 7
    with pytest.raises(BadPass):
        tickets.read_ticket(token, at=at)
    with pytest.raises(BadPass):
        media.read_media_pass(token, at=at)


def test_short_secrets_are_refused() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        passes.configure("short")


def test_nobody_signs_without_a_secret() -> None:
    passes._secrets = ()

    with pytest.raises(RuntimeError, match="configure"):
        Keys.of("x")


def test_a_ticket_names_channels_and_lives_ten_minutes() -> None:
    at = clock.now()
    token = tickets.events_ticket(["group:2", "learner:7", "group:2"], user_id=7, at=at)

    ticket = tickets.read_ticket(token, at=at)
    assert (ticket.user_id, ticket.channels) == (7, frozenset({"group:2", "learner:7"}))
    assert ticket.until == pytest.approx((at + timedelta(minutes=10)).timestamp(), abs=0.01)
    with pytest.raises(BadPass, match="over"):
        tickets.read_ticket(token, at=at + timedelta(minutes=10))


def test_a_ticket_of_a_travelled_page_opens_nothing() -> None:
    at = clock.now()

    for travelled in (at + timedelta(days=20), at - timedelta(days=20)):
        with pytest.raises(BadPass):
            tickets.read_ticket(tickets.events_ticket(["group:2"], user_id=7, at=travelled), at=at)


@pytest.mark.parametrize("channels", [[], [f"group:{n}" for n in range(33)]])
def test_a_ticket_is_for_a_few_channels(channels: list[str]) -> None:
    with pytest.raises(ValueError, match="1 to 32"):
        tickets.events_ticket(channels, user_id=7, at=NOON)


def test_a_media_pass_opens_one_file_or_one_folder() -> None:
    at = clock.now()
    one = media.read_media_pass(media.media_pass("camps/a/1.mp4", user_id=7), at=at)
    folder = media.read_media_pass(media.media_pass("camps/a/", user_id=7), at=at)

    assert one.opens("camps/a/1.mp4")
    assert not one.opens("camps/a/1.mp4x")
    assert not one.opens("camps/a/2.mp4")
    assert folder.opens("camps/a/1.mp4")
    assert not folder.opens("camps/ab/1.mp4")
    assert not folder.opens("camps/a")


def test_public_addresses_stay_the_same_for_a_while_and_personal_ones_quote() -> None:
    assert media.media_url("portraits/a.webp", user_id=0) == media.media_url("portraits/a.webp", user_id=0)
    assert media.media_url("课 1/a.mp4", user_id=7).endswith("/%E8%AF%BE%201/a.mp4")


@pytest.mark.parametrize(
    "path",
    ["", "/", "/etc/passwd", "../x", "a/../x", "a//b", "a/./b", ".env", "a/.git/x", "a\\b", "a\0b", "a\nb", "a" * 600],
)
def test_no_pass_is_made_for_a_path_that_leaves_the_root(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        media.media_pass(path, user_id=7)
