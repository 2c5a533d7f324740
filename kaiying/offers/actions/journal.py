"""What a transaction changed, as facts from which every table of the ledger can be rebuilt (I6).

A claim is named by its seat and the seat's generation, a waitlist entry by its id. Each key is left out when it is
empty:

- ``held``: groups ``{tier, price, until, claims: [[learner, seat, generation, most, key], …]}``;
- ``born``: claims that begin otherwise: ``[learner, seat, generation, tier, price, most, key, state, until]``;
- ``ended``: ``{state: [[seat, generation], …]}``; ``paid``: ``[[seat, generation], …]``;
- ``amended``: ``[[seat, generation, {column: value}], …]``;
- ``seats``: ``[[from, to, freed, tier or null, [[first, last], …]], …]``; holds of ``held`` are not repeated here;
- ``passed``: ``[[tier, tier], …]``: free seats handed on to the next tier;
- ``line``: ``[[entry, learner, most, turn, state, [seat, generation] or null], …]``;
- ``ladder``: the whole ladder after it was opened or changed:
  ``{seats, tiers: [[tier, ref, price, [[first, last], …]], …]}``.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kaiying.offers.models import Claim, PriceTier, Seat, WaitlistEntry

type Facts = dict[str, Any]


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return numbers as runs: 1, 2, 3, 7 is [[1, 3], [7, 7]]."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return runs


def named(claim: Claim) -> list[int]:
    """Return the name of a claim."""
    return [claim.seat_number, claim.generation]


def born(claim: Claim) -> list[object]:
    """Return a claim that begins otherwise than by asking."""
    until = claim.held_until.isoformat()
    money = [claim.tier_id, claim.price, claim.max_price]
    return [claim.learner_id, claim.seat_number, claim.generation, *money, claim.key, claim.state, until]


def stood(entry: WaitlistEntry) -> list[object]:
    """Return where a person in line stands now."""
    claim = named(entry.claim) if entry.claim else None
    return [entry.pk, entry.learner_id, entry.max_price, entry.precedence, entry.state, claim]


def plain(value: object) -> object:
    """Return a value as JSON knows it."""
    return value.isoformat() if isinstance(value, datetime) else value


def whole_ladder(offer_id: int) -> Facts:
    """Return the ladder as it stands, with the seats of each tier."""
    numbers: dict[int, list[int]] = defaultdict(list)
    seats = 0
    for tier_id, number in Seat.objects.filter(offer=offer_id).values_list("tier_id", "number").iterator():
        numbers[tier_id].append(number)
        seats += 1
    tiers = PriceTier.objects.filter(offer=offer_id).order_by("position").values_list("pk", "ref", "price")
    return {"seats": seats, "tiers": [[pk, ref, price, ranges(numbers[pk])] for pk, ref, price in tiers]}
