"""Writes of this room: placing, settling and refunding, and asking the provider when it is silent."""

from kaiying.orders.actions.asking import ask_about, reconcile, reconcile_order, withdraw
from kaiying.orders.actions.comping import comp
from kaiying.orders.actions.placing import pay_page, place_order
from kaiying.orders.actions.refunding import refund, refund_again, resend_refunds, send_refund
from kaiying.orders.actions.settling import take_callback

__all__ = [
    "ask_about",
    "comp",
    "pay_page",
    "place_order",
    "reconcile",
    "reconcile_order",
    "refund",
    "refund_again",
    "resend_refunds",
    "send_refund",
    "take_callback",
    "withdraw",
]
