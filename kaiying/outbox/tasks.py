"""What the outbox does for itself."""

from django.tasks import task

from kaiying.outbox.actions import every
from kaiying.outbox.actions import prune as prune_old
from kaiying.wire import clock


@every(60 * 60)
@task
def prune() -> None:
    """Delete events and done jobs of more than a week ago."""
    prune_old(at=clock.now())
