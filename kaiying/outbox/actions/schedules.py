"""Recurring tasks: a row per task says when it runs next; of many tickers the one that moves the row queues the job."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.module_loading import autodiscover_modules

from kaiying.outbox.actions.queueing import put
from kaiying.outbox.models import Schedule
from kaiying.outbox.vocabulary import AS_SOON_AS_POSSIBLE, AnyTask

_registry: dict[str, tuple[AnyTask, int]] = {}


def every[T: AnyTask](seconds: int) -> Callable[[T], T]:
    """Run the decorated task every so many seconds; stands above ``@task`` in a room's ``tasks.py``."""

    def register(task: T) -> T:
        _registry[task.module_path] = (task, seconds)
        return task

    return register


def enroll_schedules(*, at: datetime) -> None:
    """Give every registered task its row; a new one is due at once, a changed interval counts from its next run."""
    autodiscover_modules("tasks")
    known = dict(Schedule.objects.values_list("name", "every_seconds"))
    Schedule.objects.bulk_create(
        [
            Schedule(name=name, every_seconds=seconds, next_run_at=at)
            for name, (_task, seconds) in _registry.items()
            if name not in known
        ],
        ignore_conflicts=True,
    )
    for name, (_task, seconds) in _registry.items():
        if known.get(name, seconds) != seconds:
            Schedule.objects.filter(name=name).update(every_seconds=seconds)


def next_after(row: Schedule, *, at: datetime) -> datetime:
    """Return the first moment of the row's grid after ``at``: what was missed is caught up once, not n times."""
    step = timedelta(seconds=row.every_seconds)
    return row.next_run_at + step * ((at - row.next_run_at) // step + 1)


def claim(row: Schedule, *, at: datetime) -> bool:
    """Move the row on if it still stands where we saw it; of many tickers one succeeds."""
    stood = Schedule.objects.filter(name=row.name, next_run_at=row.next_run_at)
    return bool(stood.update(next_run_at=next_after(row, at=at)))


def tick(*, at: datetime) -> int:
    """Queue the recurring tasks that are due at ``at``; return how many."""
    queued = 0
    for row in Schedule.objects.filter(name__in=_registry, next_run_at__lte=at):
        task, _seconds = _registry[row.name]
        with transaction.atomic():
            if claim(row, at=at):
                put(
                    task,
                    args=(),
                    kwargs={},
                    run_at=AS_SOON_AS_POSSIBLE,
                    key=f"every:{row.name}",
                )
                queued += 1
    return queued
