"""Words of this room, and how it says no."""

from datetime import datetime, timedelta
from typing import ClassVar, NamedTuple

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


class ActKind(models.TextChoices):
    """What an operator can do to a sale that runs."""

    RAISE = "raise", _("More seats")
    LOWER = "lower", _("Fewer seats")
    CLOSE = "close", _("Close the sale")
    PAUSE = "pause", _("Pause admission")
    RESUME = "resume", _("Resume admission")
    RATE = "rate", _("Change the admission rate")
    LIFT = "lift", _("Switch the waiting room off")
    RESTORE = "restore", _("Switch the waiting room on")
    COMP = "comp", _("Give a free seat")


class ClaimRequest(NamedTuple):
    """One learner asks for one seat at no more than ``max_price`` (minor units); ``key`` is the request's own."""

    offer_id: int
    learner_id: int
    max_price: int
    key: str


class Taken(NamedTuple):
    """What a claim is answered with: the seat this learner has, since now (``is_new``) or from before."""

    claim_id: int
    offer_id: int
    learner_id: int
    seat_number: int
    generation: int
    price: int
    state: str
    held_until: datetime
    is_new: bool


REMIND_BEFORE = timedelta(minutes=10)
"""How long before the opening those who reserved are reminded."""


class ReserveRequest(NamedTuple):
    """One learner wants to be reminded of the opening of this sale (its address), or takes that back."""

    offer: str
    learner_id: int
    standing: bool = True


class Reserved(NamedTuple):
    """What stands for a learner once it is durable; ``reserved`` counts everybody whose word stands."""

    learner_id: int
    reserved_at: datetime | None
    is_new: bool
    reserved: int
    opens_at: datetime

    @property
    def standing(self) -> bool:
        """Whether their reservation stands."""
        return self.reserved_at is not None


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


class NoSuchOffer(Refused):
    """Nothing is, was or will be on sale at this address."""

    code: ClassVar[str] = "no_such_offer"
    status: ClassVar[int] = 404
    text = _("There is no sale at this address.")


class SaleOpen(Refused):
    """It is too late to reserve: seats can be claimed now."""

    code: ClassVar[str] = "sale_open"
    text = _("The sale is open now. Go and claim a seat.")


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


class NoReason(Refused):
    """An act on a sale needs a reason of one to two hundred characters."""

    code: ClassVar[str] = "no_reason"
    status: ClassVar[int] = 422
    text = _("Say why, in at most 200 characters.")


class NotMoreSeats(Refused):
    """Raising must give more seats than there are, and not without bound."""

    code: ClassVar[str] = "not_more_seats"
    status: ClassVar[int] = 422
    text = _("There are %(seats)s seats now. Give a number between %(lowest)s and %(highest)s.")


class NotFewerSeats(Refused):
    """Lowering must leave fewer seats than there are."""

    code: ClassVar[str] = "not_fewer_seats"
    status: ClassVar[int] = 422
    text = _("There are %(seats)s seats now. Give a smaller number, at least %(lowest)s.")


class SeatsTaken(Refused):
    """The number of seats cannot go below what is sold, held, withdrawn, or was somebody's before."""

    code: ClassVar[str] = "seats_taken"
    text = _("The lowest possible number is %(lowest)s: seats up to it are sold, held, withdrawn or were taken once.")


class AlreadySeated(HasSeat):
    """A seat cannot be given to somebody who has one, or is just paying for one."""

    text = _("This person already has a seat, or is just paying for one.")


class NothingFree(Refused):
    """No seat is left that could be given away."""

    code: ClassVar[str] = "nothing_free"
    text = _("No seat is free to give away. Add seats first.")


class BadRate(Refused):
    """An admission rate is between one and a hundred thousand people a second."""

    code: ClassVar[str] = "bad_rate"
    status: ClassVar[int] = 422
    text = _("Let in between 1 and 100,000 people a second, or leave it to the measured rate.")
