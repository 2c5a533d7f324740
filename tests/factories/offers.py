"""Sales for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from kaiying.camps.models import Cohort
from kaiying.offers.actions import claim_seat, open_offer
from kaiying.offers.models import Claim, Offer
from kaiying.people.models import User
from tests.factories.camps import CohortFactory
from tests.factories.people import UserFactory

OPENS = datetime(2026, 7, 15, 12, 0, tzinfo=UTC)
"""The evening before the factories' cohort begins: 20:00 in Shanghai."""

MINUTE = timedelta(minutes=1)
FIRST, STANDARD = 280, 9_900

_slugs = count(1)
_keys = count(1)


def tier(ref: str, price: str, seats: int | None = None, **facts: Any) -> dict[str, Any]:
    """Return the terms of one tier."""
    return {"id": ref, "name": {"zh-hans": f"{ref} 席", "en": f"{ref} seats"}, "price": price, "seats": seats, **facts}


def ladder_terms(first: int = 30, standard: int | None = 20, **facts: Any) -> dict[str, Any]:
    """Return terms as ``camp.yaml`` has them: so many seats at ¥2.80, then so many at ¥99."""
    tiers = [tier("first", "2.80", first)]
    if standard:
        tiers.append(tier("standard", "99.00", standard))
    return {
        "currency": "CNY",
        "list_price": "99.00",
        "hold_minutes": 15,
        "last_seats": {
            "count": 30,
            "wording": {"zh-hans": "抢最后 {count} 个{tier}", "en": "{tier}: the last {count}"},
        },
        "tiers": tiers,
        **facts,
    }


def an_offer(
    first: int = 30,
    standard: int | None = 20,
    *,
    cohort: Cohort | None = None,
    tiers: Sequence[dict[str, Any]] | None = None,
    opens_at: datetime = OPENS,
    closes_at: datetime | None = None,
    **terms: Any,
) -> Offer:
    """Open a sale of ``first`` seats at ¥2.80 and ``standard`` at ¥99, or of the given tiers."""
    wanted = ladder_terms(first, standard, **terms)
    if tiers is not None:
        wanted["tiers"] = tiers
    return open_offer(
        cohort=cohort or CohortFactory.create(),
        slug=f"offer-{next(_slugs)}",
        terms=wanted,
        opens_at=opens_at,
        closes_at=closes_at,
        at=opens_at - timedelta(days=1),
    )


def a_key() -> str:
    """Return a request key that was not used before."""
    return f"key-{next(_keys):08}"


def a_claim(
    offer: Offer, *, learner: User | None = None, max_price: int = STANDARD, key: str = "", at: datetime = OPENS
) -> Claim:
    """Claim a seat for somebody."""
    return claim_seat(
        offer=offer, learner=learner or UserFactory.create(), max_price=max_price, key=key or a_key(), at=at
    )
