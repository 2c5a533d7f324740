"""The pulse of a sale: what each process saw of it, five seconds a row."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kaiying.offers.models import Offer, Pulse


class Seen(NamedTuple):
    """What one process saw of one offer in the slot that began at ``at``."""

    offer_id: int
    at: datetime
    viewed: int = 0
    asked: int = 0
    held: int = 0
    refused: int = 0
    shed: int = 0
    failed: int = 0
    slow_ms: int = 0


def note_pulse(seen: Sequence[Seen], *, source: str) -> None:
    """Keep what the process ``source`` saw, with one statement; a slot that is told again replaces what was told."""
    known = set(Offer.objects.filter(pk__in={one.offer_id for one in seen}).values_list("pk", flat=True))
    Pulse.objects.bulk_create(
        [Pulse(source=source, **one._asdict()) for one in seen if one.offer_id in known],
        update_conflicts=True,
        unique_fields=["offer", "at", "source"],
        update_fields=Seen._fields[2:],
    )
