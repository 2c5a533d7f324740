"""Workers: no job runs twice at once, and the job of a killed worker runs again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F

from kaiying.outbox.actions import Worker, lease_jobs, working
from kaiying.outbox.models import Event, Job
from kaiying.outbox.vocabulary import JobState
from tests.outbox import chores

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def until(met: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def lease_in_threads(lease: Callable[[], list[Job]], *, workers: int) -> list[int]:
    """Let several workers lease at the same moment; return the ids of all they got."""
    got: list[int] = []
    start = threading.Barrier(workers)

    def take() -> None:
        try:
            start.wait()
            got.extend(job.pk for job in lease())
        finally:
            connection.close()

    threads = [threading.Thread(target=take) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


@pytest.mark.django_db(transaction=True)
def test_workers_that_lease_at_once_never_share_a_job():
    for number in range(40):
        chores.note.enqueue(str(number))

    got = lease_in_threads(lambda: lease_jobs(at=NOON, limit=10), workers=4)

    assert len(got) == len(set(got))
    assert len(got) + len(lease_jobs(at=NOON, limit=100)) == 40


@pytest.mark.django_db(transaction=True)
def test_without_the_lease_workers_would_share_jobs():
    for number in range(10):
        chores.note.enqueue(str(number))
    seen = threading.Barrier(4)

    def careless() -> list[Job]:
        jobs = list(Job.objects.due(at=NOON)[:10])
        seen.wait()
        Job.objects.filter(pk__in=[job.pk for job in jobs]).update(attempts=F("attempts") + 1)
        return jobs

    got = lease_in_threads(careless, workers=4)

    assert len(got) == 4 * len(set(got))


@pytest.fixture
def run_worker():
    """Run workers in threads; stop them at the end."""
    workers: list[tuple[Worker, threading.Thread]] = []

    def run(worker: Worker) -> Worker:
        def work() -> None:
            try:
                worker.work(grace=5)
            finally:
                connection.close()

        thread = threading.Thread(target=work)
        workers.append((worker, thread))
        thread.start()
        return worker

    yield run
    for worker, thread in workers:
        worker.stop()
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_worker_runs_what_is_queued_and_stops_when_told(run_worker):
    worker = run_worker(Worker(threads=2, ticking=False))
    for number in range(6):
        chores.note.enqueue(str(number))

    until(lambda: Job.objects.filter(state=JobState.DONE).count() == 6)
    worker.stop()

    assert sorted(event.facts["text"] for event in Event.objects.all()) == list("012345")


@pytest.mark.django_db(transaction=True)
def test_the_lease_of_a_long_job_is_kept_alive(run_worker, tmp_path):
    journal = tmp_path / "journal"
    run_worker(Worker(threads=1, lease=timedelta(seconds=0.6), ticking=False))
    run_worker(Worker(threads=1, lease=timedelta(seconds=0.6), ticking=False))
    chores.linger.enqueue(str(journal), 2.0)

    until(lambda: Job.objects.filter(state=JobState.DONE).exists())

    assert [line.split()[0] for line in journal.read_text().splitlines()] == ["begun", "ended"]


@pytest.mark.django_db(transaction=True)
def test_without_the_heartbeat_a_long_job_would_run_twice_at_once(run_worker, tmp_path, monkeypatch):
    journal = tmp_path / "journal"
    monkeypatch.setattr(working, "renew", lambda jobs, **_facts: len(jobs))
    run_worker(Worker(threads=1, lease=timedelta(seconds=0.6), ticking=False))
    run_worker(Worker(threads=1, lease=timedelta(seconds=0.6), ticking=False))
    chores.linger.enqueue(str(journal), 2.0)

    until(lambda: journal.exists() and journal.read_text().count("ended") >= 2)

    assert [line.split()[0] for line in journal.read_text().splitlines()][:2] == ["begun", "begun"]


@pytest.fixture
def worker_process(tmp_path):
    """Start ``manage.py work`` on a database file of its own; kill what is left at the end."""
    environment = os.environ | {
        "KAIYING_DATA": str(tmp_path),
        "KAIYING_DATABASE_URL": "",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"],
    }
    started: list[subprocess.Popen[bytes]] = []

    def manage(*arguments: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "django", *arguments], cwd=ROOT, env=environment)
        started.append(process)
        return process

    yield manage
    for process in started:
        process.kill()
        process.wait()


def test_the_job_of_a_killed_worker_runs_again_when_its_lease_ends(worker_process, tmp_path):
    journal = tmp_path / "journal"
    code = (
        "from django.core.management import call_command; call_command('migrate', 'outbox', verbosity=0);"
        f"from tests.outbox.chores import linger; linger.enqueue({str(journal)!r}, 1.5)"
    )
    assert worker_process("shell", "--no-imports", "--command", code).wait() == 0

    first = worker_process("work", "--lease=2", "--no-ticker")
    until(lambda: journal.exists() and "begun" in journal.read_text())
    first.send_signal(signal.SIGKILL)
    second = worker_process("work", "--lease=2", "--no-ticker")
    until(lambda: "ended" in journal.read_text())

    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=10) == 0
    assert journal.read_text().splitlines() == [
        f"begun {first.pid}",
        f"begun {second.pid}",
        f"ended {second.pid}",
    ]
