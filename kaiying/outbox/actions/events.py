"""Tell what happened, inside the transaction that made it happen."""

from collections.abc import Iterable

from kaiying.outbox.models import Event


def publish(name: str, /, *, channel: str, **facts: object) -> None:
    """Tell ``channel`` that ``name`` happened; a rollback takes the news back too.

    The moment is the database's: news is about when it was written, not about a rehearsed clock.
    """
    Event.objects.create(name=name, channel=channel, facts=facts)


def publish_all(events: Iterable[Event]) -> None:
    """Tell many things with one statement; for the batches of the hot paths."""
    Event.objects.bulk_create(events)
