"""Two devices of one learner at the same moment; the twin without the lock loses seconds."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import pytest
from django.db import close_old_connections, connection, connections

from kaiying.camps.models import Cohort
from kaiying.learning.actions import Beat, beats, enroll, enrolling, record_beats
from kaiying.learning.models import Enrollment, EnrollmentQuerySet, Progress
from kaiying.outbox.models import Event
from tests.factories.camps import CohortFactory, DayFactory, LessonFactory
from tests.factories.learning import EnrollmentFactory
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 7, 17, 4, 0, tzinfo=UTC)
PATIENCE = 0.4


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run each call in a thread of its own and return what they gave, or raised."""
    given: list[object] = [None] * len(calls)

    def run(place: int, call: Callable[[], object]) -> None:
        close_old_connections()
        try:
            given[place] = call()
        except Exception as error:  # noqa: BLE001 — handed to the test
            given[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return given


@contextmanager
def meeting_between_read_and_write(monkeypatch: pytest.MonkeyPatch, *, patience: float) -> Iterator[None]:
    """Make both devices wait for each other after reading; where one must wait for the lock, the other goes on."""
    together = threading.Barrier(2)
    written = beats._write

    def meet(known: beats.Known, at: datetime) -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=patience)
        written(known, at)

    with monkeypatch.context() as patched:
        patched.setattr(beats, "_write", meet)
        yield


def two_devices(
    record: Callable[..., object], monkeypatch: pytest.MonkeyPatch, *, patience: float
) -> list[tuple[int, int]]:
    enrollment = EnrollmentFactory()
    DayFactory(camp=enrollment.cohort.camp)
    lesson = LessonFactory(camp=enrollment.cohort.camp).pk
    record_beats([Beat(enrollment.learner_id, lesson, [(50, 60)], 60, "phone-1")], at=NOON)
    with meeting_between_read_and_write(monkeypatch, patience=patience):
        given = at_once(
            lambda: record([Beat(enrollment.learner_id, lesson, [(0, 20)], 20, "phone-1")], at=NOON),
            lambda: record([Beat(enrollment.learner_id, lesson, [(80, 100)], 100, "computer-2")], at=NOON),
        )
    assert [one for one in given if isinstance(one, Exception)] == []
    return Progress.objects.get().set.runs()


def test_two_devices_at_once_lose_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert two_devices(record_beats, monkeypatch, patience=PATIENCE) == [(0, 20), (50, 60), (80, 100)]


def test_without_the_lock_two_devices_at_once_lose_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EnrollmentQuerySet, "locked", lambda rows: rows.order_by("pk"))
    # On SQLite the lock is the transaction itself, which begins by taking the right to write.
    unprotected = record_beats.__wrapped__ if connection.vendor == "sqlite" else record_beats

    found = two_devices(unprotected, monkeypatch, patience=20)

    assert found in ([(0, 20), (50, 60)], [(50, 60), (80, 100)])


def test_many_devices_at_once_merge_to_the_union() -> None:
    enrollment = EnrollmentFactory()
    DayFactory(camp=enrollment.cohort.camp)
    lesson = LessonFactory(camp=enrollment.cohort.camp, length=1200).pk

    def watch(device: int) -> None:
        for step in range(10):
            start = device * 100 + step * 10
            record_beats(
                [Beat(enrollment.learner_id, lesson, [(start, start + 10)], start, f"phone-{device}")], at=NOON
            )

    given = at_once(*(lambda device=device: watch(device) for device in range(8)))

    row = Progress.objects.get()
    print(f"\n  8 devices × 10 beats at once: {row.seconds} of 800 s kept, {row.seconds - 800:+d}")
    assert given == [None] * 8
    assert row.set.runs() == [(0, 800)]


def enroll_twice(cohort: Cohort) -> list[object]:
    learner = UserFactory()
    return at_once(*(lambda: enroll(cohort=cohort, learner=learner, at=NOON) for _ in range(2)))


def test_enrolling_twice_at_once_gives_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(2)
    begin = enrolling._begin

    def meet(*facts: object) -> Enrollment:
        with suppress(threading.BrokenBarrierError):
            together.wait(timeout=PATIENCE)
        return begin(*facts)  # type: ignore[arg-type]

    monkeypatch.setattr(enrolling, "_begin", meet)

    first, second = enroll_twice(CohortFactory())

    assert isinstance(first, Enrollment)
    assert first == second
    assert Enrollment.objects.count() == 1
    assert Event.objects.filter(name="learning.enrolled").count() == 1
