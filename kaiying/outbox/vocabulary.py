"""The words of the outbox."""

from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.tasks.base import Task, TaskResult
from django.utils.translation import pgettext_lazy

type AnyTask = Task[..., Any]
type AnyResult = TaskResult[..., Any]

AS_SOON_AS_POSSIBLE = datetime(1970, 1, 1, tzinfo=UTC)
"""The ``run_at`` of a job that waits for nothing: due at every moment, whatever shifts the clock."""


class JobState(models.TextChoices):
    """Where a job stands."""

    WAITING = "waiting", pgettext_lazy("outbox", "waiting")
    RUNNING = "running", pgettext_lazy("outbox", "running")
    DONE = "done", pgettext_lazy("outbox", "done")
    DEAD = "dead", pgettext_lazy("outbox", "given up")
