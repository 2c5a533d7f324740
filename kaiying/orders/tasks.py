"""Work of this room that talks to providers."""

from django.tasks import task

from kaiying.outbox.actions import every
from kaiying.wire import clock


@task
def move_refund(refund: int) -> None:
    """Have the provider move a refund; an unreachable provider is tried again."""
    from kaiying.orders.actions import send_refund  # noqa: PLC0415 — the action queues this task

    send_refund(refund_id=refund, at=clock.now())


@every(10)
@task
def reconcile_orders() -> None:
    """Ask about open orders that heard nothing, and close those whose hold is over."""
    from kaiying.orders.actions import reconcile  # noqa: PLC0415 — the actions import this module

    reconcile(at=clock.now())


@every(600)
@task
def restart_refunds() -> None:
    """Start refunds again that the worker gave up while the provider was away."""
    from kaiying.orders.actions import resend_refunds  # noqa: PLC0415 — the actions import this module

    resend_refunds(at=clock.now())
