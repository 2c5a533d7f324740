"""Pages of this room."""

from kaiying.offers.views.claims import claims, departure, giving_back, numbers, waitlist
from kaiying.offers.views.queue import bell, queue
from kaiying.offers.views.reservations import reservation

__all__ = ["bell", "claims", "departure", "giving_back", "numbers", "queue", "reservation", "waitlist"]
