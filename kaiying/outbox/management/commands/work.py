"""Run jobs and schedules."""

import os
import signal
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, override

from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from kaiying.outbox.actions import Worker, run_due, tick
from kaiying.outbox.actions.schedules import enroll_schedules
from kaiying.outbox.models import Job
from kaiying.outbox.vocabulary import JobState
from kaiying.wire import clock


class Command(BaseCommand):
    """The task worker."""

    help = "Do the jobs that wait in the outbox, and start recurring ones when they are due. Stops at TERM or INT."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then end")
        parser.add_argument(
            "--threads",
            type=int,
            default=4,
            help="how many jobs run at a time (default 4)",
        )
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            help="only this queue; may be repeated",
        )
        parser.add_argument(
            "--lease",
            type=float,
            default=60.0,
            help="seconds until a dead worker's job is run again",
        )
        parser.add_argument(
            "--grace",
            type=float,
            default=10.0,
            help="seconds that running jobs get at a stop",
        )
        parser.add_argument(
            "--no-ticker",
            action="store_true",
            help="leave the recurring tasks to other workers",
        )

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        lease = timedelta(seconds=options["lease"])
        if options["once"]:
            self._once(lease=lease, queues=options["queue"], ticking=not options["no_ticker"])
            return
        worker = Worker(
            threads=options["threads"],
            lease=lease,
            queues=options["queue"],
            ticking=not options["no_ticker"],
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: worker.stop())
        if not worker.work(grace=options["grace"]):
            self.stderr.write("A job is still running and will be started again when its lease ends.")
            self.stderr.flush()
            os._exit(0)  # a thread cannot be stopped; what it has not committed is undone
        connections.close_all()

    def _once(self, *, lease: timedelta, queues: list[str], ticking: bool) -> None:
        at = clock.now()
        if ticking:
            enroll_schedules(at=at)
            tick(at=at)
        ran = run_due(at=at, queues=queues, tolerant=True, lease=lease)
        failing = Job.objects.waiting().exclude(last_error="").count()
        dead = Job.objects.filter(state=JobState.DEAD).count()
        self.stdout.write(f"{ran} jobs run; {failing} wait for another try, {dead} given up.")
        if failing:
            message = "Some jobs failed; see the back office, Outbox, Jobs."
            raise CommandError(message)
