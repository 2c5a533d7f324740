"""Watched seconds merge like sets."""

import random

from hypothesis import example, given
from hypothesis import strategies as st

from kaiying.kit.spans import Seconds

LENGTH = 400
moment = st.floats(min_value=-50, max_value=LENGTH + 50, allow_nan=False)
span = st.tuples(moment, moment)
sets = st.lists(span, max_size=8).map(lambda spans: Seconds.of(spans, length=LENGTH))


def plain(seconds: Seconds) -> set[int]:
    return {second for start, end in seconds.runs() for second in range(start, end)}


@given(sets, sets)
def test_merging_is_commutative(a: Seconds, b: Seconds) -> None:
    assert a | b == b | a


@given(sets, sets, sets)
def test_merging_is_associative(a: Seconds, b: Seconds, c: Seconds) -> None:
    assert (a | b) | c == a | (b | c)


@given(sets)
def test_merging_is_idempotent(a: Seconds) -> None:
    assert a | a == a
    assert a | Seconds() == a


@given(sets, sets)
def test_it_behaves_like_a_set_of_integers(a: Seconds, b: Seconds) -> None:
    assert plain(a | b) == plain(a) | plain(b)
    assert plain(a - b) == plain(a) - plain(b)
    assert len(a) == len(plain(a))
    assert hash(a | b) == hash(b | a)


@given(sets, st.integers(min_value=0, max_value=LENGTH))
def test_the_first_seconds_are_the_earliest(a: Seconds, count: int) -> None:
    assert plain(a.first(count)) == set(sorted(plain(a))[:count])


@given(sets, st.integers(min_value=0, max_value=LENGTH))
def test_trimming_drops_what_is_beyond_the_length(a: Seconds, length: int) -> None:
    assert plain(a.trimmed(length)) == {second for second in plain(a) if second < length}


@given(sets)
def test_packing_keeps_everything(a: Seconds) -> None:
    assert Seconds.unpack(a.pack()) == a


@given(st.lists(span, max_size=20))
@example([(0.25, 0.5)])
def test_nothing_beyond_the_length_or_before_the_start_is_invented(spans: list[tuple[float, float]]) -> None:
    found = plain(Seconds.of(spans, length=LENGTH))

    assert found <= set(range(LENGTH))
    covered = {
        second
        for start, end in spans
        for second in range(LENGTH)
        if min(end, second + 1) - max(start, second) >= 0.5 - 1e-9
    }
    invented = found - {
        second for start, end in spans for second in range(LENGTH) if start - 0.5 <= second <= end - 0.5 + 1e-9
    }
    assert invented == set()
    whole = {second for start, end in spans for second in range(LENGTH) if start <= second and second + 1 <= end}
    assert whole <= found
    assert found <= covered | whole


@given(st.lists(st.tuples(st.integers(0, LENGTH), st.integers(0, LENGTH)), min_size=1, max_size=30), st.randoms())
def test_any_order_and_any_repeats_of_beats_give_the_same_set(
    spans: list[tuple[int, int]], chance: random.Random
) -> None:
    expected = {second for start, end in spans for second in range(start, end)}
    shuffled = spans + chance.choices(spans, k=len(spans))
    chance.shuffle(shuffled)
    merged = Seconds()
    for start, end in shuffled:
        merged |= Seconds.of([(start, end)], length=LENGTH)

    assert plain(merged) == expected


def test_two_halves_of_a_second_played_apart_count_once_at_most() -> None:
    assert len(Seconds.of([(10.0, 10.4), (10.4, 10.9)], length=LENGTH)) <= 1


def test_runs_name_the_stretches_in_order() -> None:
    seconds = Seconds.of([(100, 120), (0, 10), (110, 130)], length=LENGTH)

    assert seconds.runs() == [(0, 10), (100, 130)]
    assert repr(seconds) == "Seconds([(0, 10), (100, 130)])"
    assert seconds != "something else"


def test_a_two_hour_video_fits_in_900_bytes() -> None:
    seconds = Seconds.of([(0, 7200)], length=7200)

    size = len(seconds.pack())
    print(f"\n  a watched 2 h video: {size} bytes")
    assert size == 900
