"""Who may run a job: a worker holds it for a while, and loses it when it is not heard of.

Every lease has a token. Whatever is written about a running job names that token, so a worker that comes back from
the dead changes nothing about a job that was given to another.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Least

from kaiying.outbox.models import Job
from kaiying.outbox.vocabulary import JobState

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=5)
PAUSE_GROWTH = 4
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_ERROR = 8000
_chance = Random(secrets.randbits(64))  # noqa: S311 — spreads retries, guards nothing


def lease_jobs(
    *,
    at: datetime,
    limit: int,
    queues: Collection[str] = (),
    length: timedelta = LEASE,
) -> list[Job]:
    """Take up to ``limit`` due jobs, oldest first; nobody else gets them until the lease ends.

    SQLite: the transaction is IMMEDIATE, so one worker looks at a time. PostgreSQL: the rows are locked and other
    workers skip them.
    """
    with transaction.atomic():
        due = Job.objects.due(at=at).on_queues(queues).order_by("pk").select_for_update(skip_locked=True)
        jobs = list(due[:limit])
        spent = [job for job in jobs if job.attempts >= MOST_ATTEMPTS]
        jobs = [job for job in jobs if job.attempts < MOST_ATTEMPTS]
        if spent:
            Job.objects.filter(pk__in=[job.pk for job in spent]).update(
                state=JobState.DEAD,
                finished_at=at,
                lease="",
                lease_until=None,
                last_error="The worker died in the middle of it, every time.",
            )
        if jobs:
            token, until = secrets.token_hex(16), at + length
            Job.objects.filter(pk__in=[job.pk for job in jobs]).update(
                state=JobState.RUNNING,
                lease=token,
                lease_until=until,
                attempts=F("attempts") + 1,
            )
            for job in jobs:
                job.state, job.lease, job.lease_until, job.attempts = (
                    JobState.RUNNING,
                    token,
                    until,
                    job.attempts + 1,
                )
    return jobs


def renew(jobs: Collection[Job], *, at: datetime, length: timedelta = LEASE) -> int:
    """Say that these jobs are still being worked on; return how many are still ours."""
    ours = Job.objects.filter(
        pk__in=[job.pk for job in jobs],
        lease__in={job.lease for job in jobs},
        state=JobState.RUNNING,
    )
    return ours.update(lease_until=at + length)


def finish(job: Job, *, at: datetime) -> bool:
    """Mark a job done; False when its lease was lost meanwhile."""
    held = Job.objects.filter(pk=job.pk, lease=job.lease, state=JobState.RUNNING)
    return bool(
        held.update(
            state=JobState.DONE,
            finished_at=at,
            lease="",
            lease_until=None,
            last_error="",
        )
    )


def pause_after(attempts: int) -> timedelta:
    """How long to wait after the n-th failure: growing, with jitter so that failures do not come back in step."""
    pause: timedelta = min(FIRST_PAUSE * PAUSE_GROWTH ** (attempts - 1), LONGEST_PAUSE)
    return pause * _chance.uniform(0.75, 1.25)


def fail(job: Job, *, error: str, at: datetime) -> bool:
    """Plan another try, or give up after the last; False when the lease was lost meanwhile."""
    held = Job.objects.filter(pk=job.pk, lease=job.lease, state=JobState.RUNNING)
    facts = {"lease": "", "lease_until": None, "last_error": error[-LONGEST_ERROR:]}
    if job.attempts >= MOST_ATTEMPTS:
        return bool(held.update(state=JobState.DEAD, finished_at=at, **facts))
    again_at = at + pause_after(job.attempts)
    try:
        with transaction.atomic():
            return bool(held.update(state=JobState.WAITING, run_at=again_at, **facts))
    except IntegrityError:
        # Another job with the same key was queued while this one ran: it does the same work, and not later.
        with transaction.atomic():
            Job.objects.waiting().filter(key=job.key).update(run_at=Least("run_at", again_at))
            return bool(held.update(state=JobState.DONE, finished_at=at, **facts))
