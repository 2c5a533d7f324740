"""Entry passes that were read before: still over at their end, and worth nothing under other keys."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from kaiying.wire import clock, entry, passes
from kaiying.wire.entry import entry_pass, read_entry
from kaiying.wire.passes import BadPass


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    before = passes._secrets
    passes.configure("a secret of the tests, and of nothing else")
    yield
    passes._secrets = before


def test_a_pass_that_is_known_says_the_same_and_is_over_at_its_end() -> None:
    now = clock.now()
    token = entry_pass(7, until=now + timedelta(minutes=1))

    assert read_entry(token, at=now) == read_entry(token, at=now)
    with pytest.raises(BadPass, match="over"):
        read_entry(token, at=now + timedelta(minutes=1))


def test_a_pass_that_is_known_is_not_believed_under_other_keys() -> None:
    now = clock.now()
    token = entry_pass(7)
    assert read_entry(token, at=now).user_id == 7

    passes.configure("another secret of the tests, and of nothing else")

    with pytest.raises(BadPass, match="key"):
        read_entry(token, at=now)


def test_a_changed_pass_is_not_known() -> None:
    token = entry_pass(7)
    read_entry(token, at=clock.now())

    with pytest.raises(BadPass, match="signature"):
        read_entry(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), at=clock.now())


def test_what_is_known_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "MOST_KNOWN", 10)
    monkeypatch.setattr(entry, "_known", {})

    for learner_id in range(1, 36):
        read_entry(entry_pass(learner_id), at=clock.now())

    assert len(entry._known) <= 10
