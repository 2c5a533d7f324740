"""What the sandbox does: take a payment, and tell the shop about it the way real services do."""

import hashlib
import hmac
import json
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from kaiying.kit.errors import Refused
from kaiying.orders.providers import Declined
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxRefund, SandboxState
from kaiying.orders.providers.sandbox.tasks import deliver
from kaiying.outbox.actions import later
from kaiying.wire import clock

MERCHANT = "kaiying"
SKEW = timedelta(minutes=5)
MOST_COPIES = 15
BETWEEN_COPIES = timedelta(seconds=2)


class ChargeOver(Refused):
    """The charge was closed or has run out."""

    code = "charge_over"
    text = _("This payment is closed. Nothing was charged.")


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
    _tell(charge, at=at, delay=delay, copies=copies)
    return charge


@transaction.atomic
def give_back(*, ref: str, amount: int, key: str, at: datetime) -> SandboxRefund:
    """Give money back, once per key and never more than was paid (``Declined``); the shop gets a message as well."""
    charge = SandboxCharge.objects.select_for_update().get(ref=ref)
    given = SandboxRefund.objects.filter(charge=charge)
    known = given.filter(key=key).first()
    if known is not None:
        return known
    before = given.aggregate(sum=Sum("amount"))["sum"] or 0
    if charge.state != SandboxState.PAID or before + amount > charge.amount:
        raise Declined("more than was paid")
    made = SandboxRefund.objects.create(charge=charge, key=key, amount=amount, transaction=f"R{secrets.token_hex(8)}")
    _tell(charge, at=at, refund=made.key)
    return made


def message(charge: SandboxCharge, refund: SandboxRefund | None = None) -> tuple[bytes, dict[str, str]]:
    """Return the body and the signed headers of the callback about a paid charge or a refund."""
    facts: dict[str, Any] = {
        "merchant": MERCHANT,
        "number": charge.number,
        "ref": charge.ref,
        "currency": charge.currency,
    }
    if refund is None:
        facts |= {"state": charge.state, "amount": charge.amount, "transaction": charge.transaction}
    else:
        facts |= {
            "state": "refunded",
            "amount": refund.amount,
            "transaction": refund.transaction,
            "refund_key": refund.key,
            "charge": charge.transaction,
        }
    return sign({"event_id": f"evt-{facts['transaction']}", **facts})


def sign(facts: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return a body with these facts and the headers that sign it now."""
    body = json.dumps(facts, separators=(",", ":")).encode()
    stamp = clock.now().isoformat()
    return body, {
        "Content-Type": "application/json",
        "Sandbox-Timestamp": stamp,
        "Sandbox-Signature": signature(stamp=stamp, body=body),
    }


def _tell(charge: SandboxCharge, *, at: datetime, delay: int = 0, copies: int = 1, refund: str = "") -> None:
    """Queue callbacks; every copy carries the same event id, as a repeat by a real service does."""
    for copy in range(min(copies, MOST_COPIES)):
        later(deliver, at=at + timedelta(seconds=delay) + copy * BETWEEN_COPIES, ref=charge.ref, refund=refund)
