"""Writes of the outbox: tell, do later, do again and again, and the worker that does it."""

from kaiying.outbox.actions.events import publish, publish_all
from kaiying.outbox.actions.housekeeping import prune, revive
from kaiying.outbox.actions.leasing import lease_jobs, renew
from kaiying.outbox.actions.queueing import later
from kaiying.outbox.actions.running import JobFailed, run_due
from kaiying.outbox.actions.schedules import every, tick
from kaiying.outbox.actions.working import Worker

__all__ = [
    "JobFailed",
    "Worker",
    "every",
    "later",
    "lease_jobs",
    "prune",
    "publish",
    "publish_all",
    "renew",
    "revive",
    "run_due",
    "tick",
]
