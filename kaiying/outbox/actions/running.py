"""Run jobs that are due."""

import traceback
from collections.abc import Collection
from datetime import datetime, timedelta

from django.tasks.base import TaskContext
from django.utils.module_loading import import_string

from kaiying.outbox.actions.leasing import LEASE, fail, finish, lease_jobs
from kaiying.outbox.models import Job
from kaiying.outbox.vocabulary import AnyTask
from kaiying.wire import clock

LOST_LEASE = "outbox: job %s (%s) was given to another worker before it ended"


class JobFailed(Exception):
    """A job raised an error while it was run on the spot; the cause is chained."""


def call(job: Job) -> None:
    """Call the task of a job."""
    task: AnyTask = import_string(job.task)
    args, kwargs = job.args.get("args", []), job.args.get("kwargs", {})
    if task.takes_context:
        result = task.get_backend().get_result(str(job.pk))
        task.call(TaskContext(task_result=result), *args, **kwargs)
    else:
        task.call(*args, **kwargs)


def explain(error: BaseException) -> str:
    """Return the error for the operator: its kind first, then where it happened."""
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}: {error}\n\n{''.join(traceback.format_exception(error))}"


def run_due(
    *,
    at: datetime,
    queues: Collection[str] = (),
    tolerant: bool = False,
    lease: timedelta = LEASE,
) -> int:
    """Run every job that is due at ``at``, one after another, and those they queue; return how many ran.

    For tests, rehearsals and ``work --once``. The tasks' clock shows ``at``. A failing job is planned again as a
    worker would do it and then raises ``JobFailed``, unless ``tolerant``.
    """
    ran = 0
    while jobs := lease_jobs(at=at, limit=1, queues=queues, length=lease):
        for job in jobs:
            ran += 1
            try:
                with clock.frozen(at):
                    call(job)
            except Exception as error:
                fail(job, error=explain(error), at=at)
                if not tolerant:
                    message = f"{job} {job.args}"
                    raise JobFailed(message) from error
            else:
                finish(job, at=at)
    return ran
