"""The shop's side of the sandbox: the provider interface over the sandbox's books."""

import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext

from kaiying.orders.providers import Charge, Told, Unreachable
from kaiying.orders.providers.sandbox.actions import MERCHANT, SKEW, give_back, signature
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxState
from kaiying.orders.vocabulary import Forged
from kaiying.wire import clock

TEXTS = ("number", "state", "currency", "transaction", "event_id", "ref", "merchant")
OF_REFUNDS = ("refund_key", "charge")
LONGEST = 80


class Sandbox:
    """Payments without money, with the manners of a real service."""

    name = "sandbox"
    merchant = MERCHANT

    @property
    def label(self) -> str:
        """Its name as a buyer knows it."""
        return gettext("Sandbox payment")

    @property
    def hint(self) -> str:
        """Say that nothing is charged."""
        return gettext("For trying out: no money moves")

    def open(self, charge: Charge) -> tuple[str, str]:
        """Register the order; doing it again changes nothing."""
        found, _new = SandboxCharge.objects.get_or_create(
            number=charge.number,
            defaults={
                "ref": f"sb_{secrets.token_hex(12)}",
                "amount": charge.amount,
                "currency": charge.currency,
                "subject": charge.subject[:200],
                "return_url": charge.return_url,
                "notify_url": charge.notify_url,
                "until": charge.until,
            },
        )
        return found.ref, self.page(found.ref)

    def page(self, ref: str) -> str:
        """Return the sandbox's own page; it lives on our site, by whatever name the buyer reached it."""
        return reverse("sandbox:page", args=[ref])

    def ask(self, ref: str) -> Told:
        """Look the charge up; one whose time is over cannot be paid any more and is closed."""
        charge = _charge(ref)
        if charge.state == SandboxState.OPEN and charge.until <= clock.now():
            return self.close(ref)
        return _told(charge)

    @transaction.atomic
    def close(self, ref: str) -> Told:
        """Close the charge unless it is paid."""
        SandboxCharge.objects.filter(ref=ref, state=SandboxState.OPEN).update(state=SandboxState.CLOSED)
        return _told(_charge(ref))

    def refund(self, *, ref: str, transaction: str, amount: int, key: str) -> str:  # noqa: ARG002 — one charge, one transaction
        """Give money back, once per key and never more than was paid."""
        return give_back(ref=ref, amount=amount, key=key, at=clock.now()).transaction

    def read(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Told:
        """Check signature and time, then read."""
        stamp = headers.get("Sandbox-Timestamp", "")
        given = headers.get("Sandbox-Signature", "")
        if not (given.isascii() and stamp.isascii()) or not hmac.compare_digest(
            signature(stamp=stamp, body=body), given
        ):
            raise Forged
        try:
            sent_at = datetime.fromisoformat(stamp)
            facts: Any = json.loads(body)
            texts = {name: _text(facts[name]) for name in TEXTS}
            amount = facts["amount"]
            refund = {name: _text(facts.get(name, "")) for name in OF_REFUNDS}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Forged from None
        if sent_at.tzinfo is None or abs(at - sent_at) > SKEW or type(amount) is not int or amount < 0:
            raise Forged
        return Told(**texts, **refund, amount=amount)


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST or not value.isprintable():
        raise ValueError
    return value


def _charge(ref: str) -> SandboxCharge:
    found = SandboxCharge.objects.filter(ref=ref).first()
    if found is None:
        raise Unreachable(f"no charge {ref}")
    return found


def _told(charge: SandboxCharge) -> Told:
    return Told(
        number=charge.number,
        state=charge.state,
        amount=charge.amount,
        currency=charge.currency,
        transaction=charge.transaction,
        ref=charge.ref,
        merchant=MERCHANT,
    )
