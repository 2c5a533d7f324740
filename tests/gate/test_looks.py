"""When the memory of sales looks again, in the loop that a server brings."""

import asyncio

import pytest

from kaiying.gate.readers import Reader
from kaiying.gate.sales import Sales


def test_two_looks_wanted_at_once_are_one_also_where_what_is_due_at_once_has_no_moment():
    uvloop = pytest.importorskip("uvloop")

    async def ask_twice():
        sales = Sales(Reader())
        sales.start()
        first = sales._timer
        sales.soon(urgent=True)
        second = sales._timer
        sales.stop()
        return first, second

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        first, second = runner.run(ask_twice())

    assert not hasattr(first, "when")
    assert second is first
