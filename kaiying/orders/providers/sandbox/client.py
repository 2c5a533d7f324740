"""The shop's side of the sandbox: the provider interface over the sandbox's books."""

import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext

from kaiying.orders.providers import Charge, Told, Unreachable
from kaiying.orders.providers.sandbox.actions import SKEW, signature
from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxRefund, SandboxState
from kaiying.orders.vocabulary import Forged


class Sandbox:
    """Payments without money, with the manners of a real service."""

    name = "sandbox"

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
                "subject": charge.subject,
                "return_url": charge.return_url,
                "notify_url": charge.notify_url,
                "until": charge.until,
            },
        )
        return found.ref, self.page(found.ref)

    def page(self, ref: str) -> str:
        """Return the sandbox's own page."""
        return f"{settings.KAIYING_URL}{reverse('sandbox:page', args=[ref])}"

    def ask(self, ref: str) -> Told:
        """Look the charge up."""
        return _told(_charge(ref))

    @transaction.atomic
    def close(self, ref: str) -> Told:
        """Close the charge unless it is paid."""
        SandboxCharge.objects.filter(ref=ref, state=SandboxState.OPEN).update(state=SandboxState.CLOSED)
        return _told(_charge(ref))

    @transaction.atomic
    def refund(self, *, ref: str, amount: int, key: str) -> str:
        """Give money back, once per key and never more than was paid."""
        charge = SandboxCharge.objects.select_for_update().get(ref=ref)
        given = SandboxRefund.objects.filter(charge=charge)
        known = given.filter(key=key).first()
        if known is not None:
            return known.transaction
        if charge.state != SandboxState.PAID or sum(r.amount for r in given) + amount > charge.amount:
            raise Unreachable("more than was paid")
        return SandboxRefund.objects.create(
            charge=charge, key=key, amount=amount, transaction=f"R{secrets.token_hex(8)}"
        ).transaction

    def read(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Told:
        """Check signature and time, then read."""
        stamp = headers.get("Sandbox-Timestamp", "")
        given = headers.get("Sandbox-Signature", "")
        if not given.isascii() or not hmac.compare_digest(signature(stamp=stamp, body=body), given):
            raise Forged
        try:
            sent_at = datetime.fromisoformat(stamp)
            facts = json.loads(body)
            told = Told(
                number=str(facts["number"]),
                state=str(facts["state"]),
                amount=int(facts["amount"]),
                currency=str(facts["currency"]),
                transaction=str(facts["transaction"]),
                event_id=str(facts["event_id"]),
            )
        except (ValueError, KeyError, TypeError):
            raise Forged from None
        if sent_at.tzinfo is None or abs(at - sent_at) > SKEW:
            raise Forged
        return told


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
    )
