"""What learners are told by the clock."""

from django.tasks import task

from kaiying.outbox.actions import every
from kaiying.pages.actions import tell_finished, tell_open_days
from kaiying.wire import clock


@every(60)
@task
def say_what_opened() -> None:
    """Tell learners that a day of theirs has opened."""
    tell_open_days(at=clock.now())


@every(60)
@task
def congratulate() -> None:
    """Tell learners that everything they had to hand in is in."""
    tell_finished(at=clock.now())
