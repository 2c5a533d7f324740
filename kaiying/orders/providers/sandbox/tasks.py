"""The sandbox's callbacks."""

import httpx2
from django.tasks import task

from kaiying.orders.providers.sandbox.models import SandboxCharge, SandboxRefund

PATIENCE = 5.0


class NotTaken(Exception):
    """The shop did not say that it has the message; the worker tries again later, as a real service does."""


@task
def deliver(ref: str, refund: str = "") -> None:
    """Post one signed callback to the shop; anything but an answer that begins with 2 is tried again."""
    from kaiying.orders.providers.sandbox.actions import message  # noqa: PLC0415 — actions queue this task

    charge = SandboxCharge.objects.get(ref=ref)
    body, headers = message(charge, SandboxRefund.objects.get(key=refund) if refund else None)
    # trust_env: a proxy set for the way out has no business between the shop and itself.
    answer = httpx2.post(
        charge.notify_url, content=body, headers=headers, timeout=PATIENCE, follow_redirects=False, trust_env=False
    )
    if not answer.is_success:
        raise NotTaken(f"{answer.status_code}")
