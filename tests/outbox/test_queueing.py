"""A job is written in its cause's transaction; one key waits once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.tasks import TaskResultStatus
from django.tasks.exceptions import TaskResultDoesNotExist

from kaiying.outbox.actions import JobFailed, later, lease_jobs, run_due
from kaiying.outbox.actions.leasing import fail as record_failure
from kaiying.outbox.models import Event, Job
from kaiying.outbox.vocabulary import JobState
from tests.outbox.chores import fail, note

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_job_of_what_was_undone_is_undone():
    with transaction.atomic():
        note.enqueue("hello")
        later(note, at=NOON, text="hello")
        transaction.set_rollback(True)

    assert not Job.objects.exists()


def test_an_enqueued_task_runs_at_whatever_moment_comes_first():
    note.enqueue("hello")

    assert run_due(at=datetime(2001, 1, 1, tzinfo=UTC)) == 1
    assert Event.objects.get().facts["text"] == "hello"


def test_a_task_for_later_waits_until_then():
    later(note, at=NOON, text="hello")

    assert run_due(at=NOON - MINUTE) == 0
    assert run_due(at=NOON) == 1
    assert run_due(at=NOON) == 0


def test_run_after_waits_too():
    note.using(run_after=NOON).enqueue("hello")

    assert run_due(at=NOON - MINUTE) == 0
    assert run_due(at=NOON) == 1


def test_a_task_that_is_run_on_the_spot_sees_the_given_moment():
    later(note, at=NOON, text="hello")

    run_due(at=NOON + MINUTE)

    assert datetime.fromisoformat(Event.objects.get().facts["seen"]) == NOON + MINUTE


def test_a_key_waits_once_and_moves_forward_only():
    first = later(note, at=NOON, key="expire:7", text="a")
    again = later(note, at=NOON + MINUTE, key="expire:7", text="b")
    sooner = later(note, at=NOON - MINUTE, key="expire:7", text="c")

    assert first.pk == again.pk == sooner.pk
    job = Job.objects.get()
    assert (job.run_at, job.args["kwargs"]) == (NOON - MINUTE, {"text": "a"})


def test_a_key_may_wait_again_once_its_job_has_begun():
    later(note, at=NOON, key="expire:7", text="a")
    [begun] = lease_jobs(at=NOON, limit=1)

    second = later(note, at=NOON, key="expire:7", text="b")

    assert second.pk != begun.pk
    assert Job.objects.count() == 2


def test_a_failed_job_whose_key_waits_again_leaves_the_work_to_it():
    later(fail, at=NOON, key="digest:7", text="broken")
    [job] = lease_jobs(at=NOON, limit=1)
    later(fail, at=NOON + timedelta(days=1), key="digest:7", text="broken")

    record_failure(job, error="broken", at=NOON)

    states = dict(Job.objects.values_list("pk", "state"))
    assert states.pop(job.pk) == JobState.DONE
    assert list(states.values()) == [JobState.WAITING]
    assert Job.objects.waiting().get().run_at < NOON + MINUTE


def test_the_result_of_a_task_can_be_asked_for():
    result = note.enqueue("hello")
    assert result.status == TaskResultStatus.READY

    run_due(at=NOON)
    result.refresh()

    assert (result.status, result.attempts, result.is_finished) == (TaskResultStatus.SUCCESSFUL, 1, True)
    assert note.get_result(result.id).kwargs == {}
    with pytest.raises(TaskResultDoesNotExist):
        note.get_result("0")


def test_the_result_of_a_failed_task_tells_why():
    result = fail.enqueue("no seat")

    with pytest.raises(JobFailed):
        run_due(at=NOON)
    result.refresh()

    assert result.status == TaskResultStatus.READY
    assert result.errors[0].exception_class_path == "builtins.ValueError"
    assert "no seat" in result.errors[0].traceback
