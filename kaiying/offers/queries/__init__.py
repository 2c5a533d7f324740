"""Reads of this room: the ladder, what one person has or waits for, and the check of the whole ledger."""

from kaiying.offers.queries.ladder import Ladder, Rung, Sale, ladder, sale
from kaiying.offers.queries.line import (
    live_claim,
    next_release,
    place_in_line,
    served_before,
    standing_entry,
    standing_reservation,
)
from kaiying.offers.queries.pulses import SLOT, Beats, all_beats, beats, last_minute
from kaiying.offers.queries.running import first_release, open_sales, running_sales
from kaiying.offers.queries.shops import Holders, Stand, holders, stands
from kaiying.offers.queries.verifying import snapshot, verify

__all__ = [
    "SLOT",
    "Beats",
    "Holders",
    "Ladder",
    "Rung",
    "Sale",
    "Stand",
    "all_beats",
    "beats",
    "first_release",
    "holders",
    "ladder",
    "last_minute",
    "live_claim",
    "next_release",
    "open_sales",
    "place_in_line",
    "running_sales",
    "sale",
    "served_before",
    "snapshot",
    "standing_entry",
    "standing_reservation",
    "stands",
    "verify",
]
