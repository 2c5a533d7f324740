"""What people are told by the clock."""

from django.tasks import task

from kaiying.offers.actions import fold_pulses, watch_sale
from kaiying.offers.models import Incident, Offer
from kaiying.offers.queries import open_sales
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


@every(10)
@task
def watch_sales() -> None:
    """Tell operators when too few of those who ask for a seat get an answer, and when it is over."""
    at = clock.now()
    troubled = Incident.objects.filter(ended_at=None).values("offer")
    watched = open_sales(at=at) | Offer.objects.filter(pk__in=troubled)
    for offer in watched.select_related("cohort__camp"):
        watch_sale(offer=offer, at=at)


@every(60 * 60)
@task
def fold_old_pulses() -> None:
    """Fold what was noted every five seconds into one row an hour."""
    fold_pulses(at=clock.now())
