"""What the sandbox does: take a payment, and tell the shop about it the way real services do."""

import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from kaiying.kit.errors import Refused
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxState
from kaiying.orders.providers.sandbox.tasks import deliver
from kaiying.outbox.actions import later
from kaiying.wire import clock

SKEW = timedelta(minutes=5)
MOST_COPIES = 15


class ChargeOver(Refused):
    """The charge was paid, closed or has run out."""

    code = "charge_over"


def signature(*, stamp: str, body: bytes) -> str:
    """Return the sandbox's signature over a time stamp and a body."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"kaiying sandbox payments", hashlib.sha256)
    return hmac.digest(key, stamp.encode() + b"\n" + body, hashlib.sha256).hex()


@transaction.atomic
def pay(*, ref: str, at: datetime, delay: int = 0, copies: int = 1) -> SandboxCharge:
    """Take the payment and send the shop ``copies`` of the news, the first after ``delay`` seconds; 0 sends none.

    Paying twice is one payment. Raises ``ChargeOver`` for a closed charge.
    """
    charge = SandboxCharge.objects.select_for_update().get(ref=ref)
    if charge.state == SandboxState.PAID:
        return charge
    if charge.state == SandboxState.CLOSED or charge.until <= at:
        raise ChargeOver
    charge.state, charge.transaction, charge.paid_at = SandboxState.PAID, f"T{secrets.token_hex(8)}", at
    charge.save(update_fields=["state", "transaction", "paid_at"])
    tell(charge=charge, at=at, delay=delay, copies=copies)
    return charge


def tell(*, charge: SandboxCharge, at: datetime, delay: int = 0, copies: int = 1) -> None:
    """Queue callbacks about a paid charge; every copy carries the same event id, as a repeat by a real service does."""
    for copy in range(min(copies, MOST_COPIES)):
        later(deliver, at=at + timedelta(seconds=delay + 2 * copy), ref=charge.ref)


def message(charge: SandboxCharge) -> tuple[bytes, dict[str, str]]:
    """Return the body and the signed headers of the callback about a paid charge."""
    body = json.dumps(
        {
            "event_id": f"evt-{charge.transaction}",
            "number": charge.number,
            "ref": charge.ref,
            "state": charge.state,
            "amount": charge.amount,
            "currency": charge.currency,
            "transaction": charge.transaction,
        },
        separators=(",", ":"),
    ).encode()
    stamp = clock.now().isoformat()
    return body, {
        "Content-Type": "application/json",
        "Sandbox-Timestamp": stamp,
        "Sandbox-Signature": signature(stamp=stamp, body=body),
    }
