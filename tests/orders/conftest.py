"""What tests of this room share."""

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest
from django.conf import LazySettings
from django.db import connection

from tests.orders import service


@pytest.fixture
def lab(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[service.Lab]:
    """Set up a second provider that does what the test says."""
    fresh = service.LAB
    fresh.__init__()
    settings.PAYMENT_PROVIDERS = {**settings.PAYMENT_PROVIDERS, "lab": "tests.orders.service.the_lab"}
    return fresh


@pytest.fixture
def at_once() -> Callable[[Sequence[Callable[[], object]]], list[object]]:
    """Run calls in as many threads, begun together, and return what each gave or raised."""

    def run(calls: Sequence[Callable[[], object]]) -> list[object]:
        results: list[object] = [None] * len(calls)
        gate = threading.Barrier(len(calls))

        def one(place: int) -> None:
            try:
                gate.wait()
                results[place] = calls[place]()
            except Exception as error:  # noqa: BLE001 — the test looks at it
                results[place] = error
            finally:
                connection.close()

        threads = [threading.Thread(target=one, args=(place,)) for place in range(len(calls))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    return run
