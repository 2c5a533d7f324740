"""Orders and the messages about them for tests."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.test import Client

from kaiying.kit.errors import Refused
from kaiying.offers.models import Offer
from kaiying.orders.actions import place_order, take_callback
from kaiying.orders.models import Order
from kaiying.orders.providers import provider
from kaiying.orders.providers.sandbox.actions import MERCHANT, message, pay, sign
from kaiying.orders.providers.sandbox.models import SandboxCharge
from kaiying.people.models import User
from kaiying.wire import clock
from tests.factories.offers import OPENS, a_claim

PLACED = OPENS + timedelta(minutes=1)
PAID = OPENS + timedelta(minutes=3)
LATE = OPENS + timedelta(minutes=16)
"""A minute after the holds of claims made at the opening are over."""

_events = count(1)


def an_order(offer: Offer, *, learner: User | None = None, name: str = "sandbox", at: datetime = PLACED) -> Order:
    """Claim a seat at the opening and place the order for it."""
    return place_order(claim=a_claim(offer, learner=learner), provider_name=name, at=at)


def pay_silently(order: Order, *, at: datetime = PAID) -> SandboxCharge:
    """Pay at the sandbox, which tells nobody."""
    return pay(ref=order.provider_ref, at=at, copies=0)


def signed(order: Order, *, at: datetime = PAID, **changes: Any) -> tuple[bytes, dict[str, str]]:
    """Return a message with the sandbox's signature that says the order is paid, or what ``changes`` says."""
    facts = {
        "event_id": f"evt-{next(_events)}",
        "merchant": MERCHANT,
        "number": order.number,
        "ref": order.provider_ref,
        "state": "paid",
        "amount": order.amount,
        "currency": order.currency,
        "transaction": f"T-{order.number}",
        **changes,
    }
    with clock.frozen(at):
        return sign(facts)


def hear(order: Order, *, at: datetime = PAID, **changes: Any) -> str:
    """Let the room read and take such a message; return what it did, or the code of the refusal."""
    return take(*signed(order, at=at, **changes), at=at)


def take(body: bytes, headers: dict[str, str], *, at: datetime) -> str:
    """Let the room read and take a message as it came."""
    try:
        told = provider("sandbox").read(body=body, headers=headers, at=at)
        return str(take_callback(provider_name="sandbox", told=told, body=body.decode(), at=at))
    except Refused as refused:
        return refused.code


def sent_by_sandbox(order: Order, *, at: datetime = PAID) -> tuple[bytes, dict[str, str]]:
    """Return the sandbox's own message about the charge of an order, as it stands."""
    with clock.frozen(at):
        return message(SandboxCharge.objects.get(ref=order.provider_ref))


def post(body: bytes, headers: dict[str, str], *, to: str = "sandbox", client: Client | None = None) -> int:
    """Post a callback to the shop and return the status."""
    caller = client or Client(raise_request_exception=False)
    rest = {name: value for name, value in headers.items() if name != "Content-Type"}
    return caller.post(f"/pay/callbacks/{to}/", data=body, content_type="application/json", headers=rest).status_code
