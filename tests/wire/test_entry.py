"""Entry passes: read as often as they come, over at their end, and worth nothing under other keys."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from kaiying.wire import clock, passes
from kaiying.wire.entry import entry_pass, read_entry
from kaiying.wire.passes import BadPass


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    before = passes._secrets
    passes.configure("a secret of the tests, and of nothing else")
    yield
    passes._secrets = before


def test_a_pass_says_the_same_each_time_and_is_over_at_its_end() -> None:
    now = clock.now()
    token = entry_pass(7, until=now + timedelta(minutes=1))

    assert read_entry(token, at=now) == read_entry(token, at=now)
    with pytest.raises(BadPass, match="over"):
        read_entry(token, at=now + timedelta(minutes=1))


def test_a_pass_that_was_read_is_not_believed_under_other_keys() -> None:
    now = clock.now()
    token = entry_pass(7)
    assert read_entry(token, at=now).user_id == 7

    passes.configure("another secret of the tests, and of nothing else")

    with pytest.raises(BadPass, match="key"):
        read_entry(token, at=now)


def test_a_changed_pass_is_not_believed() -> None:
    token = entry_pass(7)
    read_entry(token, at=clock.now())

    with pytest.raises(BadPass, match="signature"):
        read_entry(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), at=clock.now())
