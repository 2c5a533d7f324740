"""Words of this room, and how it says no."""

from dataclasses import dataclass
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused


class SeatState(models.TextChoices):
    """Where a numbered seat stands."""

    FREE = "free", _("Free")
    HELD = "held", _("Held")
    PAID = "paid", _("Paid")
    VOID = "void", _("Withdrawn")


class ClaimState(models.TextChoices):
    """Where a claim stands; only ``held`` and ``paid`` are live."""

    HELD = "held", _("Held")
    PAID = "paid", _("Paid")
    LAPSED = "lapsed", _("Hold expired")
    RELEASED = "released", _("Let go")
    REFUNDED = "refunded", _("Refunded")


LIVE = (ClaimState.HELD, ClaimState.PAID)


class StepState(models.TextChoices):
    """Where a price tier stands for somebody who looks at the ladder."""

    OPEN = "open", _("On sale")
    NEXT = "next", _("Next")
    SOLD_OUT = "sold_out", _("Sold out")
    OVER = "over", _("Over")


class SettledAs(models.TextChoices):
    """What money that arrived turned into."""

    SEATED = "seated", _("Seated")
    AGAIN_SEATED = "again_seated", _("Seated again after the hold had ended")
    NO_SEAT = "no_seat", _("No seat left")


class ReturnPolicy(models.TextChoices):
    """What becomes of a seat that comes back while nobody waits."""

    REOPEN = "reopen", _("On sale again")
    VOID = "void", _("Withdrawn")


class WaitState(models.TextChoices):
    """Where a person on the waitlist stands."""

    WAITING = "waiting", _("Waiting")
    OFFERED = "offered", _("Has an offer")
    SEATED = "seated", _("Has a seat")
    LAPSED = "lapsed", _("Let it pass")
    LEFT = "left", _("Left")


STANDING = (WaitState.WAITING, WaitState.OFFERED)


class Turn(models.IntegerChoices):
    """Whose turn comes first on the waitlist."""

    OWED = 0, _("We owe them a seat")
    AS_THEY_CAME = 1, _("As they came")


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """One learner asks for one seat at no more than ``max_price`` (minor units); ``key`` is the request's own."""

    offer_id: int
    learner_id: int
    max_price: int
    key: str


class SoldOut(Refused):
    """No seat is left at any price."""

    code: ClassVar[str] = "sold_out"
    text = _("All seats are taken. You can join the waitlist.")


class PriceMoved(Refused):
    """The next seat costs more than the buyer agreed to; nothing was taken."""

    code: ClassVar[str] = "price_moved"
    status: ClassVar[int] = 412
    text = _("The price is now %(price)s. Nothing was taken; choose whether to go on.")


class NotOnSale(Refused):
    """The offer is not open yet, or closed."""

    code: ClassVar[str] = "not_on_sale"
    text = _("This offer is not on sale at the moment.")


class TooEarly(NotOnSale):
    """The sale has not opened."""

    code: ClassVar[str] = "too_early"
    text = _("The sale has not opened yet.")


class Closed(NotOnSale):
    """The sale is over."""

    code: ClassVar[str] = "closed"
    text = _("The sale has ended.")


class WaitYourTurn(Refused):
    """Holds of this learner ended unpaid too often; the waitlist is the way left."""

    code: ClassVar[str] = "wait_your_turn"
    text = _("Your holds ended unpaid more than once, so others go first now. You can join the waitlist.")


class KeySpent(Refused):
    """The claim of this request key has ended; asking again needs a new key."""

    code: ClassVar[str] = "key_spent"
    text = _("The hold this request got has ended. Reload the page and claim again.")


class HasSeat(Refused):
    """Somebody who has a seat needs no place in line."""

    code: ClassVar[str] = "has_seat"
    text = _("You already have a seat.")


class TierTooSmall(Refused):
    """A price tier cannot shrink below what is sold and held of it, nor change the price it was sold at."""

    code: ClassVar[str] = "tier_too_small"
    text = _("The tier %(tier)s has %(used)s seats sold, held or withdrawn; it cannot shrink to %(wanted)s.")


class TierSold(Refused):
    """Seats were claimed at this tier's price, so the price stays and the tier cannot go."""

    code: ClassVar[str] = "tier_sold"
    text = _("Seats of the tier %(tier)s were already claimed; its price stays and it cannot be removed.")


class BadLadder(Refused):
    """The tiers do not make a ladder."""

    code: ClassVar[str] = "bad_ladder"
    status: ClassVar[int] = 422
    text = _("The price ladder makes no sense: %(why)s.")


class KeyReused(Refused):
    """The same request key came with another request."""

    code: ClassVar[str] = "key_reused"
    status: ClassVar[int] = 422
    text = _("This request was already used for something else. Reload the page and try again.")


class NotYours(Refused):
    """The claim is not live any more."""

    code: ClassVar[str] = "claim_over"
    text = _("This seat is no longer held for you.")
