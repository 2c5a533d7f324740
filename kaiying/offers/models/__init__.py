"""The tables of this room: the ledger, those who wait, and what happened."""

from kaiying.offers.models.ledger import Claim, ClaimQuerySet, Offer, PriceTier, Seat
from kaiying.offers.models.line import (
    Admission,
    Bell,
    Reservation,
    ReservationQuerySet,
    WaitlistEntry,
    WaitlistQuerySet,
)
from kaiying.offers.models.records import Act, Incident, LedgerEvent, Pulse

__all__ = [
    "Act",
    "Admission",
    "Bell",
    "Claim",
    "ClaimQuerySet",
    "Incident",
    "LedgerEvent",
    "Offer",
    "PriceTier",
    "Pulse",
    "Reservation",
    "ReservationQuerySet",
    "Seat",
    "WaitlistEntry",
    "WaitlistQuerySet",
]
