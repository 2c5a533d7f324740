"""Payment providers, one folder each, behind one interface.

A provider is told about an order (``open``), asked about it (``ask``), told to forget it (``close``) and to give money
back (``refund``); it tells us things by callbacks, which ``read`` turns into ``Told`` after checking who signed them.
No method is ever called inside a database transaction of ours: a slow provider must not hold a seat's lock.
A provider whose page is on another site needs that site in the policy's ``form-action``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Unreachable(Exception):
    """The provider did not answer, or answered nonsense; nothing is known, so nothing may be given up."""


class Declined(Exception):
    """The provider answered, and the answer is no for good; asking again would not help."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a provider needs to know to take money for an order; ``amount`` in minor units."""

    number: str
    amount: int
    currency: str
    subject: str
    return_url: str
    notify_url: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider says about one order: by a callback (with its event id) or when asked (without).

    ``state`` is open, paid, closed, or refunded: then ``transaction`` is the refund's, ``charge`` the transaction it is
    of, and ``refund_key`` our key of it, if it was us who asked.
    """

    number: str
    state: str
    amount: int = 0
    currency: str = ""
    transaction: str = ""
    ref: str = ""
    merchant: str = ""
    refund_key: str = ""
    charge: str = ""
    event_id: str = ""


class Provider(Protocol):
    """A payment service."""

    name: str
    merchant: str
    """Who we are there; a message to another merchant has no effect."""

    @property
    def label(self) -> str:
        """Its name as a buyer knows it, in their language."""

    @property
    def hint(self) -> str:
        """One line of help under the name."""

    def open(self, charge: Charge) -> tuple[str, str]:
        """Register an order; return the provider's reference and the page to send the buyer to. Idempotent."""

    def page(self, ref: str) -> str:
        """Return the page where a registered order is paid."""

    def ask(self, ref: str) -> Told:
        """Ask what became of an order."""

    def close(self, ref: str) -> Told:
        """Make an unpaid order unpayable; a paid one stays paid, and the answer says so."""

    def refund(self, *, ref: str, transaction: str, amount: int, key: str) -> str:
        """Give ``amount`` of a charge back, all or a part, once per ``key``; return the refund's transaction.

        Raises ``Declined`` for more than is left of the charge.
        """

    def read(self, *, body: bytes, headers: Mapping[str, str], at: datetime) -> Told:
        """Check and read a callback; raises ``orders.vocabulary.Forged``."""


@cache
def provider(name: str) -> Provider:
    """Return the provider of that name; raises ``KeyError`` for one that is not set up."""
    found: Provider = import_string(settings.PAYMENT_PROVIDERS[name])()
    return found


def providers() -> list[Provider]:
    """Return every provider that is set up, in the order buyers see them."""
    return [provider(name) for name in settings.PAYMENT_PROVIDERS]


@contextmanager
def at_provider(name: str) -> Iterator[Provider]:
    """Talk to a provider: whatever goes wrong there, a lost line or a broken answer, means that nothing is known."""
    try:
        yield provider(name)
    except (Unreachable, Declined):
        raise
    except Exception as error:
        raise Unreachable(f"{name}: {error!r}") from error
