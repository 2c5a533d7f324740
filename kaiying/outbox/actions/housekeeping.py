"""Throw away what nobody asks for any more, and bring back what was given up."""

from datetime import datetime, timedelta

from django.db import IntegrityError, models, transaction

from kaiying.outbox.models import Event, Job
from kaiying.outbox.vocabulary import JobState

KEPT = timedelta(days=7)
CHUNK = 2000


def delete_in_chunks[M: models.Model](rows: models.QuerySet[M]) -> int:
    """Delete rows a chunk at a time, so that nobody waits long for the writer."""
    deleted = 0
    while chunk := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        rows.model._default_manager.filter(pk__in=chunk).delete()  # noqa: SLF001 — Django's own name for it
        deleted += len(chunk)
    return deleted


def prune(*, at: datetime) -> int:
    """Delete events and done jobs of more than a week ago; what was given up stays for the operator."""
    before = at - KEPT
    done = Job.objects.filter(state=JobState.DONE, finished_at__lt=before)
    return delete_in_chunks(Event.objects.filter(at__lt=before)) + delete_in_chunks(done)


def revive(*, job: Job, at: datetime) -> bool:
    """Queue a finished or given-up job once more; False when it is still under way or its key waits already."""
    ended = Job.objects.filter(pk=job.pk, state__in=[JobState.DONE, JobState.DEAD])
    try:
        with transaction.atomic():
            return bool(ended.update(state=JobState.WAITING, attempts=0, run_at=at, finished_at=None))
    except IntegrityError:
        return False
