"""The hub and the window over a growing table."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from kaiying.wire.live import AGAIN, REVOKED, STOPPED, Hub, News, TooMany
from kaiying.wire.window import Window

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def news(event_id: int, channel: str = "group:1") -> News:
    return News(event_id, "groups.post_written", channel, {}, NOON, event_id)


async def test_news_reaches_who_listens_to_its_channel_in_order() -> None:
    hub = Hub()
    here, both, elsewhere = (
        hub.join(channels, user_id=1) for channels in (["group:1"], ["group:1", "group:2"], ["group:3"])
    )

    hub.tell([news(1), news(2, "group:2"), news(3)])

    assert [one.id for one in await here.take(patience=1)] == [1, 3]
    assert [one.id for one in await both.take(patience=1)] == [1, 2, 3]
    assert await elsewhere.take(patience=0.01) == []


async def test_a_waiting_listener_is_woken() -> None:
    hub = Hub()
    listener = hub.join(["group:1"], user_id=1)
    waiting = asyncio.ensure_future(listener.take(patience=5))
    await asyncio.sleep(0)

    hub.tell([news(1)])

    assert [one.id for one in await waiting] == [1]


async def test_a_reader_who_is_too_slow_is_cut_and_others_are_not() -> None:
    hub = Hub(room=3)
    slow, quick = hub.join(["group:1"], user_id=1), hub.join(["group:1"], user_id=2)

    for n in range(1, 6):
        hub.tell([news(n)])
        assert [one.id for one in await quick.take(patience=1)] == [n]

    assert slow.end == AGAIN
    assert await slow.take(patience=1) == []
    assert quick.end is None


def test_streams_are_bounded_for_each_person_and_in_total() -> None:
    hub = Hub(most=4, most_each=2)
    mine = [hub.join(["group:1"], user_id=1) for _ in range(2)]
    with pytest.raises(TooMany):
        hub.join(["group:1"], user_id=1)

    for _ in range(2):
        hub.join(["offer:1"], user_id=0)
    with pytest.raises(TooMany):
        hub.join(["offer:1"], user_id=0)

    hub.leave(mine[0])
    hub.leave(mine[0])
    hub.join(["group:1"], user_id=1)
    assert len(hub) == 4


def test_revoking_cuts_this_persons_streams_of_that_channel_and_no_others() -> None:
    hub = Hub()
    group, own, other = (
        hub.join(["group:1", "learner:1"], user_id=1),
        hub.join(["learner:1"], user_id=1),
        hub.join(["group:1"], user_id=2),
    )
    hub.tell([news(1)])

    hub.revoke(user_id=1, channels=["group:1"])

    assert (group.end, own.end, other.end) == (REVOKED, None, None)
    hub.revoke(user_id=1, channels=None)
    assert own.end == REVOKED


async def test_what_was_not_read_before_a_revocation_is_not_shown_after_it() -> None:
    hub = Hub()
    listener = hub.join(["group:1"], user_id=1)
    hub.tell([news(1)])

    hub.revoke(user_id=1, channels=["group:1"])

    assert await listener.take(patience=1) == []


async def test_a_stopped_hub_ends_all_and_lets_nobody_in() -> None:
    hub = Hub()
    listener = hub.join(["group:1"], user_id=1)
    hub.tell([news(1)])

    hub.stop()

    assert listener.end == STOPPED
    assert [one.id for one in await listener.take(patience=1)] == [1]
    with pytest.raises(TooMany):
        hub.join(["group:1"], user_id=1)


def test_rows_in_order_are_told_once() -> None:
    window = Window(10)

    assert window.take([11, 12], now=0) == {11, 12}
    assert window.take([11, 12, 13], now=0) == {13}
    assert (window.floor, len(window)) == (13, 0)


def test_a_row_that_shows_up_late_is_told_and_none_twice() -> None:
    window = Window(10, patience=10)

    assert window.take([11, 13, 14], now=0) == {11, 13, 14}
    assert window.floor == 11
    assert window.take([12, 13, 14], now=1) == {12}
    assert (window.floor, len(window)) == (14, 0)


def test_a_gap_that_stays_is_passed_over() -> None:
    window = Window(10, patience=10)
    window.take([13], now=0)
    window.take([13, 15], now=6)

    assert window.take([13, 15], now=11) == set()
    assert window.floor == 13
    assert window.take([13, 15], now=17) == set()
    assert window.floor == 15


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_order_of_commits_every_row_is_told_once(seed: int) -> None:
    chance = random.Random(seed)
    window, told, table = Window(0, patience=100), [], set[int]()
    hidden = list(range(1, 101))
    for now in range(200):
        for one in chance.sample(hidden[:8], k=min(len(hidden), chance.randrange(3))):
            hidden.remove(one)
            table.add(one)
        told += sorted(window.take([one for one in table if one > window.floor], now=now))

    assert sorted(told) == sorted(table)


def test_twin_reading_only_above_the_highest_row_loses_the_late_one() -> None:
    highest, told = 10, []
    for rows in ([11, 13], [11, 12, 13]):
        told += [row for row in rows if row > highest]
        highest = max(rows)

    assert 12 not in told
