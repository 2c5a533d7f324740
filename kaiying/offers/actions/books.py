"""What the holder of an offer's lock knows of it: its terms, its tiers with their counts, the free seats fetched."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from kaiying.offers.models import Offer


@dataclass(slots=True, eq=False)
class Tier:
    """One step of the ladder under the lock; prices in minor units."""

    pk: int
    offer_id: int
    price: int
    ends_at: datetime | None
    capacity: int
    held: int
    paid: int
    void: int

    @property
    def free(self) -> int:
        """How many of its seats can be claimed."""
        return self.capacity - self.held - self.paid - self.void

    def is_over(self, *, at: datetime) -> bool:
        """Tell whether its time has passed."""
        return self.ends_at is not None and self.ends_at <= at


@dataclass(slots=True)
class Place:
    """A seat as the lock holder sees it."""

    number: int
    generation: int
    tier: Tier


@dataclass(frozen=True, slots=True)
class Terms:
    """The row of a locked offer."""

    pk: int
    opens_at: datetime
    closes_at: datetime | None
    hold: timedelta
    on_return: str
    currency: str
    epoch: int


class Book:
    """One locked offer: its tiers in the order of the ladder, and the free seats fetched so far."""

    def __init__(self, terms: Terms, tiers: Sequence[Tier], *, most_offered: int, at: datetime) -> None:
        """Take the rows read under the lock; ``most_offered`` is the best price somebody in line accepts, or -1."""
        self.pk, self.terms, self.at = terms.pk, terms, at
        self.tiers = list(tiers)
        self.by_pk = {tier.pk: tier for tier in tiers}
        self.epoch = terms.epoch
        self.is_open = terms.opens_at <= at and (terms.closes_at is None or at < terms.closes_at)
        self.free: dict[int, list[Place]] = defaultdict(list)  # lowest number last, so that it is popped
        self.most_offered = most_offered

    @cached_property
    def offer(self) -> Offer:
        """The whole row, for acts that need more than the hot path."""
        return Offer.objects.get(pk=self.pk)

    def priced_at(self, tier: Tier) -> Tier | None:
        """Return the tier at whose price a free seat of ``tier`` is sold: itself, or the next that is not over."""
        later = self.tiers[self.tiers.index(tier) :]
        return next((step for step in later if not step.is_over(at=self.at)), None)

    def steps(self) -> list[Tier]:
        """Return the tiers that still sell and have free seats, in the order of the ladder."""
        return [tier for tier in self.tiers if tier.free and not tier.is_over(at=self.at)]

    def next_step(self) -> Tier | None:
        """Return the tier whose seats are sold now."""
        return next(iter(self.steps()), None)
