"""Sells an offer in batches in this process and prints what a claim costs on the way: ``python -m bench.gate.selling``.

Arguments: offer, size of a batch, claims of a figure, and how many must be sold before each figure. A figure is the
batch that a quarter are quicker than, so that pauses of the machine do not count.
"""

import json
import sys
import time
from statistics import quantiles


def main() -> None:
    """Sell, and print one JSON object: claims a second by how many were sold before."""
    slug, size, count, *levels = sys.argv[1:]
    import django

    django.setup()
    from kaiying.offers.models import Offer

    offer = Offer.objects.get(slug=slug)
    seller = Seller(offer.pk)
    seller.sell(int(count) // 4, int(size))  # the first batches fill caches
    rates = {}
    for level in map(int, levels):
        while seller.sold < level:
            seller.sell(min(2_000, level - seller.sold), 2_000)
        rates[level] = seller.sell(int(count), int(size))
    print(json.dumps(rates))


class Seller:
    """Claims seats for people 1, 2, 3, …"""

    def __init__(self, offer_id: int) -> None:
        self._offer_id, self._next, self.sold = offer_id, 1, 0

    def sell(self, count: int, size: int) -> float:
        """Sell so many; returns claims a second of the batch that a quarter are quicker than."""
        from kaiying.offers.actions import claim_seats
        from kaiying.offers.vocabulary import ClaimRequest
        from kaiying.wire import clock

        took = []
        for start in range(0, count, size):
            part = range(self._next + start, self._next + min(start + size, count))
            asks = [ClaimRequest(self._offer_id, who, 9_900, f"sell-{who:09}") for who in part]
            begun = time.perf_counter()
            given = claim_seats(asks, at=clock.now())
            took.append((time.perf_counter() - begun) / len(asks))
            assert not [one for one in given if isinstance(one, Exception)], given[:3]
        self._next += count
        self.sold += count
        return 1 / quantiles(took, n=4)[0]


if __name__ == "__main__":
    main()
