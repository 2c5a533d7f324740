"""Acts on one slice of a split sale as an operator would, by the product's own actions: one JSON line in, one out.

Run in a process of its own on the slice's database: ``{"do": "lower", "offer": "tail", "by": 40}``.
"""

import contextlib
import json
import sys
from typing import Any

REASON = "Ranges of a split sale"


def main() -> None:
    """Answer until there is nothing more to do."""
    import django

    django.setup()
    from kaiying.people.models import User

    by = User.objects.get(pk=1)
    for line in sys.stdin:
        asked = json.loads(line)
        said = _DOES[asked.pop("do")](by=by, **asked)
        print(json.dumps(said), flush=True)


def _offer(slug: str) -> Any:
    from kaiying.offers.models import Offer

    return Offer.objects.get(slug=slug)


def _identify(offer: str, **_facts: Any) -> int:
    return int(_offer(offer).pk)


def _stand(offer: str, **_facts: Any) -> dict[str, int]:
    found = _offer(offer)
    return {"seats": found.seats_total, "free": sum(tier.free for tier in found.tiers.all())}


def _close(offer: str, by: Any) -> list[int]:
    """End a sale for good, and return who has a seat: nobody can be added to them afterwards."""
    from kaiying.offers.actions.operating import close_sale
    from kaiying.offers.models import Claim
    from kaiying.offers.vocabulary import Closed
    from kaiying.wire import clock

    with contextlib.suppress(Closed):  # by an earlier try
        close_sale(offer=_offer(offer), by=by, reason=REASON, at=clock.now())
    return list(Claim.objects.live().filter(offer__slug=offer).values_list("learner", flat=True))


def _lower(offer: str, by_seats: int, by: Any) -> int:
    """Take up to so many untouched seats away; returns how many."""
    from kaiying.offers.actions.operating import lower_seats
    from kaiying.offers.vocabulary import SeatsTaken
    from kaiying.wire import clock

    found = _offer(offer)
    wanted = found.seats_total - by_seats
    for _ in range(20):
        try:
            lower_seats(offer=found, seats=wanted, by=by, reason=REASON, at=clock.now())
        except SeatsTaken as taken:
            wanted = int(str(taken.facts["lowest"]))
            if wanted >= found.seats_total:
                return 0
        else:
            return found.seats_total - wanted
    return 0


def _raise(offer: str, by_seats: int, by: Any) -> int:
    from kaiying.offers.actions.operating import raise_seats
    from kaiying.wire import clock

    found = _offer(offer)
    raise_seats(offer=found, seats=found.seats_total + by_seats, by=by, reason=REASON, at=clock.now())
    return by_seats


def _read(offer: str, **_facts: Any) -> dict[str, Any]:
    """Verify the ledger, and return who has which seat at which price."""
    from kaiying.offers.models import Claim
    from kaiying.offers.queries import verify

    rows = Claim.objects.live().filter(offer__slug=offer).values_list("learner", "seat_number", "price")
    return {"faults": verify(_offer(offer)), "live": list(rows), **_stand(offer)}


_DOES = {"identify": _identify, "stand": _stand, "close": _close, "lower": _lower, "raise": _raise, "read": _read}


if __name__ == "__main__":
    main()
