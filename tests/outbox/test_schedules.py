"""Recurring tasks: one ticker wins, and what was missed is caught up once."""

from datetime import UTC, datetime, timedelta

import pytest

from kaiying.outbox.actions import run_due, tick
from kaiying.outbox.actions.schedules import claim, enroll_schedules
from kaiying.outbox.models import Event, Job, Schedule
from tests.outbox import chores

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAME = chores.chime.module_path


@pytest.fixture
def row() -> Schedule:
    """Only the chime, due at noon."""
    enroll_schedules(at=NOON)
    Schedule.objects.exclude(name=NAME).delete()
    return Schedule.objects.get(name=NAME)


def test_a_new_recurring_task_is_due_at_once_and_then_every_minute(row):
    assert [tick(at=NOON + seconds * timedelta(seconds=1)) for seconds in (0, 1, 59, 60, 61)] == [1, 0, 0, 1, 0]


def test_what_was_missed_is_caught_up_once_on_the_same_grid(row):
    tick(at=NOON)
    run_due(at=NOON)

    assert tick(at=NOON + 90.5 * MINUTE) == 1

    assert run_due(at=NOON + 90.5 * MINUTE) == 1
    row.refresh_from_db()
    assert row.next_run_at == NOON + 91 * MINUTE
    assert Event.objects.filter(name="tests.chimed").count() == 2


def test_of_two_tickers_that_saw_the_same_row_one_wins(row):
    twin = Schedule.objects.get(name=NAME)

    assert [claim(row, at=NOON), claim(twin, at=NOON)] == [True, False]


def test_without_compare_and_swap_both_tickers_would_win(row, monkeypatch):
    twin = Schedule.objects.get(name=NAME)

    def careless(seen: Schedule) -> bool:
        return bool(Schedule.objects.filter(name=seen.name).update(next_run_at=NOON + MINUTE))

    assert [careless(row), careless(twin)] == [True, True]


def test_a_slow_worker_does_not_pile_up_runs(row):
    for minute in range(5):
        tick(at=NOON + minute * MINUTE)

    assert Job.objects.count() == 1


def test_a_changed_interval_keeps_the_next_run(row):
    Schedule.objects.filter(name=NAME).update(every_seconds=3600, next_run_at=NOON + 9 * MINUTE)

    enroll_schedules(at=NOON + MINUTE)

    row.refresh_from_db()
    assert (row.every_seconds, row.next_run_at) == (chores.EVERY_SECONDS, NOON + 9 * MINUTE)
