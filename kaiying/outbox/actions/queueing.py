"""Write a job down."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Least

from kaiying.outbox.models import Job
from kaiying.outbox.vocabulary import AnyTask

TRIES = 8
"""How often to look again when a job with our key is begun by a worker just as we look."""


def later(task: AnyTask, /, *, at: datetime, key: str | None = None, **kwargs: Any) -> Job:
    """Run ``task(**kwargs)`` at or after ``at``, at least once, if the caller's transaction commits.

    At most one job per ``key`` waits: asking again moves the waiting one forward if ``at`` is earlier, and its
    arguments stay. The same key means the same work.
    """
    task.get_backend().validate_task(task.using(run_after=at))
    return put(task, args=(), kwargs=kwargs, run_at=at, key=key)


def put(
    task: AnyTask,
    *,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    run_at: datetime,
    key: str | None = None,
) -> Job:
    """Write one job, or find the one that already waits under ``key``."""
    call = {"args": list(args), "kwargs": kwargs}
    facts = {
        "task": task.module_path,
        "queue": task.queue_name,
        "args": call,
        "run_at": run_at,
    }
    if key is None:
        return Job.objects.create(**facts)
    for _ in range(TRIES):
        with transaction.atomic():
            waiting = Job.objects.waiting().filter(key=key)
            # Written even when nothing changes: the row lock keeps a worker from beginning the job before our
            # caller commits what the job has to see.
            if waiting.update(run_at=Least("run_at", run_at)):
                return waiting.get()
        try:
            with transaction.atomic():
                return Job.objects.create(key=key, **facts)
        except IntegrityError:
            continue
    message = f"The job {key} was begun {TRIES} times while it was being queued"
    raise RuntimeError(message)
