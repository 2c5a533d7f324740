"""Running figures: counted by bounds, told to Prometheus."""

from kaiying.wire.figures import Histogram


def test_values_are_counted_under_the_bound_that_holds_them() -> None:
    histogram = Histogram((1, 2, 5))
    for value in (0.5, 1, 1.5, 2, 4, 9):
        histogram.note(value)

    assert histogram.counts == [2, 2, 1, 1]
    assert (histogram.count, histogram.total) == (6, 18)
    assert [histogram.quantile(share) for share in (0.3, 0.5, 0.8, 0.99)] == [1, 2, 5, 5]


def test_prometheus_reads_sums_that_only_grow() -> None:
    histogram = Histogram((0.1, 1))
    for value in (0.05, 0.5, 0.5, 3):
        histogram.note(value)

    assert list(histogram.lines("x_seconds", 'writer="claims"')) == [
        'x_seconds_bucket{writer="claims",le="0.1"} 1',
        'x_seconds_bucket{writer="claims",le="1"} 3',
        'x_seconds_bucket{writer="claims",le="+Inf"} 4',
        'x_seconds_sum{writer="claims"} 4.050000',
        'x_seconds_count{writer="claims"} 4',
    ]


def test_nothing_noted_is_no_time() -> None:
    assert Histogram((1, 2)).quantile(0.95) == 1
