"""Three tables: what happened, what is still to be done, and what comes round again."""

from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import pgettext_lazy

from kaiying.outbox.vocabulary import JobState


class Event(models.Model):
    """Something that happened, told to whoever has the page of its channel open."""

    name = models.CharField(pgettext_lazy("outbox", "name"), max_length=80)
    channel = models.CharField(pgettext_lazy("outbox", "channel"), max_length=80)
    facts = models.JSONField(pgettext_lazy("outbox", "facts"), default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(pgettext_lazy("outbox", "at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = pgettext_lazy("outbox", "event")
        verbose_name_plural = pgettext_lazy("outbox", "events")
        indexes: ClassVar[list[models.Index]] = [
            models.Index("channel", "id", name="outbox_event_channel"),
            models.Index("at", name="outbox_event_at"),
        ]

    def __str__(self) -> str:
        """Show what happened and to whom it is told."""
        return f"{self.name} → {self.channel}"


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs, by where they stand."""

    def waiting(self) -> "JobQuerySet":
        """Jobs that nobody has begun, or that wait for another try."""
        return self.filter(state=JobState.WAITING)

    def due(self, *, at: datetime) -> "JobQuerySet":
        """Jobs whose time has come, and running ones whose worker has not been heard of until its lease ended."""
        return self.filter(
            Q(state=JobState.WAITING, run_at__lte=at) | Q(state=JobState.RUNNING, lease_until__lte=at),
        )

    def on_queues(self, queues: Collection[str]) -> "JobQuerySet":
        """Jobs of the named queues; of all queues when none is named."""
        return self.filter(queue__in=queues) if queues else self


class Job(models.Model):
    """A call to a task that must happen at least once, at or after a moment."""

    task = models.CharField(pgettext_lazy("outbox", "task"), max_length=200)
    args = models.JSONField(pgettext_lazy("outbox", "arguments"), default=dict, encoder=DjangoJSONEncoder)
    queue = models.CharField(pgettext_lazy("outbox", "queue"), max_length=32, default="default")
    key = models.CharField(pgettext_lazy("outbox", "key"), max_length=120, null=True, blank=True)  # noqa: DJ001 — null: no key, may repeat
    state = models.CharField(
        pgettext_lazy("outbox", "state"),
        max_length=8,
        choices=JobState,
        default=JobState.WAITING,
    )
    run_at = models.DateTimeField(pgettext_lazy("outbox", "runs at"))
    attempts = models.PositiveSmallIntegerField(pgettext_lazy("outbox", "attempts"), default=0)
    lease = models.CharField(max_length=32, blank=True, default="")
    lease_until = models.DateTimeField(pgettext_lazy("outbox", "leased until"), null=True, blank=True)
    last_error = models.TextField(pgettext_lazy("outbox", "last error"), blank=True, default="")
    created_at = models.DateTimeField(pgettext_lazy("outbox", "created"), db_default=Now(), editable=False)
    finished_at = models.DateTimeField(pgettext_lazy("outbox", "finished"), null=True, blank=True)

    objects: ClassVar[JobQuerySet] = JobQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = pgettext_lazy("outbox", "job")
        verbose_name_plural = pgettext_lazy("outbox", "jobs")
        indexes: ClassVar[list[models.Index]] = [
            models.Index("state", "run_at", name="outbox_job_due"),
            models.Index("state", "lease_until", name="outbox_job_lapsed"),
            models.Index("state", "finished_at", name="outbox_job_finished"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                "key",
                condition=Q(state=JobState.WAITING),
                name="outbox_job_key_while_waiting",
            ),
        ]

    def __str__(self) -> str:
        """Show the task without its room's full path."""
        return self.task.removeprefix("kaiying.").replace(".tasks.", ".")


class Schedule(models.Model):
    """When a recurring task runs next; the row that many tickers race for, and one wins."""

    name = models.CharField(pgettext_lazy("outbox", "name"), max_length=200, primary_key=True)
    every_seconds = models.PositiveIntegerField(pgettext_lazy("outbox", "every (seconds)"))
    next_run_at = models.DateTimeField(pgettext_lazy("outbox", "next run"))

    class Meta:
        verbose_name = pgettext_lazy("outbox", "schedule")
        verbose_name_plural = pgettext_lazy("outbox", "schedules")

    def __str__(self) -> str:
        """Show the task without its room's full path."""
        return self.name.removeprefix("kaiying.").replace(".tasks.", ".")
