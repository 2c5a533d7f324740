"""Writes of this room: open a sale, claim, let go, settle, wait."""

from kaiying.offers.actions.claiming import KEY, claim_seat, claim_seats
from kaiying.offers.actions.opening import change_ladder, open_offer
from kaiying.offers.actions.returning import expire_claims, lapse_claim, refund_claim, release_claim
from kaiying.offers.actions.settling import Settled, expect_payment, forget_payment, settle_claim
from kaiying.offers.actions.waiting import join_waitlist, leave_waitlist, serve_waitlist
from kaiying.offers.vocabulary import ClaimRequest, SettledAs

__all__ = [
    "KEY",
    "ClaimRequest",
    "Settled",
    "SettledAs",
    "change_ladder",
    "claim_seat",
    "claim_seats",
    "expect_payment",
    "expire_claims",
    "forget_payment",
    "join_waitlist",
    "lapse_claim",
    "leave_waitlist",
    "open_offer",
    "refund_claim",
    "release_claim",
    "serve_waitlist",
    "settle_claim",
]
