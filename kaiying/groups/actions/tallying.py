"""Counts that are kept, so that tomorrow can be compared with today."""

from datetime import datetime

from kaiying.groups.models import ClassGroup, ContactCount
from kaiying.groups.queries.supervision import supervision
from kaiying.kit import periods


def count_contacts(*, group: ClassGroup, at: datetime) -> ContactCount:
    """Keep how many learners of the class had to be contacted on the day of ``at``; the day's last count stays."""
    on = periods.day_in(at, group.cohort.zone)
    count = len(supervision(group, at=at).to_contact)
    kept, _is_new = ContactCount.objects.update_or_create(group=group, on=on, defaults={"count": count, "at": at})
    return kept
