"""The worker: leases due jobs, runs them in a few threads, keeps their leases alive, and ticks the schedules."""

import logging
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from kaiying.outbox.actions.leasing import LEASE, fail, finish, lease_jobs, renew
from kaiying.outbox.actions.running import LOST_LEASE, call, explain
from kaiying.outbox.actions.schedules import enroll_schedules, tick
from kaiying.outbox.models import Job
from kaiying.wire import clock

logger = logging.getLogger(__name__)

IDLE_PAUSE = 0.25
TICK_SECONDS = 1.0
LONGEST_OUTAGE_PAUSE = 10.0


class Worker:
    """Runs jobs until it is told to stop. Each job runs outside the transaction that leased it."""

    def __init__(
        self,
        *,
        threads: int = 4,
        lease: timedelta = LEASE,
        queues: Collection[str] = (),
        ticking: bool = True,
    ) -> None:
        """Take ``threads`` jobs at a time from ``queues`` (all when empty); ``ticking`` also runs the schedules."""
        self.threads, self.lease, self.queues, self.ticking = (
            threads,
            lease,
            queues,
            ticking,
        )
        self.running: dict[Future[None], Job] = {}
        self._stopping = threading.Event()
        self._freed = threading.Event()
        self._ticked = self._renewed = self._enrolled = 0.0

    def stop(self) -> None:
        """Take no more jobs; may be called from a signal handler."""
        self._stopping.set()
        self._freed.set()

    def work(self, *, grace: float = 10.0) -> bool:
        """Work until stopped, then wait ``grace`` seconds for what is running; False when something still runs."""
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="job")
        outage = 0.0
        while not self._stopping.is_set():
            try:
                taken = self._turn(pool)
                outage = 0.0
            except DatabaseError:
                outage = min(max(1.0, outage * 2), LONGEST_OUTAGE_PAUSE)
                logger.exception("outbox: the database does not answer; next try in %.0f s", outage)
                connection.close()
                self._stopping.wait(outage)
                continue
            if not taken:
                self._freed.wait(IDLE_PAUSE)
            self._freed.clear()
        done = self._finish_up(grace)
        if done:
            self._close_connections(pool)
        pool.shutdown(wait=done, cancel_futures=True)
        return done

    def _turn(self, pool: ThreadPoolExecutor) -> int:
        """Look once at everything there is to do; return how many jobs were taken."""
        self._keep_leases()
        self._tick()
        free = self.threads - len(self.running)
        at = clock.now()
        # A plain look first: most turns find nothing and need not take the writer's lock.
        if not free or not Job.objects.due(at=at).on_queues(self.queues).exists():
            return 0
        jobs = lease_jobs(at=at, limit=free, queues=self.queues, length=self.lease)
        for job in jobs:
            future = pool.submit(self._run, job)
            self.running[future] = job
            future.add_done_callback(self._forget)
        return len(jobs)

    def _forget(self, future: Future[None]) -> None:
        self.running.pop(future, None)
        self._freed.set()

    def _keep_leases(self) -> None:
        """Renew the leases of running jobs at a third of their length."""
        since = time.monotonic() - self._renewed
        jobs = list(self.running.values())
        if jobs and since >= self.lease.total_seconds() / 3:
            renew(jobs, at=clock.now(), length=self.lease)
        if not jobs or since >= self.lease.total_seconds() / 3:
            self._renewed = time.monotonic()

    def _tick(self) -> None:
        if not self.ticking or time.monotonic() - self._ticked < TICK_SECONDS:
            return
        if not self._enrolled:
            enroll_schedules(at=clock.now())
            self._enrolled = time.monotonic()
        tick(at=clock.now())
        self._ticked = time.monotonic()

    def _run(self, job: Job) -> None:
        """Run one job in a thread of the pool."""
        close_old_connections()
        try:
            call(job)
        except Exception as error:
            logger.exception("outbox: job %s (%s) failed, attempt %s", job.pk, job, job.attempts)
            self._record(job, partial(fail, job, error=explain(error)))
        else:
            self._record(job, partial(finish, job))
        close_old_connections()

    @staticmethod
    def _record(job: Job, end: Callable[..., bool]) -> None:
        """Write how a job ended; when the database is away, the lapsing lease brings the job back."""
        try:
            if not end(at=clock.now()):
                logger.warning(LOST_LEASE, job.pk, job)
        except DatabaseError:
            logger.exception("outbox: the end of job %s could not be written", job.pk)
            connection.close()

    def _finish_up(self, grace: float) -> bool:
        """Wait for running jobs, keeping their leases."""
        until = time.monotonic() + grace
        while self.running and time.monotonic() < until:
            self._keep_leases()
            time.sleep(0.05)
        return not self.running

    def _close_connections(self, pool: ThreadPoolExecutor) -> None:
        """Let every thread close its own connection; nobody else can."""
        together = threading.Barrier(self.threads)

        def close() -> None:
            connection.close()
            with suppress(threading.BrokenBarrierError):
                together.wait(timeout=2)

        wait([pool.submit(close) for _ in range(self.threads)])
