"""Writes of this room: open a sale, claim, let go, settle, wait."""

from kaiying.offers.actions.admitting import (
    TurnRequest,
    come_in,
    let_in,
    lift_waiting_room,
    payments_timed,
    take_turns,
    turn_of,
)
from kaiying.offers.actions.calling import ask_to_be_called, call_near
from kaiying.offers.actions.claiming import KEY, claim_seat, claim_seats
from kaiying.offers.actions.comps import comp_seat
from kaiying.offers.actions.folding import fold_pulses
from kaiying.offers.actions.opening import change_ladder, open_offer
from kaiying.offers.actions.operating import (
    close_sale,
    lower_seats,
    pause_admission,
    raise_seats,
    resume_admission,
    set_admission_rate,
)
from kaiying.offers.actions.pulsing import Seen, note_pulse
from kaiying.offers.actions.reminding import remind_reserved
from kaiying.offers.actions.reserving import reserve
from kaiying.offers.actions.returning import expire_claims, lapse_claim, refund_claim, release_claim
from kaiying.offers.actions.settling import Settled, expect_payment, forget_payment, settle_claim
from kaiying.offers.actions.waiting import join_waitlist, leave_waitlist, serve_waitlist
from kaiying.offers.actions.watching import watch_sale
from kaiying.offers.vocabulary import ClaimRequest, SettledAs

__all__ = [
    "KEY",
    "ClaimRequest",
    "Seen",
    "Settled",
    "SettledAs",
    "TurnRequest",
    "ask_to_be_called",
    "call_near",
    "change_ladder",
    "claim_seat",
    "claim_seats",
    "close_sale",
    "come_in",
    "comp_seat",
    "expect_payment",
    "expire_claims",
    "fold_pulses",
    "forget_payment",
    "join_waitlist",
    "lapse_claim",
    "leave_waitlist",
    "let_in",
    "lift_waiting_room",
    "lower_seats",
    "note_pulse",
    "open_offer",
    "pause_admission",
    "payments_timed",
    "raise_seats",
    "refund_claim",
    "release_claim",
    "remind_reserved",
    "reserve",
    "resume_admission",
    "serve_waitlist",
    "set_admission_rate",
    "settle_claim",
    "take_turns",
    "turn_of",
    "watch_sale",
]
