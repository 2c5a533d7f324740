"""Old pulses become one row an hour, so that a sale of many days stays quick to add up and no count is lost."""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction

from kaiying.offers.models import Pulse
from kaiying.offers.queries.pulses import COUNTS, floor

KEPT = timedelta(hours=2)
HOUR = timedelta(hours=1)
FOLDED = "hour"
AT_ONCE = 5_000


def fold_pulses(*, at: datetime) -> int:
    """Fold pulses of more than two hours ago into one row for each offer and hour; return how many were folded."""
    folded = 0
    while count := _fold_some(at - KEPT):
        folded += count
    return folded


@transaction.atomic
def _fold_some(before: datetime) -> int:
    old = Pulse.objects.filter(at__lt=floor(before, HOUR)).exclude(source=FOLDED).order_by("pk")
    rows = list(old.select_for_update()[:AT_ONCE])
    groups: dict[tuple[int, datetime], list[Pulse]] = defaultdict(list)
    for row in rows:
        groups[row.offer_id, floor(row.at, HOUR)].append(row)
    for (offer_id, hour), some in groups.items():
        whole, _new = Pulse.objects.select_for_update().get_or_create(offer_id=offer_id, at=hour, source=FOLDED)
        for name in COUNTS:
            setattr(whole, name, getattr(whole, name) + sum(getattr(row, name) for row in some))
        whole.slow_ms = max(whole.slow_ms, *(row.slow_ms for row in some))
        whole.save()
    Pulse.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)
