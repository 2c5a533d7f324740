"""What a process of the gate keeps in memory of the sales: how they stand, and who has a seat or a place in line."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from kaiying.offers.models import Admission, Claim, Offer, PriceTier, WaitlistEntry
from kaiying.offers.queries.ladder import Ladder, laid_out


@dataclass(frozen=True, slots=True)
class Stand:
    """The rows of one offer as they stood at one moment; its ladder follows for any moment."""

    offer: Offer
    tiers: list[PriceTier]
    waiting: int
    admission: Admission | None

    @property
    def free(self) -> int:
        """How many seats can be claimed at any price."""
        return sum(tier.free for tier in self.tiers)

    @property
    def over_at(self) -> datetime | None:
        """When the last tier ends by the clock; ``None`` while one has no end."""
        ends = [tier.ends_at for tier in self.tiers]
        return max(ends, default=None) if None not in ends else None  # type: ignore[type-var]

    def ladder(self, *, at: datetime) -> Ladder:
        """Return the public count at ``at``."""
        return laid_out(self.offer, self.tiers, waiting=self.waiting, at=at)


def stands(*, at: datetime, named: Collection[str] = (), running: bool = True) -> list[Stand]:
    """Return how the offers with these addresses stand, and all that are not closed: three statements in all."""
    asked = Q(slug__in=named)
    if running:
        asked |= Q(closes_at=None) | Q(closes_at__gt=at)
    offers = list(Offer.objects.filter(asked).select_related("admission").order_by("pk"))
    if not offers:
        return []
    tiers: dict[int, list[PriceTier]] = {offer.pk: [] for offer in offers}
    for tier in PriceTier.objects.filter(offer__in=tiers).order_by("position"):
        tiers[tier.offer_id].append(tier)
    line = WaitlistEntry.objects.waiting().filter(offer__in=tiers).order_by().values_list("offer")
    waiting = dict(line.annotate(people=Count("pk")))
    return [
        Stand(offer, tiers[offer.pk], waiting.get(offer.pk, 0), getattr(offer, "admission", None))
        for offer in offers
        if tiers[offer.pk]
    ]


@dataclass(slots=True)
class Holders:
    """Who has, or may have, a seat or a place in line, up to these ids."""

    learners: set[int]
    claim_id: int = 0
    entry_id: int = 0


def holders(offer_id: int, *, after: Holders | None = None) -> Holders:
    """Return who holds a seat or stands in line; with ``after``, only who came since, ended or not: two statements."""
    claims, line = Claim.objects.filter(offer=offer_id), WaitlistEntry.objects.filter(offer=offer_id)
    if after is None:
        claims, line = claims.live(), line.standing()
    else:
        claims, line = claims.filter(pk__gt=after.claim_id), line.filter(pk__gt=after.entry_id)
    since = after or Holders(set())
    held = list(claims.values_list("pk", "learner_id"))
    stand = list(line.values_list("pk", "learner_id"))
    return Holders(
        {learner_id for _pk, learner_id in held + stand},
        max((pk for pk, _learner in held), default=since.claim_id),
        max((pk for pk, _learner in stand), default=since.entry_id),
    )
