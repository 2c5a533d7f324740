"""A job that fails is tried again, later and later, and in the end given up."""

from datetime import UTC, datetime, timedelta

import pytest

from kaiying.outbox.actions import later, lease_jobs, prune, publish, revive, run_due
from kaiying.outbox.actions.leasing import LEASE, MOST_ATTEMPTS, finish, pause_after, renew
from kaiying.outbox.actions.leasing import fail as record_failure
from kaiying.outbox.models import Event, Job
from kaiying.outbox.vocabulary import JobState
from tests.outbox.chores import count_attempts, fail, note

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
WEEK = timedelta(days=7)


def test_pauses_grow_up_to_an_hour_and_never_come_in_step():
    pauses = [[pause_after(attempt) / SECOND for _ in range(20)] for attempt in range(1, 8)]

    for low, seconds in zip([5, 20, 80, 320, 1280, 3600, 3600], pauses, strict=True):
        assert all(low * 0.75 <= pause <= low * 1.25 for pause in seconds)
        assert len(set(seconds)) > 1


def test_a_failed_job_is_tried_again_after_its_pause():
    later(fail, at=NOON, text="no")

    assert run_due(at=NOON, tolerant=True) == 1
    assert run_due(at=NOON + 3 * SECOND, tolerant=True) == 0
    assert run_due(at=NOON + 7 * SECOND, tolerant=True) == 1
    assert Job.objects.get().attempts == 2


def test_a_job_that_always_fails_is_given_up_and_can_be_run_again():
    later(fail, at=NOON, text="no")
    for hour in range(MOST_ATTEMPTS + 3):
        run_due(at=NOON + timedelta(hours=2 * hour), tolerant=True)

    job = Job.objects.get()
    assert (job.state, job.attempts) == (JobState.DEAD, MOST_ATTEMPTS)
    assert "ValueError: no" in job.last_error
    prune(at=NOON + 60 * WEEK)
    assert revive(job=job, at=NOON + 60 * WEEK)
    assert not revive(job=job, at=NOON + 60 * WEEK)
    assert run_due(at=NOON + 60 * WEEK, tolerant=True) == 1


def test_a_task_can_learn_which_attempt_it_is():
    count_attempts.enqueue()
    [job] = lease_jobs(at=NOON, limit=1)
    record_failure(job, error="cut off", at=NOON)

    run_due(at=NOON + timedelta(minutes=1))

    assert Event.objects.get().facts == {"attempt": 2}


def test_a_job_that_kills_every_worker_is_given_up_too():
    note.enqueue("poison")
    at = NOON
    for _ in range(MOST_ATTEMPTS):
        assert len(lease_jobs(at=at, limit=1)) == 1
        at += LEASE

    assert lease_jobs(at=at, limit=1) == []
    assert Job.objects.get().state == JobState.DEAD


def test_a_lease_hides_the_job_until_it_ends():
    note.enqueue("hello")

    [job] = lease_jobs(at=NOON, limit=5)

    assert lease_jobs(at=NOON + LEASE - SECOND, limit=5) == []
    assert [again.pk for again in lease_jobs(at=NOON + LEASE, limit=5)] == [job.pk]


def test_a_renewed_lease_ends_later():
    note.enqueue("hello")
    jobs = lease_jobs(at=NOON, limit=5)

    assert renew(jobs, at=NOON + LEASE - SECOND) == 1

    assert lease_jobs(at=NOON + LEASE, limit=5) == []


def test_a_worker_back_from_the_dead_changes_nothing():
    note.enqueue("hello")
    [lost] = lease_jobs(at=NOON, limit=1)
    [held] = lease_jobs(at=NOON + LEASE, limit=1)

    assert not finish(lost, at=NOON + LEASE)
    assert not record_failure(lost, error="late", at=NOON + LEASE)
    assert renew([lost], at=NOON + LEASE) == 0
    assert finish(held, at=NOON + LEASE)


def test_old_news_and_done_jobs_go_and_the_given_up_stay():
    note.enqueue("hello")
    run_due(at=NOON)
    publish("tests.fresh", channel="notes")
    Event.objects.filter(name="tests.noted").update(at=NOON)
    Event.objects.filter(name="tests.fresh").update(at=NOON + 2 * SECOND)
    Job.objects.create(task="gone", state=JobState.DEAD, run_at=NOON, finished_at=NOON)

    assert prune(at=NOON + WEEK + SECOND) == 2

    assert [event.name for event in Event.objects.all()] == ["tests.fresh"]
    assert [job.state for job in Job.objects.all()] == [JobState.DEAD]


def test_an_unknown_task_is_a_failure_not_a_crash():
    Job.objects.create(task="kaiying.nowhere.tasks.gone", run_at=NOON)

    assert run_due(at=NOON, tolerant=True) == 1
    assert "ModuleNotFoundError" in Job.objects.get().last_error
