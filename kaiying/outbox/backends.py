"""Django's task API on the job table: a job is written in the transaction of its cause, or not at all."""

from typing import Any, override

from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import Task, TaskError, TaskResult, TaskResultStatus
from django.tasks.exceptions import TaskResultDoesNotExist
from django.utils.module_loading import import_string

from kaiying.outbox.actions.queueing import put
from kaiying.outbox.models import Job
from kaiying.outbox.vocabulary import AS_SOON_AS_POSSIBLE, AnyResult, JobState

STATUS = {
    JobState.WAITING: TaskResultStatus.READY,
    JobState.RUNNING: TaskResultStatus.RUNNING,
    JobState.DONE: TaskResultStatus.SUCCESSFUL,
    JobState.DEAD: TaskResultStatus.FAILED,
}


def result_of[**P, R](job: Job, task: "Task[P, R]", *, alias: str) -> "TaskResult[P, R]":
    """Describe a job in the words of Django's task API; what a task returns is not kept."""
    kind = job.last_error.partition(":")[0] or "builtins.Exception"
    return TaskResult(
        task=task,
        id=str(job.pk),
        status=STATUS[JobState(job.state)],
        enqueued_at=job.created_at,
        started_at=None,
        last_attempted_at=None,
        finished_at=job.finished_at,
        args=job.args.get("args", []),
        kwargs=job.args.get("kwargs", {}),
        backend=alias,
        errors=[TaskError(exception_class_path=kind, traceback=job.last_error)] if job.last_error else [],
        worker_ids=["worker"] * job.attempts,
    )


class OutboxBackend(BaseTaskBackend):
    """Writes jobs; ``manage.py work`` runs them."""

    supports_defer = True
    supports_get_result = True

    @override
    def enqueue[**P, R](self, task: "Task[P, R]", args: list[Any], kwargs: dict[str, Any]) -> "TaskResult[P, R]":
        """Write a job for ``task``; ``run_after`` delays it."""
        self.validate_task(task)
        job = put(task, args=args, kwargs=kwargs, run_at=task.run_after or AS_SOON_AS_POSSIBLE)
        return result_of(job, task, alias=self.alias)

    @override
    def get_result(self, result_id: str) -> AnyResult:
        """Look a job up by the id that ``enqueue`` gave."""
        try:
            job = Job.objects.get(pk=result_id)
        except (Job.DoesNotExist, ValueError) as error:
            raise TaskResultDoesNotExist(result_id) from error
        return result_of(job, import_string(job.task), alias=self.alias)
