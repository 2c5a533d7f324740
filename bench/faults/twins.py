"""The product with one protection taken away, so that a case can show that its judge would notice.

Served in the product's place by ``Tree(twin=…)``; nothing of this is in the product.

- ``early``: answers before the commit. What a crash, a full disk or a lost database takes away was already promised.
- ``keyless``: forgets who asked before, and with which key. A retry after a lost answer buys a second seat.
- ``normal``, ``off``: SQLite does not wait for the disk (``synchronous``). A power cut takes what was acknowledged.
"""

import os
import secrets
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import django

TWIN = os.environ["FAULTS_TWIN"]
LATE = 0.15
"""Seconds by which the twin that answers early commits late: what a busy disk takes."""


def weaken_disk() -> None:
    """Let SQLite acknowledge before the disk does."""
    from django.conf import settings

    options = settings.DATABASES["default"]["OPTIONS"]
    options["init_command"] = options["init_command"].replace("synchronous=FULL", f"synchronous={TWIN.upper()}")


def answer_early() -> None:
    """Wake those who asked while their transaction is still open."""
    from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections, transaction

    from kaiying.wire import batcher

    write = batcher.Batcher._write

    def write_late(self: Any, batch: list[Any]) -> Sequence[Any]:
        answers: Sequence[Any] = []
        own = connections[DEFAULT_DB_ALIAS].__dict__
        own.pop("close_if_unusable_or_obsolete", None)
        close_old_connections()
        own["close_if_unusable_or_obsolete"] = lambda: None  # it would close it in mid-transaction
        try:
            with transaction.atomic():
                answers = write(self, batch)
                batcher._tell(batch, answers)
                time.sleep(LATE)
        except Exception:  # noqa: BLE001 — they have been answered; that is the bug
            return answers or [batcher.Overloaded(1.0) for _ in batch]
        return answers

    batcher.Batcher._write = write_late  # type: ignore[method-assign]


def forget_keys() -> None:
    """Treat every request as a new one, and let a learner have as many seats as they ask for."""
    from kaiying.offers import actions
    from kaiying.offers.actions import claiming

    claim_seats = claiming.claim_seats

    def claim_anew(requests: Sequence[Any], **how: Any) -> Any:
        # One by one: within a batch the product would still know that it is the same learner.
        return [claim_seats([_with_new_key(request)], **how)[0] for request in requests]

    claiming._memory = lambda learner_ids: defaultdict(list)  # noqa: ARG005 — the product calls it so
    claiming.claim_seats = actions.claim_seats = claim_anew


def _with_new_key(request: Any) -> Any:
    return request._replace(key=secrets.token_hex(8))


TAKE_AWAY = {"early": answer_early, "keyless": forget_keys, "normal": weaken_disk, "off": weaken_disk}

django.setup()
TAKE_AWAY[TWIN]()

from kaiying.config.asgi import application

__all__ = ["application"]
